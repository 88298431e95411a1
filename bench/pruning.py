"""`python -m bench.pruning`: whether anybody notices that a million rows go which are too old.

Tokens of machines, refreshes and new patients are asked for at a steady rate: first for as long as the server does not
sweep yet, then while it removes the rows.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import create_engine

from bench import crowd, installation, machine, prescribing, servers
from bench.connections import Connection, Reply, post, require
from bench.crowd import Crowd
from bench.installation import AUDIENCE, Installation
from bench.load import Post
from bench.machine import Cores
from rxauth.clock import Clock
from rxauth.domain import retention
from rxauth.edge.sweeps import SWEEP_EVERY_S
from rxauth.storage.database import Database
from rxauth.storage.engines import parse_url
from rxauth.storage.migrations.row_security import see_everything

LIMIT_S: Final = 600
_PER_SECOND: Final = {"token": 40, "refresh": 15, "patient": 15}
_NUMBERS: Final = "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {number})"
_DIGITS: Final = {"sqlite": "printf('%026d', i)", "postgresql": "lpad(CAST(i AS text), 26, '0')"}
_DIGEST: Final = {"sqlite": "randomblob(32)", "postgresql": "decode(md5(i::text) || md5((-i)::text), 'hex')"}
Next = Callable[[Reply | None], bytes]


@dataclass(slots=True)
class Stream:
    """Requests at a steady rate on one connection. waits: when each was due, and how long it took from then."""

    name: str
    next: Next = field(repr=False)
    waits: list[tuple[float, float]] = field(default_factory=list)

    async def run(self, url: str, is_over: Callable[[], bool]) -> None:
        """Sends until it is over."""
        reply, turn, began_at = None, 0, time.perf_counter()
        async with Connection(url) as connection:
            while not is_over():
                due_at = began_at + turn / _PER_SECOND[self.name]
                if (early := due_at - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                    due_at = time.perf_counter()
                reply = require(await connection.send(self.next(reply)), 200)
                self.waits.append((due_at, time.perf_counter() - due_at))
                turn += 1

    def within(self, since: float, until: float) -> str:
        """Returns what the requests of a time took."""
        waits = [took * 1e3 for at, took in self.waits if since <= at < until]
        if len(waits) < 2:
            return "- | - | 0"
        hundredths = statistics.quantiles(waits, n=100)
        return f"{hundredths[49]:.1f} | {hundredths[98]:.1f} | {len(waits):,}"


def main() -> None:
    """Fills, measures and prints a table for each engine."""
    parser = argparse.ArgumentParser(prog="python -m bench.pruning", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many are too old (1,000,000)")
    parser.add_argument("--engines", nargs="+", default=("SQLite", "PostgreSQL"), help="on what (SQLite PostgreSQL)")
    chosen = parser.parse_args()
    cores = machine.two_cores()
    cluster = installation.Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
            print("| engine | | before: p50 ms | p99 ms | requests | meanwhile: p50 ms | p99 ms | requests |")
            print("|---|---|--:|--:|--:|--:|--:|--:|", flush=True)
            makers = {
                "SQLite": lambda: installation.on_sqlite(Path(folder)),
                "PostgreSQL": lambda: installation.on_postgres(cluster),
            }
            for engine in chosen.engines:
                _measure(engine, makers[engine](), chosen.rows, cores)
    finally:
        cluster.remove()


def _measure(engine: str, one: Installation, rows: int, cores: Cores) -> None:
    people = crowd.gather(one)
    _fill(one, people, rows)
    first = _token(one)
    with servers.started(servers.rxauth_serve(one), cores, first) as server:
        began_at = time.perf_counter()
        streams = _streams(server.url, one, people)
        watch = _Watch(one, began_at)
        watch.start()

        async def run() -> None:
            await asyncio.gather(*(stream.run(server.url, watch.is_over) for stream in streams))

        asyncio.run(run())
    for stream in streams:
        before = stream.within(began_at, began_at + SWEEP_EVERY_S - 1)
        meanwhile = stream.within(began_at + SWEEP_EVERY_S, watch.ended_at)
        print(f"| {engine} | {stream.name} | {before} | {meanwhile} |", flush=True)
    swept_s = watch.ended_at - began_at - SWEEP_EVERY_S
    print(f"\n{engine}: {rows:,} rows in {swept_s:.0f} s, {rows / swept_s:,.0f} a second; all gone: {watch.is_gone}.\n")


class _Watch(threading.Thread):
    """Looks once a second whether something is too old still."""

    def __init__(self, one: Installation, began_at: float) -> None:
        super().__init__(daemon=True)
        self._database = Database(one.settings.database_url)
        self._over_at = began_at + LIMIT_S
        self.ended_at = self._over_at
        self.is_gone = False

    def run(self) -> None:
        """Ends when nothing is, or it lasts too long."""
        while not self.is_over() and not self.is_gone:
            seen = self._database.read(lambda tx: retention.look(tx, Clock().seconds()))
            if not any(seen.overdue_s.values()):
                self.is_gone, self.ended_at = True, time.perf_counter()
            time.sleep(1)
        self._database.close()

    def is_over(self) -> bool:
        """Tells whether there is nothing more to measure."""
        return self.is_gone or time.perf_counter() > self._over_at


def _fill(one: Installation, people: Crowd, rows: int) -> None:
    owner = create_engine(parse_url(one.settings.owner_database_url or one.settings.database_url))
    digits, digest, who = _DIGITS[owner.dialect.name], _DIGEST[owner.dialect.name], people.signed_in[0]
    holder = f"'{people.client_id}', '{who.user_id}', '{who.session_id}'"
    held = "client_id, user_id, session_id"
    old = {
        "sign_ins (id, browser_digest, request, methods, created_at, expires_at)": (
            f"'sin_' || {digits}, {digest}, '{{}}', '', 1, 1"
        ),
        f"token_families (id, {held}, scope, created_at, counter)": f"'fam_' || {digits}, {holder}, 'openid', 1, 0",
        f"authorization_codes (digest, {held}, redirect_uri, code_challenge, scope, created_at, family_id)": (
            f"{digest}, {holder}, 'http://localhost:3000', {digits}, 'openid', 1, 'fam_1'"
        ),
    }
    numbers = _NUMBERS.format(number=rows // len(old))
    with owner.begin() as connection:
        see_everything(connection)
        for columns, values in old.items():
            connection.exec_driver_sql(f"INSERT INTO {columns} {numbers} SELECT {values} FROM numbers")
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if owner.dialect.name == "sqlite" else "VACUUM ANALYZE")
    owner.dispose()


def _token(one: Installation) -> Post:
    asked = {"client_id": one.client_id, "client_secret": one.secret, "audience": AUDIENCE}
    body = json.dumps(asked | {"grant_type": "client_credentials"})
    return Post("/oauth/token", {"content-type": "application/json"}, [body])


def _streams(url: str, one: Installation, people: Crowd) -> list[Stream]:
    token = _token(one)
    asked = post(token.path, token.bodies[0], media_type="application/json")
    [form] = people.exchanges(1)
    first = Post("/oauth/token", {"content-type": "application/x-www-form-urlencoded"}, [form]).once(url)

    def refresh(reply: Reply | None) -> bytes:
        known: dict[str, Any] = first if reply is None else json.loads(reply.body)
        body = {"grant_type": "refresh_token", "client_id": people.client_id, "refresh_token": known["refresh_token"]}
        return post("/oauth/token", urlencode(body))

    patient = prescribing.create_patient(token.once(url)["access_token"])
    head = "".join(f"{name}: {value}\r\n" for name, value in patient.headers.items())
    created = (
        f"POST {patient.path} HTTP/1.1\r\nhost: localhost\r\n{head}"
        f"content-length: {len(patient.bodies[0])}\r\n\r\n{patient.bodies[0]}"
    ).encode()
    return [Stream("token", lambda _: asked), Stream("refresh", refresh), Stream("patient", lambda _: created)]


if __name__ == "__main__":
    main()
