"""Deliveries: which event a webhook hears next, and what came of each attempt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.crypto import sealing
from rxauth.domain.leases import DEAD, WAITING, Leased, Outbox, Patience, Result
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhook_attempts as attempts
from rxauth.storage.tables.webhooks import webhook_deliveries as table
from rxauth.storage.tables.webhooks import webhook_events as events
from rxauth.storage.tables.webhooks import webhooks
from rxauth.storage.tenancy import insert_row, sql

DELIVERED: Final = "delivered"
PATIENCE: Final = Patience(first_pause_s=5, longest_pause_s=6 * 3_600, given_up_after_s=3 * 86_400)
WEBHOOK_DELETED: Final = "webhook_deleted"

_EVERYBODYS = "one server delivers for every organization"
# The events of one subject wait for each other.
OUTBOX: Final = Outbox(table, ("webhook_id", "subject"), PATIENCE)
_DUE = (*OUTBOX.due, table.c.webhook_id.not_in(bindparam("busy", expanding=True)))
_IS_DUE = sql(select(table.c.number).where(*_DUE).limit(1), across_tenants=_EVERYBODYS)
_NEXT = sql(
    select(
        *(table.c[name] for name in ("number", "id", "organization_id", "webhook_id", "event_id", "subject")),
        *(table.c[name] for name in ("attempts", "failures", "began_at")),
        *(webhooks.c[name] for name in ("url", "sealed_secret", "sealed_previous", "previous_until")),
        events.c.body,
    )
    .join(webhooks, webhooks.c.id == table.c.webhook_id)
    .join(events, events.c.id == table.c.event_id)
    .where(*_DUE)
    .order_by(table.c.next_attempt_at, table.c.number)
    .limit(1)
    .with_for_update(of=table, skip_locked=True),
    across_tenants=_EVERYBODYS,
)
_INSERT_ATTEMPT = insert_row(attempts)
_GIVE_UP = sql(
    update(table)
    .where(
        table.c.organization_id == bindparam("the_organization_id"),
        table.c.webhook_id == bindparam("the_webhook_id"),
        table.c.state == WAITING,
    )
    .values(state=DEAD, outcome=WEBHOOK_DELETED, settled_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class Claimed(Leased):
    """A delivery that one process attempts, until its lease is up."""

    webhook_id: str
    subject: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    sealed_secrets: tuple[bytes, ...] = field(repr=False)

    def secrets(self, sealing_key: bytes, purpose: str) -> list[str]:
        """Opens the secrets that may sign it: the new one, and after a rotation the one before for a while.

        Raises:
            CannotUnsealError: they were sealed with another key.
        """
        return [sealing.unseal(one, sealing_key, purpose).decode() for one in self.sealed_secrets]


def is_due(transaction: Transaction, busy: Sequence[str], now: int) -> bool:
    """Tells whether a delivery waits, of a webhook that is not `busy`; for a look that writes nothing."""
    return transaction.first(_IS_DUE, busy=busy, moment=now) is not None


def claim(transaction: Transaction, busy: Sequence[str], now: int) -> Claimed | None:
    """Takes the delivery that has waited longest, for this process alone, for `LEASE_S`; None: there is none.

    busy: the webhooks that have enough under way here. Of the events of one subject only the first is ever taken.
    """
    row = transaction.first(_NEXT, busy=busy, moment=now)
    if row is None:
        return None
    is_rotating = row.sealed_previous is not None and now < row.previous_until
    return Claimed(
        **OUTBOX.lease(transaction, row, now),
        webhook_id=row.webhook_id,
        subject=row.subject,
        url=row.url,
        body=row.body,
        sealed_secrets=(row.sealed_secret, row.sealed_previous) if is_rotating else (row.sealed_secret,),
    )


def settle(transaction: Transaction, claimed: Claimed, result: Result) -> str:
    """Notes what came of an attempt; returns the state that the delivery is in now, as far as this attempt goes."""
    state = OUTBOX.state_after(claimed, result, DELIVERED)
    transaction.run(
        _INSERT_ATTEMPT,
        organization_id=claimed.organization_id,
        delivery_id=claimed.id,
        attempt=claimed.attempt,
        ended_at=result.ended_at,
        took_ms=result.took_ms,
        outcome=result.outcome,
    )
    OUTBOX.settle(transaction, claimed, result, state)
    return state


def give_up(transaction: Transaction, organization_id: str, webhook_id: str, now: int) -> None:
    """Ends every delivery to a webhook that is no more."""
    transaction.run(_GIVE_UP, the_organization_id=organization_id, the_webhook_id=webhook_id, moment=now)
