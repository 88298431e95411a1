"""Deliveries: which event a webhook hears next, and what came of each attempt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, exists, select, update

from rxauth.crypto import sealing
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhook_attempts as attempts
from rxauth.storage.tables.webhooks import webhook_deliveries as table
from rxauth.storage.tables.webhooks import webhook_events as events
from rxauth.storage.tables.webhooks import webhooks
from rxauth.storage.tenancy import insert_row, sql

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
# An attempt ends before its lease; of a process that died, another takes over when it is up.
LEASE_S: Final = 8
FIRST_PAUSE_S: Final = 5
LONGEST_PAUSE_S: Final = 6 * 3_600
GIVEN_UP_AFTER_S: Final = 3 * 86_400
WEBHOOK_DELETED: Final = "webhook_deleted"
_DOUBLINGS: Final = 13

_EVERYBODYS = "one server delivers for every organization"
_earlier = table.alias("earlier")
_DUE = (
    table.c.state == WAITING,
    table.c.next_attempt_at <= bindparam("moment"),
    table.c.webhook_id.not_in(bindparam("busy", expanding=True)),
    # The events of one subject wait for each other.
    ~exists().where(
        _earlier.c.webhook_id == table.c.webhook_id,
        _earlier.c.subject == table.c.subject,
        _earlier.c.state == WAITING,
        _earlier.c.number < table.c.number,
    ),
)
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
_THE_ONE = (table.c.organization_id == bindparam("the_organization_id"), table.c.number == bindparam("the_number"))
# An attempt whose lease was taken over decides nothing any more.
_STILL_MINE = (table.c.state == WAITING, table.c.attempts == bindparam("attempt"))
_CLAIM = sql(
    update(table).where(*_THE_ONE).values(attempts=table.c.attempts + 1, next_attempt_at=bindparam("lease_until"))
)
_SETTLE = sql(
    update(table)
    .where(*_THE_ONE, *_STILL_MINE)
    .values(state=bindparam("new_state"), outcome=bindparam("what"), settled_at=bindparam("moment"))
)
_POSTPONE = sql(
    update(table)
    .where(*_THE_ONE, *_STILL_MINE)
    .values(failures=table.c.failures + 1, outcome=bindparam("what"), next_attempt_at=bindparam("again_at"))
)
# Nobody looks at what stands behind it until then.
_POSTPONE_NEXT = sql(
    update(table)
    .where(
        table.c.organization_id == bindparam("the_organization_id"),
        table.c.webhook_id == bindparam("the_webhook_id"),
        table.c.subject == bindparam("the_subject"),
        table.c.state == WAITING,
        table.c.next_attempt_at < bindparam("again_at"),
    )
    .values(next_attempt_at=bindparam("again_at"))
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
class Claimed:
    """A delivery that one process attempts, until its lease is up. attempt: its number, from 1."""

    number: int
    id: str
    organization_id: str
    webhook_id: str
    subject: str
    attempt: int
    failures: int
    began_at: int
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    sealed_secrets: tuple[bytes, ...] = field(repr=False)

    def secrets(self, sealing_key: bytes, purpose: str) -> list[str]:
        """Opens the secrets that may sign it: the new one, and after a rotation the one before for a while.

        Raises:
            CannotUnsealError: they were sealed with another key.
        """
        return [sealing.unseal(one, sealing_key, purpose).decode() for one in self.sealed_secrets]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. outcome: `http_` and the status, or a code. ended_at: UTC seconds."""

    outcome: str
    is_taken: bool
    is_final: bool
    ended_at: int
    took_ms: int


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
    transaction.run(_CLAIM, the_organization_id=row.organization_id, the_number=row.number, lease_until=now + LEASE_S)
    is_rotating = row.sealed_previous is not None and now < row.previous_until
    return Claimed(
        number=row.number,
        id=row.id,
        organization_id=row.organization_id,
        webhook_id=row.webhook_id,
        subject=row.subject,
        attempt=row.attempts + 1,
        failures=row.failures,
        began_at=row.began_at,
        url=row.url,
        body=row.body,
        sealed_secrets=(row.sealed_secret, row.sealed_previous) if is_rotating else (row.sealed_secret,),
    )


def settle(transaction: Transaction, claimed: Claimed, result: Result) -> str:
    """Notes what came of an attempt; returns the state that the delivery is in now, as far as this attempt goes."""
    owner = {"the_organization_id": claimed.organization_id, "the_number": claimed.number}
    noted = {**owner, "attempt": claimed.attempt, "what": result.outcome}
    is_too_old = result.ended_at - claimed.began_at >= GIVEN_UP_AFTER_S
    state = DELIVERED if result.is_taken else DEAD if result.is_final or is_too_old else WAITING
    transaction.run(
        _INSERT_ATTEMPT,
        organization_id=claimed.organization_id,
        delivery_id=claimed.id,
        attempt=claimed.attempt,
        ended_at=result.ended_at,
        took_ms=result.took_ms,
        outcome=result.outcome,
    )
    if state != WAITING:
        transaction.run(_SETTLE, **noted, new_state=state, moment=result.ended_at)
        return state
    again_at = result.ended_at + pause_s(claimed.failures)
    if transaction.run(_POSTPONE, **noted, again_at=again_at):
        which = {"the_webhook_id": claimed.webhook_id, "the_subject": claimed.subject}
        transaction.run(_POSTPONE_NEXT, the_organization_id=claimed.organization_id, **which, again_at=again_at)
    return state


def pause_s(failures: int) -> int:
    """Returns how long to wait after an attempt that failed, when `failures` did before it."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S << min(failures, _DOUBLINGS))


def give_up(transaction: Transaction, organization_id: str, webhook_id: str, now: int) -> None:
    """Ends every delivery to a webhook that is no more."""
    transaction.run(_GIVE_UP, the_organization_id=organization_id, the_webhook_id=webhook_id, moment=now)
