"""`python -m bench.row_security`: what the second lock on tenancy costs.

Two servers on two databases of one PostgreSQL, of which one has the lock off, are asked in turn on one connection each.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import create_engine, text

from bench import contenders, crowd, installation, machine, prescribing, servers
from bench.connections import Connection, Reply, post, require
from bench.crowd import Crowd
from bench.installation import Installation
from bench.load import Post
from rxauth.storage.engines import parse_url
from rxauth.storage.tables import metadata
from rxauth.storage.tables.metadata import is_tenant_table

WARM_UP: Final = 100
Next = Callable[[Reply | None], bytes]


@dataclass(frozen=True, slots=True)
class Side:
    """A server, and what it is asked, by the name of the call."""

    url: str
    calls: dict[str, Next]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.row_security", description=__doc__)
    parser.add_argument("--times", type=int, default=2_000, help="how often each call is made on each side (2,000)")
    times = parser.parse_args().times
    cores = machine.two_cores()
    cluster = installation.Cluster()
    try:
        unlocked, locked = (installation.on_postgres(cluster, name) for name in ("unlocked", "locked"))
        _unlock(unlocked)
        with ExitStack() as stack:
            sides = []
            for one in (unlocked, locked):
                people, token = crowd.gather(one), contenders.exchange(one)
                server = stack.enter_context(servers.started(servers.rxauth_serve(one), cores, token))
                sides.append(Side(server.url, _calls(one, people, server.url)))
            print("| call | without: p50 ms | with: p50 ms | more |\n|---|--:|--:|--:|", flush=True)
            for name in sides[0].calls:
                without, with_it = asyncio.run(_measured(sides, name, times))
                print(f"| {name} | {without:.2f} | {with_it:.2f} | {with_it / without - 1:.1%} |", flush=True)
    finally:
        cluster.remove()


def _unlock(one: Installation) -> None:
    owner = create_engine(parse_url(str(one.settings.owner_database_url)))
    with owner.begin() as connection:
        for table in metadata.tables.values():
            if is_tenant_table(table):
                connection.execute(text(f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY"))
    owner.dispose()


def _calls(one: Installation, people: Crowd, url: str) -> dict[str, Next]:
    held = prescribing.exchange(people).once(url)
    return {
        "patient(id)": _in_turn(contenders.read(one, url)),
        "refresh": _refresh(people, held),
        "createPatient": _in_turn(prescribing.create_patient(held["access_token"])),
        "createPrescription": _in_turn(prescribing.create_prescription(one, held["access_token"])),
    }


def _in_turn(asked: Post) -> Next:
    def requests() -> Iterator[bytes]:
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        while True:
            for body in asked.bodies:
                length = f"content-length: {len(body)}\r\n"
                yield f"POST {asked.path} HTTP/1.1\r\nhost: localhost\r\n{head}{length}\r\n{body}".encode()

    made = requests()
    return lambda _: next(made)


def _refresh(people: Crowd, held: dict[str, Any]) -> Next:
    def request(reply: Reply | None) -> bytes:
        token = (held if reply is None else json.loads(reply.body))["refresh_token"]
        form = {"grant_type": "refresh_token", "client_id": people.client_id, "refresh_token": token}
        return post("/oauth/token", urlencode(form))

    return request


async def _measured(sides: list[Side], name: str, times: int) -> list[float]:
    """Returns the median of each side, in milliseconds."""
    waits: list[list[float]] = [[] for _ in sides]
    replies: list[Reply | None] = [None for _ in sides]
    async with Connection(sides[0].url) as first, Connection(sides[1].url) as second:
        connections = (first, second)
        for turn in range(WARM_UP + times):
            for number in (0, 1) if turn % 2 else (1, 0):
                request = sides[number].calls[name](replies[number])
                began_at = time.perf_counter()
                reply = require(await connections[number].send(request), 200)
                if turn >= WARM_UP:
                    waits[number].append((time.perf_counter() - began_at) * 1e3)
                replies[number] = reply
    return [statistics.median(one) for one in waits]


if __name__ == "__main__":
    main()
