"""Expiry: what is over is stored as such in small batches, told once, and never waited for."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam, select

from rxauth.app import make_app
from rxauth.domain import prescription_expiry
from rxauth.domain.prescription_expiry import Expiry
from rxauth.domain.prescriptions import today_anywhere
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import sql
from tests.lifespan import living
from tests.ordering import told
from tests.webhook_receiver import Post
from tests.world import StandingClock, World

YEAR_S = 366 * 86_400
ROWS = sql(
    select(prescriptions.c.id, prescriptions.c.state, prescriptions.c.expiration_date).where(
        prescriptions.c.organization_id == bindparam("organization_id")
    )
)
LOCK = sql(
    select(prescriptions.c.id)
    .where(prescriptions.c.organization_id == bindparam("organization_id"), prescriptions.c.id == bindparam("id"))
    .with_for_update()
)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """A world's database, not served."""
    opened = world.open()
    yield opened
    opened.close()


def states(database: Database, organization_id: str) -> dict[str, tuple[str, str]]:
    """Returns the stored state and the last day of each prescription."""
    rows = database.read(lambda tx: tx.all(ROWS, organization_id=organization_id))
    return {row.id: (row.state, row.expiration_date) for row in rows}


def test_what_is_over_is_stored_so_and_told_once_in_every_organization(
    world: World, database: Database, clock: StandingClock
) -> None:
    Post(world, clock, database).webhook("https://receiver.example/hook")
    organizations = [world.alder.organization_id, world.birch.organization_id]
    before = {one: states(database, one) for one in organizations}
    clock.advance(YEAR_S // 2)
    today = today_anywhere(clock.seconds())
    due = {
        one: {key for key, (state, last) in found.items() if state == "ACTIVE" and last < today}
        for one, found in before.items()
    }
    assert all(due.values())
    expiry = Expiry(database, clock)

    assert [expiry.work_once(), expiry.work_once()] == [sum(map(len, due.values())), 0]

    for one in organizations:
        for key, (state, last) in states(database, one).items():
            assert (state, last) == (("EXPIRED", last) if key in due[one] else before[one][key])
    events = told(database, organizations[0], *before[organizations[0]])
    assert {name for name, _ in events} == {"prescription:expired"}
    assert sorted(data["id"] for _, data in events) == sorted(due[organizations[0]])
    assert all(set(data) <= {"id", "externalId", "patient"} for _, data in events)


def test_on_its_last_day_nothing_is_over(world: World, database: Database, clock: StandingClock) -> None:
    last_days = {last for state, last in states(database, world.alder.organization_id).values() if state == "ACTIVE"}
    first = min(last_days)
    while today_anywhere(clock.seconds()) < first:
        clock.advance(86_400)
    assert Expiry(database, clock).work_once() == 0

    clock.advance(86_400)
    assert Expiry(database, clock).work_once() > 0


def test_a_batch_is_small_and_leaves_out_what_another_transaction_holds(
    world: World, database: Database, clock: StandingClock
) -> None:
    organization_id = world.alder.organization_id
    clock.advance(YEAR_S)
    active = [key for key, (state, _) in states(database, organization_id).items() if state == "ACTIVE"]
    held, may_end = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        transaction.all(LOCK, organization_id=organization_id, id=active[0])
        held.set()
        assert may_end.wait(20)

    if database.engines.is_sqlite:  # its one writer holds everything, or nothing
        may_end.set()
    holder = threading.Thread(target=database.write, args=(hold,))
    holder.start()
    assert held.wait(20)
    assert database.write(lambda tx: prescription_expiry.expire(tx, clock.milliseconds(), rows=3)) == 3
    Expiry(database, clock).work_once()
    if not database.engines.is_sqlite:
        assert states(database, organization_id)[active[0]][0] == "ACTIVE"
    may_end.set()
    holder.join()
    Expiry(database, clock).work_once()

    assert {state for key, (state, _) in states(database, organization_id).items() if key in active} == {"EXPIRED"}


def test_the_thread_looks_at_once_and_ends_when_it_is_told_to(
    world: World, database: Database, clock: StandingClock
) -> None:
    clock.advance(YEAR_S)
    expiry = Expiry(database, clock)
    expiry.start()
    while database.read(lambda tx: prescription_expiry.is_due(tx, clock.milliseconds())):
        pass
    expiry.stop()

    assert "ACTIVE" not in {state for state, _ in states(database, world.alder.organization_id).values()}


def test_a_server_does_it_beside_its_requests(sqlite_world: World, clock: StandingClock) -> None:
    clock.advance(YEAR_S)
    app, database = make_app(sqlite_world.settings, clock), sqlite_world.open()

    async def serve() -> None:
        async with living(app):
            while database.read(lambda tx: prescription_expiry.is_due(tx, clock.milliseconds())):
                await asyncio.sleep(0.01)

    asyncio.run(serve())
    assert "ACTIVE" not in {state for state, _ in states(database, sqlite_world.alder.organization_id).values()}
    database.close()
