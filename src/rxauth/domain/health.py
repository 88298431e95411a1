"""How the installation is: its database, and what waits in its queues. It counts, and reads nothing that it counts."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, literal_column, select

from rxauth.domain import audit_numbering, mails, prescription_expiry, readiness
from rxauth.storage.database import Transaction
from rxauth.storage.latest import latest_revision
from rxauth.storage.revisions import current_revision
from rxauth.storage.tables.network import pharmacy_dispatches
from rxauth.storage.tables.people import mails as letters
from rxauth.storage.tables.webhooks import webhook_deliveries
from rxauth.storage.tenancy import Statement, sql

NUMBERED_WITHIN_S: Final = 120
SENT_WITHIN_S: Final = 3_600
COUNTED: Final = 1_000  # a queue that is longer is too long, whatever its length
_EVERYBODYS: Final = "one server works for every organization"


def _count(age: ColumnElement[int], *conditions: ColumnElement[bool]) -> Select[int, Any]:
    """Selects how many rows there are, up to the limit, and the least of their `age`."""
    found = select(age.label("age")).where(*conditions).limit(COUNTED).subquery()
    return select(func.count(), func.min(found.c.age))


def _in_state(table: Table, state: str) -> ColumnElement[bool]:
    """Returns a condition with the state written out, so that the index of the few rows in it is used."""
    return table.c.state == literal_column(f"'{state}'")


_WAITING_DELIVERIES = sql(
    _count(webhook_deliveries.c.began_at, _in_state(webhook_deliveries, "waiting")), across_tenants=_EVERYBODYS
)
_DEAD_DELIVERIES = sql(
    _count(webhook_deliveries.c.settled_at, _in_state(webhook_deliveries, "dead")), across_tenants=_EVERYBODYS
)
_WAITING_DISPATCHES = sql(
    _count(pharmacy_dispatches.c.began_at, _in_state(pharmacy_dispatches, "waiting")), across_tenants=_EVERYBODYS
)
_DEAD_DISPATCHES = sql(
    _count(pharmacy_dispatches.c.settled_at, _in_state(pharmacy_dispatches, "dead")), across_tenants=_EVERYBODYS
)
_NOT_SENT = letters.c.sent_at.is_(None)
_WAITING_LETTERS = sql(_count(letters.c.created_at, _NOT_SENT, letters.c.created_at > bindparam("too_old")))
_DEAD_LETTERS = sql(_count(letters.c.created_at, _NOT_SENT, letters.c.created_at <= bindparam("too_old")))


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, and what was given up. since: of the oldest that waits, UTC seconds; None: nothing waits."""

    waiting: int
    since: int | None
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the database and its queues.

    engine: its name and version. revision: the tables'; wanted_revision: what this version works with.
    not_numbered: audit records that are no entries yet. not_ended: prescriptions that are over, and not stored as such.
    """

    engine: str
    revision: str | None
    wanted_revision: str
    is_clock_right: bool
    not_numbered: Queue
    not_ended: Queue
    letters: Queue
    deliveries: Queue
    dispatches: Queue


def look(transaction: Transaction, now: int) -> Health:
    """Looks how everything is; now: UTC seconds."""
    waiting, oldest_us = audit_numbering.lag(transaction, COUNTED)
    too_old = now - mails.GIVEN_UP_AFTER_S
    return Health(
        engine=transaction.engine_name(),
        revision=current_revision(transaction),
        wanted_revision=latest_revision(),
        is_clock_right=readiness.is_clock_right(transaction, now),
        not_numbered=Queue(waiting, None if oldest_us is None else oldest_us // 1_000_000),
        not_ended=Queue(prescription_expiry.waiting(transaction, now, COUNTED), None),
        letters=_queue(transaction, _WAITING_LETTERS, _DEAD_LETTERS, too_old=too_old),
        deliveries=_queue(transaction, _WAITING_DELIVERIES, _DEAD_DELIVERIES),
        dispatches=_queue(transaction, _WAITING_DISPATCHES, _DEAD_DISPATCHES),
    )


def _queue(transaction: Transaction, waiting: Statement, dead: Statement, **values: Any) -> Queue:
    number, since = transaction.first(waiting, **values)
    return Queue(number, since, transaction.first(dead, **values)[0])
