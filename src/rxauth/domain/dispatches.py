"""Dispatches: what the pharmacy network is to be told of an order, from the transaction that asks for it to its end.

How it is told, and what the network answers, is not known here.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from rxauth.domain.leases import LEASE_S, WAITING, Leased, Outbox, Patience
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import orders
from rxauth.storage.tables.network import pharmacy_dispatches as table
from rxauth.storage.tenancy import sql

PLACE: Final = "place"
CANCEL: Final = "cancel"
TAKEN: Final = "taken"
REFUSED: Final = "refused"
MOOT: Final = "moot"
PATIENCE: Final = Patience(first_pause_s=2, longest_pause_s=15 * 60, given_up_after_s=86_400, from_first_attempt=True)
# What is asked for one order is told in that order.
OUTBOX: Final = Outbox(table, ("organization_id", "order_id"), PATIENCE)

_OF_ORDER = (
    table.c.organization_id == bindparam("the_organization_id"),
    table.c.order_id == bindparam("the_order_id"),
)
_ASKED = (
    select(
        *(table.c[name] for name in ("id", "act", "pharmacy_id", "takes_back", "state", "attempts", "next_attempt_at"))
    )
    .where(*_OF_ORDER)
    .order_by(table.c.number)
)
_STANDING = sql(_ASKED)
_LOCKED = sql(_ASKED.with_for_update())
_PHARMACY = (
    select(orders.c.pharmacy_id)
    .where(orders.c.organization_id == bindparam("organization_id"), orders.c.id == bindparam("order_id"))
    .scalar_subquery()
)
_COLUMNS: Final[dict[str, Any]] = {column.name: bindparam(column.name) for column in table.c if column.name != "number"}
_INSERT = sql(insert(table).values(_COLUMNS))
_INSERT_PLACE = sql(insert(table).values(_COLUMNS | {"pharmacy_id": _PHARMACY}))
_MAKE_MOOT = sql(
    update(table)
    .where(*_OF_ORDER, table.c.act == PLACE, table.c.state == WAITING)
    .values(state=MOOT, settled_at=bindparam("moment"))
)
_EVERYBODYS = "one server tells the network for every organization"
_IS_DUE = sql(select(table.c.number).where(*OUTBOX.due).limit(1), across_tenants=_EVERYBODYS)
_TOLD: Final = ("order_id", "act", "pharmacy_id", "takes_back")
_NEXT = sql(
    select(
        *(table.c[name] for name in ("number", "id", "organization_id", "attempts", "failures", "began_at")),
        *(table.c[name] for name in _TOLD),
    )
    .where(*OUTBOX.due)
    .order_by(table.c.next_attempt_at, table.c.number)
    .limit(1)
    .with_for_update(skip_locked=True),
    across_tenants=_EVERYBODYS,
)
_BY_ID = sql(
    select(table.c.organization_id, table.c.order_id).where(table.c.id == bindparam("the_id"), table.c.act == PLACE),
    across_tenants="the network names a dispatch before its organization is known",
)


@dataclass(frozen=True, slots=True)
class Dispatch(Leased):
    """What one process tells the network, until its lease is up. takes_back: of a cancel, the place that it ends."""

    order_id: str
    act: str
    pharmacy_id: str
    takes_back: str | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A dispatch of an order, as far as the next one must know it."""

    id: str
    act: str
    pharmacy_id: str
    takes_back: str | None
    state: str
    attempts: int
    next_attempt_at: int


def request(
    transaction: Transaction, organization_id: str, order_id: str, act: str, *, not_before: int, now: int
) -> str | None:
    """Has the network told to fill an order (`place`) or to leave it (`cancel`), once the transaction is committed.

    The transaction has locked the row of the order, which names the pharmacy of a `place`. What was asked for the order
    before is moot: what the network cannot know yet is never sent, and what it may know is taken back first, at the
    pharmacy that it was for. not_before: UTC seconds, until which a `place` waits. Returns the identifier of the
    `place`, by which reports name it; None: of a `cancel`.
    """
    which = {"the_organization_id": organization_id, "the_order_id": order_id}
    known = [_Asked(*row) for row in transaction.all(_LOCKED, **which)]
    if any(one.state == WAITING and one.act == PLACE for one in known):
        transaction.run(_MAKE_MOOT, **which, moment=now)
    owner = {"organization_id": organization_id, "order_id": order_id}
    for one in _to_take_back(known):
        # An attempt of it may be under way; it ends before its lease.
        begin_at = max(now, min(one.next_attempt_at, now + LEASE_S)) if one.state == WAITING else now
        row = _row(CANCEL, begin_at, now) | {"takes_back": one.id, "pharmacy_id": one.pharmacy_id}
        transaction.run(_INSERT, **owner, **row)
    if act == CANCEL:
        return None
    row = _row(PLACE, max(now, not_before), now)
    transaction.run(_INSERT_PLACE, **owner, **row)
    return str(row["id"])


def take_back(transaction: Transaction, dispatch: "Dispatch", now: int) -> None:
    """Has the network told to leave what an earlier attempt of a dispatch may have told it; now: UTC seconds."""
    row = _row(CANCEL, now, now) | {"takes_back": dispatch.id, "pharmacy_id": dispatch.pharmacy_id}
    transaction.run(_INSERT, organization_id=dispatch.organization_id, order_id=dispatch.order_id, **row)


def current(transaction: Transaction, organization_id: str, order_id: str) -> str | None:
    """Returns the dispatch by which an order is at its pharmacy, or on the way to it; None: by none, or none any more.

    What is reported of another is of no interest.
    """
    rows = transaction.all(_STANDING, the_organization_id=organization_id, the_order_id=order_id)
    known = [_Asked(*row) for row in rows]
    taken_back = {one.takes_back for one in known}
    places = [one.id for one in known if one.act == PLACE and one.state != MOOT and one.id not in taken_back]
    return places[-1] if places else None


def owner(transaction: Transaction, dispatch_id: str) -> tuple[str, str] | None:
    """Returns the organization and the order of a `place`; None: there never was one of that identifier."""
    row = transaction.first(_BY_ID, the_id=dispatch_id)
    return None if row is None else (row.organization_id, row.order_id)


def is_due(transaction: Transaction, now: int) -> bool:
    """Tells whether a dispatch waits; for a look that writes nothing."""
    return transaction.first(_IS_DUE, moment=now) is not None


def claim(transaction: Transaction, now: int) -> Dispatch | None:
    """Takes the dispatch that has waited longest, for this process alone, for `LEASE_S`; None: there is none."""
    row = transaction.first(_NEXT, moment=now)
    if row is None:
        return None
    leased = OUTBOX.lease(transaction, row, now)
    return Dispatch(**leased, **{name: getattr(row, name) for name in _TOLD})


def _to_take_back(known: list[_Asked]) -> list[_Asked]:
    """Returns what the network may know of, and nobody asked it to leave yet."""
    taken_back = {one.takes_back for one in known}
    return [
        one
        for one in known
        if one.act == PLACE and one.attempts > 0 and one.state != REFUSED and one.id not in taken_back
    ]


def _row(act: str, begin_at: int, now: int) -> dict[str, Any]:
    return {
        "id": new_id(Kind.DISPATCH, now * 1_000),
        "act": act,
        "takes_back": None,
        "state": WAITING,
        "attempts": 0,
        "failures": 0,
        "began_at": begin_at,
        "next_attempt_at": begin_at,
        "outcome": None,
        "settled_at": None,
    }
