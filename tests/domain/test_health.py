"""Health: what waits and what was given up, counted on both engines."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from rxauth.domain import audit, health, mails
from rxauth.domain.audit import OPERATOR, Act, Event
from rxauth.domain.health import Queue
from rxauth.domain.mails import Letter
from rxauth.storage.database import Database
from rxauth.storage.latest import latest_revision
from rxauth.storage.tables.network import pharmacy_dispatches
from rxauth.storage.tables.webhooks import webhook_deliveries
from rxauth.storage.tenancy import Statement, sql
from tests.domain.test_dispatches import Desk
from tests.people import outbox
from tests.webhook_receiver import Post
from tests.world import NOW, StandingClock, World

KILL = [
    sql(update(table).values(state="dead", settled_at=NOW), across_tenants="a test")
    for table in (webhook_deliveries, pharmacy_dispatches)
]
NOTHING = Queue(0, None)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def test_a_fresh_installation_waits_for_nothing(world: World, database: Database, engine: str) -> None:
    found = database.read(lambda tx: health.look(tx, NOW))
    assert (found.letters, found.deliveries, found.dispatches, found.not_numbered) == (NOTHING,) * 4
    assert found.revision == found.wanted_revision == latest_revision()
    name, _, version = found.engine.partition(" ")
    assert name.lower() == engine
    assert int(version.split(".")[0]) >= 3


def test_what_waits_is_counted_with_the_age_of_the_oldest_and_what_is_dead_beside_it(
    world: World, database: Database, clock: StandingClock
) -> None:
    post = Post(world, clock, database)
    post.webhook("http://127.0.0.1:9/hook")
    post.happen("ord_1")
    Desk(world, database).place(now=NOW)
    letter = Letter("ada@alder.example", "Hello", "Text")
    for at in (NOW - mails.GIVEN_UP_AFTER_S, NOW - 60, NOW):
        database.write(lambda tx, at=at: outbox(world).put(tx, letter, at))  # type: ignore[misc]
    database.write(lambda tx: audit.record(tx, Act(Event.CONSENT_TAKEN_BACK, OPERATOR), (NOW - 5) * 1_000_000))
    found = database.read(lambda tx: health.look(tx, NOW))
    assert found.letters == Queue(2, NOW - 60, 1)
    assert found.not_numbered == Queue(1, NOW - 5)
    assert found.deliveries == found.dispatches == Queue(1, NOW)
    for statement in KILL:
        database.write(lambda tx, one=statement: tx.run(one))  # type: ignore[misc]
    after = database.read(lambda tx: health.look(tx, NOW))
    assert after.deliveries == after.dispatches == Queue(0, None, 1)
    late = database.read(lambda tx: health.look(tx, NOW + 200 * 86_400))
    assert late.not_ended.waiting > 0


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (health._WAITING_DELIVERIES, "ix_webhook_deliveries_due"),
        (health._DEAD_DELIVERIES, "ix_webhook_deliveries_dead"),
        (health._WAITING_DISPATCHES, "ix_pharmacy_dispatches_due"),
        (health._DEAD_DISPATCHES, "ix_pharmacy_dispatches_dead"),
        (health._WAITING_LETTERS, "ix_mails_waiting"),
    ],
)
def test_no_queue_is_counted_by_reading_all_that_ever_was_in_it(
    database: Database, statement: Statement, index: str
) -> None:
    clause: Any = statement.clause
    compiled = clause.compile(dialect=database.engines.reader.dialect)
    values = tuple(compiled.params[name] or 0 for name in compiled.positiontup or ())
    plan = database.read(lambda tx: tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all())
    assert any(index in row[3] for row in plan), plan
