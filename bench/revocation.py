"""How soon a revocation is seen by every process: `python -m bench.revocation`.

Three servers share a database. Somebody else disables one client after the other; each server is asked again and again
whether the client's token holds, until it says no. The moment that counts is the commit.
"""

import argparse
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx

from bench.installation import AUDIENCE, Cluster, Installation, on_postgres, on_sqlite
from bench.load import Post
from bench.machine import Cores, two_cores
from bench.servers import rxauth_serve, started
from rxauth.domain import clients, organizations
from rxauth.domain.client_secrets import NewSecret
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.storage.database import Database, Transaction

PROCESSES: Final = 3
REVOCATIONS: Final = 200
_PAUSE_S: Final = (0.05, 0.35)  # longer than the interval in which processes look of themselves
_ASKED: Final = {"query": "{ __typename }"}


def main() -> None:
    """Measures both engines and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--revocations", type=int, default=REVOCATIONS)
    number = parser.parse_args().revocations
    cores = two_cores()
    print(f"From the commit of a revocation until the last of {PROCESSES} processes refuses, {number} times:")
    for engine, made in (("PostgreSQL", _postgres), ("SQLite", _sqlite)):
        with made() as installation:
            delays = sorted(_delays(installation, cores, number))
        in_ms = [one * 1e3 for one in delays]
        p99 = in_ms[int(len(in_ms) * 0.99)]
        print(f"  {engine:<11} median {statistics.median(in_ms):.1f} ms, p99 {p99:.1f} ms, worst {in_ms[-1]:.1f} ms")


@contextmanager
def _postgres() -> Iterator[Installation]:
    cluster = Cluster()
    try:
        yield on_postgres(cluster)
    finally:
        cluster.remove()


@contextmanager
def _sqlite() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory() as folder:
        yield on_sqlite(Path(folder))


def _delays(installation: Installation, cores: Cores, number: int) -> list[float]:
    body = {"grant_type": "client_credentials", "client_id": installation.client_id, "audience": AUDIENCE}
    first = Post(
        "/oauth/token",
        {"content-type": "application/json"},
        [json.dumps(body | {"client_secret": installation.secret})],
    )
    with ExitStack() as stack:
        commands = [rxauth_serve(installation, on_both_cores=True) for _ in range(PROCESSES)]
        urls = [stack.enter_context(started(one, cores, first)).url for one in commands]
        askers = [stack.enter_context(httpx.Client(base_url=url, trust_env=False)) for url in urls]
        threads = stack.enter_context(ThreadPoolExecutor(PROCESSES))
        database = Database(installation.settings.database_url)
        stack.callback(database.close)
        return [_revoke(database, askers, threads, one) for one in range(number)]


def _revoke(database: Database, askers: list[httpx.Client], threads: ThreadPoolExecutor, number: int) -> float:
    """Makes a client, has every process know it, disables it; returns the seconds until the last process refuses."""
    now = int(time.time())

    def make(transaction: Transaction) -> NewSecret:
        owner = organizations.create(transaction, f"Clinic {number}", now)
        return clients.create_machine_client(transaction, owner.id, "backend", MACHINE_DEFAULT, now)

    secret = database.write(make)
    body = {"grant_type": "client_credentials", "client_id": secret.client_id, "client_secret": secret.text}
    token = askers[0].post("/oauth/token", json=body | {"audience": AUDIENCE}).raise_for_status().json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    for asker in askers:
        asker.post("/graphql", json=_ASKED, headers=headers).raise_for_status()
    time.sleep(random.uniform(*_PAUSE_S))
    begun = threading.Barrier(len(askers) + 1)
    refused = [threads.submit(_refused_at, asker, headers, begun.wait) for asker in askers]
    begun.wait()
    database.write(lambda tx: clients.disable(tx, secret.client_id, now))
    committed_at = time.monotonic()
    return max(0.0, max(one.result() for one in refused) - committed_at)


def _refused_at(asker: httpx.Client, headers: dict[str, str], begin: Callable[[], object]) -> float:
    begin()
    while asker.post("/graphql", json=_ASKED, headers=headers).status_code == 200:
        pass
    return time.monotonic()


if __name__ == "__main__":
    main()
