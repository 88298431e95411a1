"""What an organization sees and does of its own webhooks' deliveries. What an event says is not shown here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from rxauth.domain import webhook_outbox
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.domain.leases import DEAD, WAITING
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.domain.webhook_deliveries import DELIVERED
from rxauth.domain.webhook_log import AGAIN, LOG_COLUMNS, Attempt, Delivery
from rxauth.domain.webhook_outbox import Happening
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhook_attempts as attempts
from rxauth.storage.tables.webhooks import webhook_deliveries as table
from rxauth.storage.tables.webhooks import webhook_events as events
from rxauth.storage.tables.webhooks import webhooks
from rxauth.storage.tenancy import sql

STATES: Final = (WAITING, DELIVERED, DEAD)
TEST: Final = "rxauth:webhook:test"
REDELIVERED_AT_ONCE: Final = 1_000
_MINE = table.c.organization_id == bindparam("organization_id")
_DELIVERIES = (
    select(*LOG_COLUMNS)
    .join(events, events.c.id == table.c.event_id)
    .where(_MINE, events.c.organization_id == bindparam("organization_id"))
)
_ONE = sql(_DELIVERIES.where(table.c.id == bindparam("id")))
_MARK = (
    select(table.c.number)
    .where(table.c.organization_id == bindparam("organization_id"), table.c.id == bindparam("before"))
    .scalar_subquery()
)


def _state(name: str) -> Any:
    """Returns a condition that a partial index is seen to fit: the value stands in the statement."""
    return table.c.state == bindparam(f"state_{name}", name, literal_execute=True)


_PAGES = {
    (state, is_first): sql(
        _DELIVERIES.where(
            table.c.webhook_id == bindparam("webhook_id"),
            *([] if state is None else [_state(state)]),
            *([] if is_first else [table.c.number < _MARK]),
        )
        .order_by(table.c.number.desc())
        .limit(bindparam("rows"))
    )
    for state in (None, *STATES)
    for is_first in (True, False)
}
_COUNTS = {
    state: sql(
        select(table.c.webhook_id, func.count().label("count"))
        .where(_MINE, table.c.webhook_id.in_(bindparam("ids", expanding=True)), _state(state))
        .group_by(table.c.webhook_id)
    )
    for state in (WAITING, DEAD)
}
_newest = table.alias("newest")
_LAST = sql(
    _DELIVERIES.where(
        table.c.number.in_(
            select(
                select(_newest.c.number)
                .where(
                    webhooks.c.organization_id == bindparam("organization_id"),
                    _newest.c.organization_id == bindparam("organization_id"),
                    _newest.c.webhook_id == webhooks.c.id,
                    _newest.c.outcome.is_not(None),
                )
                .order_by(_newest.c.number.desc())
                .limit(1)
                .correlate(webhooks)
                .scalar_subquery()
            ).where(
                webhooks.c.organization_id == bindparam("organization_id"),
                webhooks.c.id.in_(bindparam("ids", expanding=True)),
            )
        )
    )
)
_ATTEMPTS = sql(
    select(attempts.c.delivery_id, attempts.c.attempt, attempts.c.ended_at, attempts.c.took_ms, attempts.c.outcome)
    .where(
        attempts.c.organization_id == bindparam("organization_id"),
        attempts.c.delivery_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(attempts.c.delivery_id, attempts.c.attempt)
)
_LIVE = select(webhooks.c.id).where(
    webhooks.c.organization_id == bindparam("the_organization_id"), webhooks.c.deleted_at.is_(None)
)
_THE_ORGANIZATION = table.c.organization_id == bindparam("the_organization_id")
_REDELIVER = sql(
    update(table)
    .where(_THE_ORGANIZATION, table.c.id == bindparam("the_id"), table.c.state != WAITING)
    .where(table.c.webhook_id.in_(_LIVE))
    .values(AGAIN)
)
_OLDEST_DEAD = (
    select(table.c.number)
    .where(
        table.c.organization_id == bindparam("the_organization_id"),
        table.c.webhook_id == bindparam("the_id"),
        _state(DEAD),
    )
    .order_by(table.c.number)
    .limit(bindparam("rows"))
)
_REDELIVER_DEAD = sql(
    update(table)
    .where(_THE_ORGANIZATION, table.c.number.in_(_OLDEST_DEAD), table.c.webhook_id.in_(_LIVE))
    .values(AGAIN)
)


_LOCKED = sql(
    select(webhooks.c.id)
    .where(
        webhooks.c.organization_id == bindparam("organization_id"),
        webhooks.c.id == bindparam("id"),
        webhooks.c.deleted_at.is_(None),
    )
    .with_for_update()
)
# What a test is about is the webhook itself.
_TESTING = sql(
    select(table.c.id)
    .where(_MINE, table.c.webhook_id == bindparam("id"), table.c.subject == bindparam("id"), _state(WAITING))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Summary:
    """How a webhook fares. last: the newest delivery that was attempted; None: there is none."""

    waiting: int = 0
    dead: int = 0
    last: Delivery | None = None


def search(
    transaction: Transaction, organization_id: str, webhook_id: str, state: str | None, page: Page
) -> list[Delivery]:
    """Lists a webhook's deliveries, newest first, of one state or of any."""
    values: dict[str, Any] = {"organization_id": organization_id, "webhook_id": webhook_id, "rows": page.rows}
    is_first = page.before == FROM_THE_START
    if not is_first:
        values["before"] = page.before
    return [Delivery(*row) for row in transaction.all(_PAGES[state, is_first], **values)]


def find(transaction: Transaction, organization_id: str, delivery_id: str) -> Delivery | None:
    """Returns a delivery of the organization, or None."""
    row = transaction.first(_ONE, organization_id=organization_id, id=delivery_id)
    return None if row is None else Delivery(*row)


def summaries(transaction: Transaction, organization_id: str, webhook_ids: Sequence[str]) -> Mapping[str, Summary]:
    """Says how webhooks fare."""
    values = {"organization_id": organization_id, "ids": list(webhook_ids)}
    waiting, dead = (
        {row.webhook_id: row.count for row in transaction.all(_COUNTS[state], **values)} for state in (WAITING, DEAD)
    )
    last = {row.webhook_id: Delivery(*row) for row in transaction.all(_LAST, **values)}
    return {one: Summary(waiting.get(one, 0), dead.get(one, 0), last.get(one)) for one in webhook_ids}


def attempts_of(
    transaction: Transaction, organization_id: str, delivery_ids: Sequence[str]
) -> Mapping[str, list[Attempt]]:
    """Lists the attempts of deliveries that ended, oldest first."""
    found: dict[str, list[Attempt]] = defaultdict(list)
    for row in transaction.all(_ATTEMPTS, organization_id=organization_id, ids=list(delivery_ids)):
        found[row.delivery_id].append(Attempt(row.attempt, row.ended_at, row.took_ms, row.outcome))
    return found


def redeliver(transaction: Transaction, organization_id: str, delivery_id: str, now: int) -> Delivery:
    """Sends the event of a delivery that is over again: the same bytes, with its own identifier.

    Raises:
        AbsentError: the organization has no such delivery. ExistsError: it is not over, or its webhook is deleted.
    """
    values = {"the_organization_id": organization_id, "the_id": delivery_id, "moment": now}
    is_sent = transaction.run(_REDELIVER, **values) > 0
    found = find(transaction, organization_id, delivery_id)
    if found is None:
        raise AbsentError("there is no such delivery", "deliveryId")
    if not is_sent:
        why = "it is under way already" if found.state == WAITING else "its webhook was removed"
        raise ExistsError(f"the event is not sent again: {why}", "deliveryId")
    return found


def redeliver_dead(transaction: Transaction, organization_id: str, webhook_id: str, now: int) -> int:
    """Sends a webhook's oldest dead deliveries again, `REDELIVERED_AT_ONCE` at most; returns how many."""
    values = {"the_organization_id": organization_id, "the_id": webhook_id, "moment": now}
    return transaction.run(_REDELIVER_DEAD, **values, rows=REDELIVERED_AT_ONCE)


def send_test(transaction: Transaction, organization_id: str, webhook_id: str, at_ms: int) -> Delivery:
    """Sends a webhook an event that tells of nothing, signed and delivered like any other; whatever it wants to hear.

    Raises:
        AbsentError: the organization has no such webhook. ExistsError: the test before is not over.
    """
    owner = {"organization_id": organization_id, "id": webhook_id}
    if transaction.first(_LOCKED, **owner) is None:
        raise AbsentError("there is no such webhook", "id")
    if transaction.first(_TESTING, **owner) is not None:
        raise ExistsError("a test is under way already: see what comes of it", "id")
    happened = Happening(TEST, webhook_id, at_ms)
    delivery_id = webhook_outbox.send(transaction, organization_id, webhook_id, happened, {"id": webhook_id})
    found = find(transaction, organization_id, delivery_id)
    if found is None:
        raise AbsentError("there is no such delivery")
    return found
