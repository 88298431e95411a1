"""Counting of refusals: the first of a kind is a record, the others of its minute are one number."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import create_engine, func, select, text

from rxauth.crypto.secrets import new_secret
from rxauth.domain.audit import ANONYMOUS, Act, Actor, Event
from rxauth.edge.audit_group import AuditGroup
from rxauth.edge.refusals import KINDS_LIMIT, Refusals
from rxauth.ids import new_client_id
from rxauth.storage.engines import parse_url
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.domain.test_audit import entries
from tests.edge.test_audit_group import nobody_records
from tests.live import Live
from tests.postgres import SERVING
from tests.storage.test_database import cut_off
from tests.storage.test_migrations import administer
from tests.world import StandingClock, World

KEPT = sql(select(func.count().label("rows")).select_from(audit_outbox))
REFUSED = Act(Event.TOKEN_REFUSED, Actor("client", "a-client"), reason="invalid_client", network="192.0.2.1")
OTHER_KINDS = {
    "another event": replace(REFUSED, event=Event.REQUEST_REFUSED),
    "another reason": replace(REFUSED, reason="invalid_scope"),
    "another client": replace(REFUSED, actor=Actor("client", "b-client")),
    "nobody": replace(REFUSED, actor=ANONYMOUS),
    "another network": replace(REFUSED, network="192.0.2.2"),
    "another organization": replace(REFUSED, organization_id="org_b"),
}


@contextmanager
def renamed(world: World) -> Iterator[None]:
    """Takes the outbox away from an SQLite database."""
    owner = create_engine(parse_url(world.settings.database_url))
    for old, new in (("audit_outbox", "gone"), ("gone", "audit_outbox")):
        with owner.begin() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
        if new == "gone":
            yield
    owner.dispose()


@contextmanager
def revoked(world: World) -> Iterator[None]:
    """Takes the right to record away from the role that serves a PostgreSQL database."""
    name = str(parse_url(world.settings.database_url).database)
    administer(f"REVOKE INSERT ON audit_outbox FROM {SERVING}", name)
    yield
    administer(f"GRANT INSERT ON audit_outbox TO {SERVING}", name)


def told(world: World, clock: StandingClock, story: Callable[[Refusals], Awaitable[None]]) -> None:
    """Runs a story with refusals of its own, and closes them."""

    async def run() -> None:
        database = world.open()
        group = AuditGroup(database)
        refusals = Refusals(clock, group)
        try:
            await story(refusals)
            await refusals.close()
        finally:
            await group.close()
            database.close()

    asyncio.run(run())


async def until(happened: Callable[[], bool]) -> None:
    """Returns when something has happened in the background."""
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.01)


def counts(world: World) -> list[int]:
    """Returns the numbers that records of refusals stand for."""
    return sorted(entry["count"] for entry in entries(world))


def test_the_first_refusal_is_a_record_at_once_and_the_others_one_number(
    sqlite_world: World, clock: StandingClock
) -> None:
    async def story(refusals: Refusals) -> None:
        for _ in range(6):
            refusals.note(REFUSED)
        await until(lambda: counts(sqlite_world) == [1])

    told(sqlite_world, clock, story)
    assert counts(sqlite_world) == [1, 5]


def test_a_new_minute_writes_the_number_of_the_last_and_begins_anew(sqlite_world: World, clock: StandingClock) -> None:
    async def story(refusals: Refusals) -> None:
        for _ in range(6):
            refusals.note(REFUSED)
        clock.advance(59)
        refusals.note(REFUSED)  # the minute of the clock began at 12:00:00
        clock.advance(1)
        refusals.note(REFUSED)
        await until(lambda: counts(sqlite_world) == [1, 1, 6])
        refusals.note(REFUSED)

    told(sqlite_world, clock, story)
    assert counts(sqlite_world) == [1, 1, 1, 6]


def test_a_number_is_written_when_its_minute_is_over_though_no_other_refusal_arrives(
    sqlite_world: World, clock: StandingClock
) -> None:
    async def story(refusals: Refusals) -> None:
        clock.advance(59)
        for _ in range(6):
            refusals.note(REFUSED)
        await until(lambda: counts(sqlite_world) == [1, 5])

    told(sqlite_world, clock, story)


@pytest.mark.parametrize("other", OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_what_is_refused_for_another_reason_or_to_another_is_counted_apart(
    sqlite_world: World, clock: StandingClock, other: Act
) -> None:
    async def story(refusals: Refusals) -> None:
        for act in (REFUSED, other, REFUSED, other, REFUSED):
            refusals.note(act)

    told(sqlite_world, clock, story)
    assert counts(sqlite_world) == [1, 1, 1, 2]


def test_no_flood_of_kinds_grows_the_memory_beyond_its_limit(sqlite_world: World, clock: StandingClock) -> None:
    async def story(refusals: Refusals) -> None:
        refusals.note(REFUSED)
        refusals.note(REFUSED)
        for number in range(KINDS_LIMIT):
            refusals.note(Act(Event.TOKEN_REFUSED, Actor("client", str(number)), reason="invalid_client"))
        database = sqlite_world.open()
        await until(lambda: database.read(lambda tx: tx.first(KEPT)).rows == KINDS_LIMIT + 2)
        database.close()
        ours = [entry for entry in entries(sqlite_world) if entry["actor"]["id"] == "a-client"]
        assert [entry["count"] for entry in ours] == [1, 1]  # the number was written before its minute was over

    told(sqlite_world, clock, story)


@pytest.mark.parametrize(
    ("engine", "fails"),
    [("sqlite", renamed), ("postgresql", cut_off), ("postgresql", revoked)],
    ids=["gone", "cut off", "revoked"],
)
def test_refusals_that_cannot_be_recorded_are_counted_for_later(
    world: World, clock: StandingClock, fails: Callable[[World], AbstractContextManager[None]]
) -> None:
    async def story(refusals: Refusals) -> None:
        with fails(world):
            for _ in range(3):
                refusals.note(REFUSED)
            await asyncio.sleep(0.5)
        clock.advance(60)
        refusals.note(REFUSED)

    told(world, clock, story)
    assert sum(counts(world)) == 4


def test_a_server_counts_wrong_secrets_by_client_and_network(sqlite_world: World, clock: StandingClock) -> None:
    live = Live(sqlite_world, clock)
    elsewhere = httpx.Client(base_url=live.url, transport=httpx.HTTPTransport(local_address="127.0.0.2"))
    wrong = new_secret()
    for _ in range(4):
        assert live.exchange(sqlite_world.alder, client_secret=wrong).status_code == 401
    for _ in range(3):
        assert live.exchange(sqlite_world.alder, client_id=new_client_id(), client_secret=wrong).status_code == 401
    body = {"grant_type": "client_credentials", "client_id": sqlite_world.alder.client_id, "client_secret": wrong}
    assert elsewhere.post("/oauth/token", json=body).status_code == 401
    clock.advance(60)
    assert live.exchange(sqlite_world.alder, client_secret=wrong).status_code == 401
    elsewhere.close()
    live.stop()
    found = [(entry["actor"]["id"], entry["network"], entry["count"]) for entry in entries(sqlite_world)]
    ours = sqlite_world.alder.client_id
    assert sorted(found, key=str) == sorted(
        [
            (ours, "127.0.0.1", 1),
            (ours, "127.0.0.1", 3),
            (ours, "127.0.0.1", 1),
            (None, "127.0.0.1", 1),
            (None, "127.0.0.1", 2),  # identifiers that nobody has are one kind, however many are tried
            (ours, "127.0.0.2", 1),
        ],
        key=str,
    )


def test_a_request_is_refused_without_waiting_for_its_record(world: World, clock: StandingClock) -> None:
    live = Live(world, clock)
    with nobody_records(world):
        assert live.exchange(world.alder, client_secret=new_secret()).status_code == 401
    live.stop()
    assert counts(world) == [1]
