"""Floods of bad tokens and made-up clients: they cost the database little or nothing, and leave nothing in memory."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from rxauth.crypto.secrets import new_secret
from rxauth.domain.clients import Client, load_all
from rxauth.edge.client_reads import ClientReads
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


def test_made_up_clients_of_many_networks_at_once_are_read_together(live: Live) -> None:
    live.edge.limiter = FailureLimiter(FLOOD)
    live.token(live.world.alder)
    came, may_go = threading.Semaphore(0), threading.Event()

    async def held(client_ids: Iterable[str]) -> Mapping[str, Client]:
        await asyncio.to_thread(may_go.wait)
        return await live.edge.in_thread(live.server.clients.fetch_all, client_ids, load_all)

    class Counted(ClientReads):
        async def read(self, client_id: str) -> Client | None:
            came.release()
            return await super().read(client_id)

    live.edge.client_reads = Counted(held)
    machine = {"grant_type": "client_credentials", "client_secret": new_secret()}
    person = {"grant_type": "refresh_token", "refresh_token": "made-up"}
    asked = [("/oauth/token", machine), ("/oauth/token", person), ("/oauth/introspect", machine | {"token": "made-up"})]
    flood = [(path, body | {"client_id": new_client_id()}) for path, body in asked * (FLOOD // 6)]
    with statements(live) as seen, ThreadPoolExecutor(len(flood)) as threads:
        answers = [threads.submit(live.http.post, path, data=body) for path, body in flood]
        for _ in flood:
            came.acquire()
        live.token(live.world.alder)  # whoever is remembered does not wait
        may_go.set()
        assert {one.result().status_code for one in answers} == {401}
    assert sum("FROM clients" in one for one in seen) == 2
