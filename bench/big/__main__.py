"""`python -m bench.big`: loads an organization of a million patients on PostgreSQL, and measures the Clinical API."""

import argparse
import datetime
import json
import tempfile
import time
from pathlib import Path

from bench import installation, machine, servers
from bench.big import asking, figures, report, size
from bench.big.cluster import Cluster
from bench.big.size import Size
from bench.load import Post
from rxauth.clock import Clock
from rxauth.storage.database import Database


def main() -> None:
    """Loads, measures, prints and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.big", description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000, help="of the big organization (1,000,000)")
    parser.add_argument("--organizations", type=int, default=1_000, help="around it, and with it (1,000)")
    parser.add_argument("--seconds", type=float, default=60, help="how long the run at the usual rate is (60)")
    chosen = parser.parse_args()
    started = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    cores = machine.two_cores()
    cluster = Cluster()
    try:
        one = installation.on_postgres(cluster)
        wanted = Size(chosen.patients, chosen.organizations)
        began_at = time.monotonic()
        owner_url = one.settings.owner_database_url or one.settings.database_url
        size.fill(one.settings.database_url, owner_url, one.organization_id, wanted, Clock(), _say)
        loaded_s = time.monotonic() - began_at
        database = Database(one.settings.database_url)
        known = database.read(lambda tx: asking.know(tx, one.organization_id, wanted.patients))
        database.close()
        found = figures.measure(one, known, cores, _exchange(one), chosen.seconds, _say)
        with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
            text = report.page(started, machine.describe(Path(folder)), wanted, loaded_s, found)
    finally:
        cluster.remove()
    written = report.save(servers.ROOT / "bench" / "results", started, text)
    print(f"\n{text}\nWritten to {written.relative_to(servers.ROOT)}.")


def _exchange(one: installation.Installation) -> Post:
    body = {
        "client_id": one.client_id,
        "client_secret": one.secret,
        "audience": installation.AUDIENCE,
        "grant_type": "client_credentials",
    }
    return Post("/oauth/token", {"content-type": "application/json"}, [json.dumps(body)])


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
