"""`python -m bench`: measures the real server, and what it is compared with, in one sitting."""

import argparse
import datetime
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench import checks, crowd, decisions, installation, load, machine, prescribing, report, servers, signing_in
from bench.crowd import Crowd
from bench.installation import AUDIENCE, SCOPE, Installation
from bench.load import Post
from bench.machine import BareHashes, BareSignatures, Cores
from bench.servers import Command
from bench.sitting import WARM_UP_S, YARDSTICK_S, Contender, Sitting

# What the published clients ask of a patient.
_DOCUMENT: Final = """query patient($id: ID!) {
  patient(id: $id) {
    id externalId name { full } dateOfBirth sex gender email phone
    address { name { full } city country postalCode state street1 street2 }
  }
}"""
_JSON: Final = "application/json"
_CHECK_S: Final = 2.0


def main() -> None:
    """Measures, prints and writes the report."""
    chosen = _arguments()
    for needed in ("wrk", "taskset", "npm", "node"):
        if shutil.which(needed) is None:
            raise SystemExit(f"{needed} is not installed; `make bench` says what it needs")
    servers.install_peer()
    started = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    cores = machine.two_cores()
    with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
        cluster = installation.Cluster()
        try:
            sat = _sit(chosen, started, cores, Path(folder), cluster)
        finally:
            cluster.remove()
    page = sat.save(servers.ROOT / "bench" / "results")
    print(f"\n{sat.markdown()}\nWritten to {page.relative_to(servers.ROOT)}, and as JSON beside it.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="how long a run is (8)")
    parser.add_argument("--rounds", type=int, default=5, help="how many runs everything has (5)")
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, to see that it works")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.rounds = 2, 2
    return chosen


def _sit(
    chosen: argparse.Namespace, started: str, cores: Cores, folder: Path, cluster: installation.Cluster
) -> report.Sat:
    print("Making an installation on each engine ...", flush=True)
    sqlite, postgres = installation.on_sqlite(folder), installation.on_postgres(cluster)
    print("Counting what is written ...", flush=True)
    written, calls = {}, {}
    for name, one in ("SQLite", sqlite), ("PostgreSQL", postgres):
        calls[name] = _call(one, _token(one, cores))
        written[f"tokens, {name}"] = checks.written(one, cores, _exchange(one), _CHECK_S, folder)
        written[f"patient(id), {name}"] = checks.written(one, cores, calls[name], _CHECK_S, folder)
    print("Timing starts ...", flush=True)
    first_token_s = checks.first_token_s(sqlite, cores, _exchange(sqlite))
    help_s = checks.help_s(cores)
    decision_us = decisions.each_us()
    signatures = BareSignatures(cores)
    crowds = {name: crowd.gather(one) for name, one in (("SQLite", sqlite), ("PostgreSQL", postgres))}

    def of_post(name: str, start: Callable[[], Command], post: Post) -> Contender:
        return Contender(name, start, post, load.again_and_again(post, folder), signatures)

    contenders = [
        of_post(report.TOKEN_SQLITE, lambda: servers.rxauth_serve(sqlite), _exchange(sqlite)),
        of_post(report.TOKEN_POSTGRES, lambda: servers.rxauth_serve(postgres), _exchange(postgres)),
        of_post(report.TOKEN_UNCHAINED, lambda: servers.unchained_app(sqlite), _exchange(sqlite)),
        of_post(report.TOKEN_PEER, servers.peer, _peer_exchange()),
        of_post(report.CALL, lambda: servers.rxauth_serve(sqlite), calls["SQLite"]),
        of_post(report.BARE_CALL, lambda: servers.bare_app(sqlite), calls["SQLite"]),
        *_of_people(crowds, cores, signatures, _peak(sqlite, cores, chosen, folder)),
        *_of_providers(crowds, cores, of_post),
    ]
    print(f"Measuring, {chosen.rounds} rounds of {chosen.seconds:g} s each ...", flush=True)
    runs = Sitting(cores, chosen.seconds, chosen.rounds).hold(contenders)
    machine_made_of = machine.describe(folder)
    return report.Sat(started, machine_made_of, chosen.seconds, runs, first_token_s, help_s, decision_us, written)


def _of_people(crowds: Mapping[str, Crowd], cores: Cores, signatures: BareSignatures, peak: float) -> list[Contender]:
    """Returns what is measured of people who sign in; peak: SQLite's tokens of machines per second."""
    hashes = BareHashes(cores)
    most_hashes, most_signatures = hashes.per_second(YARDSTICK_S), signatures.per_second(YARDSTICK_S)
    contenders = []
    for engine, people in crowds.items():
        one = people.installation
        token = _exchange(one)
        serve = partial(servers.rxauth_serve, one)
        everywhere = partial(servers.rxauth_serve, one, on_both_cores=True)
        logins = signing_in.logins(people, most_hashes)
        exchanges = signing_in.exchanges(people, most_signatures)
        contenders += [
            Contender(report.LOGIN.format(engine), everywhere, token, logins, hashes),
            Contender(report.AUTHORIZE.format(engine), serve, token, signing_in.authorizations(people), signatures),
            Contender(report.CODE.format(engine), serve, token, exchanges, signatures),
        ]
    sqlite = crowds["SQLite"].installation
    token, serve = _exchange(sqlite), partial(servers.rxauth_serve, sqlite)
    for name, queue in (report.HALF_PEAK, None), (report.HALF_PEAK_QUEUED, crowds["SQLite"]):
        contenders.append(Contender(name, serve, token, signing_in.steady_tokens(token, peak / 2, queue), signatures))
    return contenders


def _of_providers(
    crowds: Mapping[str, Crowd], cores: Cores, of_post: Callable[[str, Callable[[], Command], Post], Contender]
) -> list[Contender]:
    """Returns what is measured of providers who write."""
    contenders = []
    for engine, people in crowds.items():
        one = people.installation
        serve = partial(servers.rxauth_serve, one)
        with servers.started(serve(), cores, _exchange(one)) as server:
            token = prescribing.exchange(people).once(server.url)["access_token"]
        contenders += [
            of_post(report.PATIENT.format(engine), serve, prescribing.create_patient(token)),
            of_post(report.PRESCRIPTION.format(engine), serve, prescribing.create_prescription(one, token)),
        ]
    return contenders


def _peak(one: Installation, cores: Cores, chosen: argparse.Namespace, folder: Path) -> float:
    """Returns the most machines' tokens per second, the half of which is a steady load."""
    with servers.started(servers.rxauth_serve(one), cores, _exchange(one)) as server:
        load.put_on(server.url, _exchange(one), WARM_UP_S, folder)
        return load.put_on(server.url, _exchange(one), chosen.seconds, folder).per_second


def _token(one: Installation, cores: Cores) -> str:
    with servers.started(servers.rxauth_serve(one), cores, _exchange(one)) as server:
        return str(_exchange(one).once(server.url)["access_token"])


def _exchange(one: Installation) -> Post:
    """The documented exchange."""
    body = {
        "client_id": one.client_id,
        "client_secret": one.secret,
        "audience": AUDIENCE,
        "grant_type": "client_credentials",
    }
    return Post("/oauth/token", {"content-type": _JSON}, [json.dumps(body, separators=(",", ":"))])


def _peer_exchange() -> Post:
    """The same exchange in the only form that the peer takes."""
    body = {
        "grant_type": "client_credentials",
        "client_id": servers.PEER_CLIENT_ID,
        "client_secret": servers.PEER_SECRET,
        "resource": AUDIENCE,
        "scope": SCOPE,
    }
    return Post("/token", {"content-type": "application/x-www-form-urlencoded"}, [urlencode(body)])


def _call(one: Installation, token: str) -> Post:
    """Reads the patients, one a request, with one token: as an organization's backend does."""
    bodies = [json.dumps({"query": _DOCUMENT, "variables": {"id": patient_id}}) for patient_id in one.patient_ids]
    return Post("/graphql", {"content-type": _JSON, "authorization": f"Bearer {token}"}, bodies)


if __name__ == "__main__":
    main()
