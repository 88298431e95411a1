"""The log of deliveries: what is shown, what is sent again by hand, and what is forgotten in time."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, select, update

from rxauth.domain.errors import AbsentError
from rxauth.domain.leases import DEAD, WAITING
from rxauth.domain.pruning import LEAST
from rxauth.storage.batches import rows_at_once
from rxauth.storage.database import Transaction
from rxauth.storage.months import seconds_in_month
from rxauth.storage.tables.webhooks import webhook_attempts as attempts
from rxauth.storage.tables.webhooks import webhook_deliveries as table
from rxauth.storage.tables.webhooks import webhook_events as events
from rxauth.storage.tables.webhooks import webhooks
from rxauth.storage.tenancy import sql

KEPT_S: Final = 30 * 86_400
_EVERYBODYS = "one server delivers for every organization"
_OPERATOR = "the platform's operator works on every organization"
_LIVE_WEBHOOKS = select(webhooks.c.id).where(webhooks.c.deleted_at.is_(None))
AGAIN: Final = {
    "state": WAITING,
    "failures": 0,
    "began_at": bindparam("moment"),
    "next_attempt_at": bindparam("moment"),
    "settled_at": None,
}
_REDELIVER = sql(
    update(table)
    .where(table.c.id == bindparam("the_id"), table.c.state != WAITING, table.c.webhook_id.in_(_LIVE_WEBHOOKS))
    .values(AGAIN)
    .returning(table.c.organization_id),
    across_tenants=_OPERATOR,
)
_REDELIVER_DEAD = sql(
    update(table)
    .where(table.c.webhook_id == bindparam("the_id"), table.c.state == DEAD, table.c.webhook_id.in_(_LIVE_WEBHOOKS))
    .values(AGAIN)
    .returning(table.c.organization_id),
    across_tenants=_OPERATOR,
)
LOG_COLUMNS: Final = (
    *(table.c[name] for name in ("number", "id", "webhook_id", "event_id", "subject", "state", "attempts")),
    *(table.c[name] for name in ("outcome", "next_attempt_at", "settled_at")),
    events.c.type,
    events.c.created_at,
)
_LOG = sql(
    select(*LOG_COLUMNS)
    .join(events, events.c.id == table.c.event_id)
    .where(
        table.c.organization_id == bindparam("organization_id"),
        events.c.organization_id == bindparam("organization_id"),
        table.c.number < bindparam("before"),
    )
    .order_by(table.c.number.desc())
    .limit(bindparam("rows"))
)
_ATTEMPTS = sql(
    select(attempts.c.attempt, attempts.c.ended_at, attempts.c.took_ms, attempts.c.outcome)
    .where(
        attempts.c.organization_id == bindparam("organization_id"), attempts.c.delivery_id == bindparam("delivery_id")
    )
    .order_by(attempts.c.attempt)
)
_IS_OLD = (
    events.c.created_at < bindparam("moment") - seconds_in_month(),
    ~exists().where(table.c.event_id == events.c.id, table.c.state == WAITING),
)
_OLDEST = sql(
    select(events.c.created_at + seconds_in_month()).where(*_IS_OLD).order_by(events.c.created_at).limit(1),
    across_tenants=_EVERYBODYS,
)
_OLD = sql(
    select(events.c.id)
    .where(*_IS_OLD)
    .order_by(events.c.created_at)
    .limit(rows_at_once())
    .with_for_update(of=events, skip_locked=True),
    across_tenants=_EVERYBODYS,
)
_OF_EVENTS = table.c.event_id.in_(bindparam("event_ids", expanding=True))
_FORGET_ATTEMPTS = sql(
    delete(attempts).where(attempts.c.delivery_id.in_(select(table.c.id).where(_OF_EVENTS))),
    across_tenants=_EVERYBODYS,
)
_FORGET_DELIVERIES = sql(delete(table).where(_OF_EVENTS), across_tenants=_EVERYBODYS)
_FORGET_EVENTS = sql(
    delete(events).where(events.c.id.in_(bindparam("event_ids", expanding=True))), across_tenants=_EVERYBODYS
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as the log has it. outcome None: no attempt ended yet. Times: UTC seconds."""

    number: int
    id: str
    webhook_id: str
    event_id: str
    subject: str
    state: str
    attempts: int
    outcome: str | None
    next_attempt_at: int
    settled_at: int | None
    type: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the log has it."""

    attempt: int
    ended_at: int
    took_ms: int
    outcome: str


def redeliver(transaction: Transaction, reference: str, now: int) -> tuple[str, int]:
    """Sends a delivery again, or all dead ones of a webhook: the same event, with its own identifier.

    Returns the organization, and how many are sent again.

    Raises:
        AbsentError: nothing of that identifier can be sent again.
    """
    found = [
        *transaction.all(_REDELIVER, the_id=reference, moment=now),
        *transaction.all(_REDELIVER_DEAD, the_id=reference, moment=now),
    ]
    if not found:
        raise AbsentError(
            "there is no such delivery that is over, and no such webhook with a dead one; of a deleted webhook nothing "
            "is sent again"
        )
    return str(found[0].organization_id), len(found)


def log(transaction: Transaction, organization_id: str, rows: int, before: int = 2**63 - 1) -> list[Delivery]:
    """Lists an organization's deliveries, newest first; before: the number of the last one seen."""
    found = transaction.all(_LOG, organization_id=organization_id, before=before, rows=rows)
    return [Delivery(*row) for row in found]


def attempts_of(transaction: Transaction, organization_id: str, delivery_id: str) -> list[Attempt]:
    """Lists the attempts of a delivery that ended, oldest first."""
    rows = transaction.all(_ATTEMPTS, organization_id=organization_id, delivery_id=delivery_id)
    return [Attempt(*row) for row in rows]


def forget(transaction: Transaction, now: int) -> bool:
    """Forgets some events older than `KEPT_S`, with all that is known of them; tells whether there may be more.

    On PostgreSQL these are the few that did not go with their month.
    """
    event_ids: list[Any] = [row.id for row in transaction.all(_OLD, moment=now - KEPT_S)]
    if event_ids:
        for statement in (_FORGET_ATTEMPTS, _FORGET_DELIVERIES, _FORGET_EVENTS):
            transaction.run(statement, event_ids=event_ids)
    return len(event_ids) >= LEAST


def overdue_s(transaction: Transaction, now: int) -> int:
    """Returns for how many seconds the oldest event has been too old, and its month with it; 0: none is."""
    row = transaction.first(_OLDEST, moment=now - KEPT_S)
    return 0 if row is None else max(0, now - KEPT_S - int(row[0]))
