"""Floods of bad tokens and made-up clients: they cost the database little or nothing, and leave nothing in memory."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
from sqlalchemy import event

from rxauth.crypto.secrets import new_secret
from rxauth.domain.registered_origins import AT_ONCE
from rxauth.edge.grouped_reads import GroupedReads
from rxauth.edge.guards import FailureLimiter
from rxauth.ids import new_client_id
from tests.live import Live

FLOOD = 60
QUERY = "{ organization { id } }"


@contextmanager
def statements(live: Live) -> Iterator[list[str]]:
    """Lists the statements that requests run: those of worker threads."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.current_thread().name.startswith("worker"):
            seen.append(statement)

    engines = (live.server.database.engines.reader, live.server.database.engines.writer)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_a_flood_of_bad_tokens_reads_nothing_from_the_database_and_leaves_nothing_behind(live: Live) -> None:
    good = live.token(live.world.alder)
    head, payload, signature = good.split(".")
    assert live.graphql(good, QUERY).status_code == 200
    remembered = len(live.server.verified._claims)
    with statements(live) as seen:
        for number in range(FLOOD):
            bad = f"{head}.{payload}.{number:04d}{signature[4:]}" if number % 2 else f"made.up.{number}"
            assert live.graphql(bad, QUERY).status_code == 401
            assert live.http.get("/userinfo", headers={"authorization": f"Bearer {bad}"}).status_code == 401
    assert seen == []
    assert len(live.server.verified._claims) == remembered


def test_a_flood_of_made_up_clients_is_read_only_so_often_and_pushes_no_client_out(live: Live) -> None:
    live.edge.limiter = FailureLimiter(5)
    live.token(live.world.alder)
    body = {"grant_type": "client_credentials", "client_secret": new_secret()}
    with statements(live) as seen:
        statuses = [
            live.http.post("/oauth/token", data=body | {"client_id": new_client_id()}).status_code for _ in range(FLOOD)
        ]
    assert statuses[-1] == 429
    assert 0 < sum("FROM clients" in one for one in seen) <= statuses.count(401) <= 21
    assert live.server.clients.peek(live.world.alder.client_id) is not None


class Held(GroupedReads[Any]):
    """Reads in groups, the first of them not before it may. came: is released for each who asks."""

    def __init__(self, reads: GroupedReads[Any]) -> None:
        super().__init__(self._read)
        self.came, self.may_go = threading.Semaphore(0), threading.Event()
        self._now = reads._read_all

    async def read(self, name: str) -> Any:
        """Reads one of them."""
        self.came.release()
        return await super().read(name)

    async def _read(self, names: Iterable[str]) -> Mapping[str, Any]:
        await asyncio.to_thread(self.may_go.wait)
        return await self._now(names)


def flooded(live: Live, reads: Held, ask: Callable[[int], httpx.Response]) -> tuple[set[int], list[str]]:
    """Asks many times at once; returns which statuses came and which statements ran."""
    with statements(live) as seen, ThreadPoolExecutor(FLOOD // 2) as threads:
        answers = [threads.submit(ask, number) for number in range(FLOOD // 2)]
        for _ in answers:
            reads.came.acquire()
        live.token(live.world.alder)  # whoever is remembered does not wait
        reads.may_go.set()
        return {one.result().status_code for one in answers}, seen


def test_made_up_clients_of_many_networks_at_once_are_read_together(live: Live) -> None:
    live.edge.limiter = FailureLimiter(FLOOD)
    live.token(live.world.alder)
    reads = live.edge.client_reads = Held(live.edge.client_reads)
    machine = {"grant_type": "client_credentials", "client_secret": new_secret()}
    person = {"grant_type": "refresh_token", "refresh_token": "made-up"}
    asked: list[tuple[str, dict[str, str]]] = [
        ("/oauth/token", machine),
        ("/oauth/token", person),
        ("/oauth/introspect", machine | {"token": "made-up"}),
        ("/authorize", {"redirect_uri": "https://app.example/callback"}),
        ("/oidc/logout", {}),
    ]

    def ask(number: int) -> httpx.Response:
        path, body = asked[number % len(asked)]
        return live.http.post(path, data=body | {"client_id": new_client_id()})

    statuses, seen = flooded(live, reads, ask)
    assert statuses == {200, 400, 401}
    assert sum("FROM clients" in one for one in seen) == 2
    assert not any("INSERT" in one for one in seen)


def test_preflights_of_made_up_origins_at_once_are_read_together_and_remembered(live: Live) -> None:
    live.token(live.world.alder)
    reads = live.edge.origin_reads = Held(live.edge.origin_reads)

    def ask(number: int) -> httpx.Response:
        headers = {"origin": f"https://made-up-{number}.example", "access-control-request-method": "POST"}
        return live.http.options("/graphql", headers=headers)

    statuses, seen = flooded(live, reads, ask)
    assert statuses == {204}
    assert sum("FROM client_urls" in one for one in seen) == 1 + -(-(FLOOD // 2 - 1) // AT_ONCE)
    with statements(live) as seen:
        assert {ask(number).status_code for number in range(FLOOD // 2)} == {204}
    assert seen == []
