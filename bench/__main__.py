"""`python -m bench`: measures the real server, and what it is compared with, in one sitting."""

import argparse
import dataclasses
import datetime
import shutil
import tempfile
import time
from pathlib import Path

from bench import checks, contenders, crowd, decisions, installation, machine, names, peers, report, servers
from bench.contenders import Field, Subject, Yardsticks
from bench.installation import Installation
from bench.machine import Cores
from bench.report import Sat
from bench.sitting import Contender, Kept, Sitting, load_kept
from bench.yardsticks import (
    BareCommits,
    BareCurveSignatures,
    BareHashes,
    BareReads,
    BareSignatures,
    PostgresTable,
    SqliteTable,
)

_CHECK_S = 2.0


def main() -> None:
    """Measures, prints and writes the report; or as much as there is time for."""
    chosen = _arguments()
    ends_at = time.monotonic() + chosen.minutes * 60
    for needed in ("wrk", "taskset", "npm", "node"):
        if shutil.which(needed) is None:
            raise SystemExit(f"{needed} is not installed; `make bench` says what it needs")
    peers.install()
    kept = load_kept(servers.ROOT / "bench" / "results" / "sitting.json", chosen.seconds, chosen.rounds)
    kept.began.append(datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"))
    cores = machine.two_cores()
    with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
        cluster = installation.Cluster()
        try:
            is_over = _sit(kept, cores, Path(folder), cluster, ends_at, acts_only=chosen.acts)
        finally:
            cluster.remove()
    if not is_over:
        print(f"\nNot over yet: {len(kept.runs)} runs are in {kept.file}. Start it again to go on.")
        return
    sat = Sat.of_kept(kept)
    page = sat.save(kept.file.parent)
    kept.file.unlink()
    print(f"\n{report.markdown(sat)}\nWritten to {page.relative_to(servers.ROOT)}, and as JSON beside it.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="how long a run is (8)")
    parser.add_argument("--rounds", type=int, default=5, help="how many runs everything has (5)")
    parser.add_argument("--minutes", type=float, default=10_000, help="stop after so long; the next start goes on")
    parser.add_argument("--acts", action="store_true", help="leave out the app with less in it, and steady loads")
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, to see that it works")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.rounds = 2, 2
    return chosen


def _sit(
    kept: Kept, cores: Cores, folder: Path, cluster: installation.Cluster, ends_at: float, *, acts_only: bool
) -> bool:
    """Goes on with a sitting; tells whether it is over."""
    print("Making an installation on each engine ...", flush=True)
    sqlite, postgres = installation.on_sqlite(folder), installation.on_postgres(cluster)
    kept.once.setdefault("machine", machine.describe(folder) | peers.versions())
    kept.first("written", lambda: _written({"SQLite": sqlite, "PostgreSQL": postgres}, cores, folder))
    print("Timing starts ...", flush=True)
    kept.first("first_token_s", lambda: checks.first_token_s(sqlite, cores, contenders.exchange(sqlite)))
    kept.first("help_s", lambda: checks.help_s(cores))
    kept.first("decision_us", decisions.each_us)
    peak = kept.first("peak", lambda: contenders.peak(sqlite, cores, kept.seconds, folder))
    field = Field(cores, folder, _yardsticks(cores), peak)
    taking_part = _contenders(field, sqlite, postgres, cluster, acts_only=acts_only)
    print(f"Measuring, {kept.rounds} rounds of {kept.seconds:g} s each ...", flush=True)
    return Sitting(cores, kept, ends_at).hold(taking_part)


def _yardsticks(cores: Cores) -> Yardsticks:
    return Yardsticks(BareSignatures(cores), BareCurveSignatures(cores), BareHashes(cores))


def _contenders(
    field: Field, sqlite: Installation, postgres: Installation, cluster: installation.Cluster, *, acts_only: bool
) -> list[Contender]:
    tables: dict[str, SqliteTable | PostgresTable] = {
        names.SQLITE: SqliteTable(field.folder),
        names.POSTGRES: PostgresTable(cluster),
    }
    subjects = [
        Subject(
            who,
            one,
            crowd.gather(one),
            BareReads(field.cores, who.removeprefix("rxauth on "), tables[who]),
            BareCommits(field.cores, who.removeprefix("rxauth on "), tables[who]),
        )
        for who, one in ((names.SQLITE, sqlite), (names.POSTGRES, postgres))
    ]
    on_sqlite, on_postgres = subjects
    return contenders.interleaved(
        field.of_rxauth(on_sqlite),
        field.of_rxauth(on_postgres),
        field.of_node(peers.NodePeer(), on_postgres.commits),
        field.of_django(peers.django_peer(cluster), on_postgres.reads, on_postgres.commits),
        field.of_nothing(on_sqlite),
        [] if acts_only else field.of_less(on_sqlite),
    )


def _written(installations: dict[str, Installation], cores: Cores, folder: Path) -> dict[str, object]:
    """Returns what tokens and reads leave in the database, on each engine."""
    print("Counting what is written ...", flush=True)
    written: dict[str, object] = {}
    for engine, one in installations.items():
        token = contenders.exchange(one)
        with servers.started(servers.rxauth_serve(one), cores, token) as server:
            call = contenders.read(one, server.url)
        for what, post in (("tokens", token), ("patient(id)", call)):
            written[f"{what}, {engine}"] = dataclasses.asdict(checks.written(one, cores, post, _CHECK_S, folder))
    return written


if __name__ == "__main__":
    main()
