"""Group commit of audit records, with the commit held open by hand."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from rxauth.domain.audit import ANONYMOUS, Act, Event, row
from rxauth.edge.audit_group import AuditGroup
from rxauth.storage.database import Database
from rxauth.storage.engines import parse_url
from tests.domain.test_audit import entries
from tests.live import Live, decode
from tests.storage.test_database import holding_the_write_lock
from tests.world import NOW, StandingClock, World

TOKENS = 12


class Watched(AuditGroup):
    """An audit group that lets a test see how many records wait or waited, and how many transactions they took."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.arrived = 0
        self.commits = 0

    async def commit(self, row: dict[str, Any]) -> None:
        """Counts an arrival."""
        self.arrived += 1
        await super().commit(row)

    def _commit(self, rows: list[dict[str, Any]]) -> None:
        self.commits += 1
        super()._commit(rows)


@contextlib.contextmanager
def nobody_records(world: World) -> Iterator[None]:
    """Has every record wait."""
    url = parse_url(world.settings.owner_database_url or world.settings.database_url)
    if url.drivername == "sqlite":
        with holding_the_write_lock(world):
            yield
        return
    owner = create_engine(url)
    with owner.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE audit_outbox IN SHARE ROW EXCLUSIVE MODE")
        yield
        connection.rollback()
    owner.dispose()


def record(target: str) -> dict[str, Any]:
    """Returns the record of some act."""
    return row(Act(Event.TOKEN_ISSUED, ANONYMOUS, target=target), NOW * 1_000_000)


def in_a_group(world: World, story: Callable[[Watched], Awaitable[None]]) -> Watched:
    """Runs a story with a group of its own; returns the group, closed."""

    async def run() -> Watched:
        database = world.open()
        group = Watched(database)
        try:
            async with asyncio.timeout(30):
                await story(group)
        finally:
            await group.close()
            database.close()
        return group

    return asyncio.run(run())


@pytest.fixture
def watched(world: World, clock: StandingClock) -> Iterator[tuple[Live, Watched]]:
    """A server whose audit group can be watched."""
    database = world.open()
    group = Watched(database)
    live = Live(world, clock, audit=group)
    yield live, group
    live.stop()
    database.close()


def test_exchanges_at_once_share_a_commit_and_none_is_answered_before_it(watched: tuple[Live, Watched]) -> None:
    live, group = watched
    with ThreadPoolExecutor(TOKENS) as threads:
        with nobody_records(live.world):
            answers: list[Future[httpx.Response]] = [
                threads.submit(live.exchange, live.world.alder) for _ in range(TOKENS)
            ]
            while group.arrived < TOKENS:
                assert not any(answer.done() for answer in answers)
                time.sleep(0.005)
            assert not any(answer.done() for answer in answers)
        tokens = [answer.result().json()["access_token"] for answer in answers]
    recorded = [entry["target"] for entry in entries(live.world, Event.TOKEN_ISSUED)]
    assert sorted(decode(token)[1]["jti"] for token in tokens) == sorted(recorded)
    assert len(recorded) == TOKENS
    assert 1 <= group.commits <= 2  # the first, and all that came while it was under way


def test_records_that_come_during_a_commit_go_into_the_next_together(world: World) -> None:
    async def story(group: Watched) -> None:
        with nobody_records(world):
            first = asyncio.create_task(group.commit(record("first")))
            await asyncio.sleep(0.1)
            others = [asyncio.create_task(group.commit(record(f"other {number}"))) for number in range(50)]
            await asyncio.sleep(0.1)
            assert not first.done()
        await asyncio.gather(first, *others)

    group = in_a_group(world, story)
    assert group.commits == 2
    assert len(entries(world)) == 51


def test_a_lone_record_does_not_wait_for_company(world: World) -> None:
    async def story(group: Watched) -> None:
        for number in range(3):
            await group.commit(record(f"record {number}"))
            assert group.commits == number + 1

    in_a_group(world, story)
    assert len(entries(world)) == 3


def test_everybody_in_a_group_that_fails_is_told_and_the_next_group_is_kept(world: World) -> None:
    async def story(group: Watched) -> None:
        twice = record("twice")
        await group.commit(twice)
        asked = (group.commit(one) for one in (record("one"), twice, record("other")))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, Exception) for answer in answers)
        await group.commit(record("after"))

    in_a_group(world, story)
    assert sorted(entry["target"] for entry in entries(world)) == ["after", "twice"]


def test_a_request_that_was_given_up_takes_nobody_with_it(world: World) -> None:
    async def story(group: Watched) -> None:
        with nobody_records(world):
            tasks = [asyncio.create_task(group.commit(record(f"record {number}"))) for number in range(3)]
            await asyncio.sleep(0.1)
            tasks[1].cancel()
            await asyncio.sleep(0)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in done] == [type(None), asyncio.CancelledError, type(None)]
        await group.commit(record("after"))

    in_a_group(world, story)
    assert {entry["target"] for entry in entries(world)} >= {"record 0", "record 2", "after"}


def test_closing_waits_for_what_is_under_way(world: World) -> None:
    async def story(group: Watched) -> None:
        with nobody_records(world):
            task = asyncio.create_task(group.commit(record("late")))
            await asyncio.sleep(0.1)
            closing = asyncio.create_task(group.close())
            await asyncio.sleep(0.1)
            assert not closing.done()
        await closing
        await task

    in_a_group(world, story)
    assert [entry["target"] for entry in entries(world)] == ["late"]
