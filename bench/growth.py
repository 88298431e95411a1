"""`python -m bench.growth`: what a token costs when there are very many clients, and what a server remembers of them.

Each organization has one machine client. First a thousand of them ask, or as many as there are; then all in turn. With
`--tokens` a server of the largest installation issues so many before its memory is read: signed with ES256, since what
it remembers does not depend on the signature, and they come sooner.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from sqlalchemy import create_engine

from bench import installation, load, machine, servers
from bench.installation import AUDIENCE, Installation
from bench.load import Answered, Post
from bench.machine import Cores
from rxauth.crypto import secrets
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.storage.engines import parse_url
from rxauth.storage.migrations.row_security import see_everything

SIZES: Final = (10, 10_000, 1_000_000)
ACTIVE: Final = 1_000
WARM_UP_S: Final = 4
_REMEMBER_S: Final = 30
_STRIDE: Final = 7_919  # so that those who follow each other do not lie beside each other
_DIGITS: Final = {
    "sqlite": "printf('%0{0}d', i)",
    "postgresql": "lpad(CAST(i AS text), {0}, '0')",
}
_NUMBERS: Final = "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {number})"
# Sends the requests of clients in turn, of which each is named by a number.
_TURNS: Final = """
local turn = %(turn)d
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"

function request()
  turn = turn + 1
  local number = (turn * %(stride)d) %% %(clients)d + 1
  return wrk.format(nil, nil, nil, string.format(%(body)s, number))
end
"""


@dataclass(frozen=True, slots=True)
class Crowded:
    """An installation with so many organizations, each with a client of the one secret."""

    name: str
    organizations: int
    installation: Installation
    secret: str = field(repr=False)

    def body(self) -> str:
        """Returns what a client asks with, with a place for its number."""
        return (
            '{"grant_type": "client_credentials", "client_id": "%032d",'
            f' "client_secret": "{self.secret}", "audience": "{AUDIENCE}"}}'
        )

    def first(self) -> Post:
        """Returns the request of the first client."""
        return Post("/oauth/token", {"content-type": "application/json"}, [self.body() % 1])

    def turns(self, clients: int, turn: int) -> str:
        """Returns the script in which so many clients ask in turn; turn: how many have asked already."""
        asked = {"stride": _STRIDE, "clients": min(clients, self.organizations), "body": f"[==[{self.body()}]==]"}
        return _TURNS % (asked | {"turn": turn}) + load.SUMMARY


@dataclass(slots=True)
class Figures:
    """What was measured of one installation. each: seconds of the server's core that a token took, by who asked."""

    active: list[Answered] = field(default_factory=list)
    in_turn: list[Answered] = field(default_factory=list)
    each_active_s: list[float] = field(default_factory=list)
    each_in_turn_s: list[float] = field(default_factory=list)


def main() -> None:
    """Loads, measures and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long a run is (5)")
    parser.add_argument("--rounds", type=int, default=3, help="how many runs everything has (3)")
    parser.add_argument("--tokens", type=int, default=0, help="after how many tokens memory is read (0: not at all)")
    parser.add_argument("--engines", nargs="+", default=("SQLite", "PostgreSQL"), help="on what (SQLite PostgreSQL)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many organizations (10 10000 1000000)")
    chosen = parser.parse_args()
    cores = machine.two_cores()
    cluster = installation.Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
            makers = {
                "SQLite": lambda name: installation.on_sqlite(_made(Path(folder) / name)),
                "PostgreSQL": lambda name: installation.on_postgres(cluster, name),
            }
            for engine in chosen.engines:
                ones = [_fill(engine, size, makers[engine]) for size in chosen.sizes]
                if chosen.rounds:
                    _measure(ones, chosen, cores, Path(folder))
                if chosen.tokens:
                    _remember(ones[-1], chosen.tokens, cores, Path(folder))
    finally:
        cluster.remove()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _fill(engine: str, number: int, make: Callable[[str], Installation]) -> Crowded:
    """Makes an installation and fills it with organizations, by statements that make them of numbers."""
    began_at, one, secret = time.monotonic(), make(f"growth_{number}"), secrets.new_secret()
    url = parse_url(one.settings.owner_database_url or one.settings.database_url)
    owner = create_engine(url)
    digits = _DIGITS[owner.dialect.name]
    org, client, secret_id = f"'org_' || {digits.format(26)}", digits.format(32), f"'sec_' || {digits.format(26)}"
    digest = secrets.digest(secret).hex()
    blob = f"x'{digest}'" if owner.dialect.name == "sqlite" else f"'\\x{digest}'::bytea"
    numbers = _NUMBERS.format(number=number)
    rows = [
        ("organizations (id, name, created_at, second_factor_required, solo_authority)",
         f"{org}, 'Clinic ' || i, 1, FALSE, FALSE"),
        ("clients (organization_id, id, name, app_type, created_at, tokens_valid_after, third_party, any_organization)",
         f"{org}, {client}, 'Backend', 'non_interactive', 1, 0, FALSE, FALSE"),
        ("client_secrets (organization_id, id, client_id, digest, created_at)",
         f"{org}, {secret_id}, {client}, {blob}, 1"),
        *(("client_permissions (organization_id, client_id, permission)", f"{org}, {client}, '{one}'")
          for one in MACHINE_DEFAULT),
    ]  # fmt: skip
    with owner.begin() as connection:
        see_everything(connection)
        for columns, values in rows:
            connection.exec_driver_sql(f"INSERT INTO {columns} {numbers} SELECT {values} FROM numbers")
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if owner.dialect.name == "sqlite" else "VACUUM ANALYZE")
    owner.dispose()
    print(f"{engine}: {number:,} organizations in {time.monotonic() - began_at:.0f} s.", flush=True)
    return Crowded(engine, number, one, secret)


def _measure(ones: list[Crowded], chosen: argparse.Namespace, cores: Cores, folder: Path) -> None:
    """Has the installations take turns, so that what else the machine does touches all of them alike."""
    figures = {one.organizations: Figures() for one in ones}
    with ExitStack() as stack:
        running = {
            one.organizations: stack.enter_context(
                servers.started(servers.rxauth_serve(one.installation), cores, one.first())
            )
            for one in ones
        }

        def ask(one: Crowded, clients: int) -> tuple[Answered, float]:
            found = figures[one.organizations]
            turn = sum(run.answers for run in found.in_turn)
            return _asked(running[one.organizations], one.turns(clients, turn), chosen.seconds, folder)

        for one in ones:
            _asked(running[one.organizations], one.turns(ACTIVE, 0), WARM_UP_S, folder)
        for _ in range(chosen.rounds):
            for one in ones:
                answered, each_s = ask(one, ACTIVE)
                figures[one.organizations].active.append(answered)
                figures[one.organizations].each_active_s.append(each_s)
        for _ in range(chosen.rounds):
            for one in ones:
                answered, each_s = ask(one, one.organizations)
                figures[one.organizations].in_turn.append(answered)
                figures[one.organizations].each_in_turn_s.append(each_s)
    _show(ones[0].name, figures)


def _asked(server: servers.Running, script: str, seconds: float, folder: Path) -> tuple[Answered, float]:
    """Has clients ask; returns how they were answered, and the seconds of its core that each token took."""
    before_s = machine.processor_seconds(server.process_id)
    answered = load.run_script(f"{server.url}/oauth/token", script, seconds, folder)
    return answered, (machine.processor_seconds(server.process_id) - before_s) / answered.answers


def _show(engine: str, figures: dict[int, Figures]) -> None:
    print(f"\n{engine}: medians of the runs, {load.CONNECTIONS} connections\n")
    heads = (f"{who}: p50 ms | per second | core µs" for who in (f"{ACTIVE:,} ask", "all in turn"))
    print(f"| organizations | {' | '.join(heads)} | p50, of that with fewest |")
    print("|--:|--:|--:|--:|--:|--:|--:|---|")
    fewest = min(figures)
    for size, one in figures.items():
        cells = [f"{size:,}"]
        for runs, each_s in (one.active, one.each_active_s), (one.in_turn, one.each_in_turn_s):
            cells.append(f"{median(run.p50_ms for run in runs):.2f}")
            cells.append(f"{median(run.per_second for run in runs):,.0f}")
            cells.append(f"{median(each_s) * 1e6:.0f}")
        ratios = [a.p50_ms / b.p50_ms for a, b in zip(one.active, figures[fewest].active, strict=True)]
        cells.append(f"{median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")
        print(f"| {' | '.join(cells)} |", flush=True)


def _remember(one: Crowded, tokens: int, cores: Cores, folder: Path) -> None:
    """Has everybody ask in turn for a while, then a thousand, until there are so many tokens; and says what it took."""
    with servers.started(servers.es256_app(one.installation), cores, one.first()) as server:
        began_mb, issued = machine.resident_mb(server.process_id), 0
        while issued < tokens:
            clients = ACTIVE if issued else one.organizations
            issued += _asked(server, one.turns(clients, issued), _REMEMBER_S, folder)[0].answers
        ended_mb = machine.resident_mb(server.process_id)
    print(f"\n{one.name}: {began_mb:.0f} MB at the start, {ended_mb:.0f} MB after {issued:,} tokens.\n", flush=True)


if __name__ == "__main__":
    main()
