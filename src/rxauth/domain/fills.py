"""Fills: one treatment of one order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.domain.fill_states import FillState, before
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import fills, orders
from rxauth.storage.tenancy import insert_row, sql

INSERT: Final = insert_row(fills)
_COLUMNS: Final = tuple(column for column in fills.c if column.name != "organization_id")
_MINE = fills.c.organization_id == bindparam("organization_id")
_ONE = sql(
    select(*_COLUMNS, orders.c.patient_id)
    .join(orders, (orders.c.organization_id == fills.c.organization_id) & (orders.c.id == fills.c.order_id))
    .where(_MINE, fills.c.id == bindparam("id"))
)
_OF_ORDERS = sql(
    select(*_COLUMNS).where(_MINE, fills.c.order_id.in_(bindparam("ids", expanding=True))).order_by(fills.c.id)
)
_OF_PRESCRIPTIONS = sql(
    select(*_COLUMNS).where(_MINE, fills.c.prescription_id.in_(bindparam("ids", expanding=True))).order_by(fills.c.id)
)
_OF_ORDER = (fills.c.organization_id == bindparam("owner"), fills.c.order_id == bindparam("the_order_id"))
_MOVE = {
    state: sql(update(fills).where(*_OF_ORDER, fills.c.state.in_(before(state))).values(state=state))
    for state in FillState
}
_HOLD = sql(
    update(fills)
    .where(*_OF_ORDER, fills.c.prescription_id.in_(bindparam("prescription_ids", expanding=True)))
    .where(fills.c.state.in_(before(FillState.SCHEDULED)))
    .values(state=FillState.SCHEDULED)
)
_FILLED = sql(update(fills).where(*_OF_ORDER).values(filled_at_ms=bindparam("moment")))


@dataclass(frozen=True, slots=True)
class Fill:
    """One treatment of one order. prescription_id None: it needs none. Times: UTC milliseconds."""

    id: str
    order_id: str
    prescription_id: str | None
    treatment_id: str
    state: str
    requested_at_ms: int
    filled_at_ms: int | None


def find(transaction: Transaction, organization_id: str, fill_id: str) -> tuple[Fill, str] | None:
    """Returns a fill and the identifier of its patient; None: the organization has no such fill."""
    row = transaction.first(_ONE, organization_id=organization_id, id=fill_id)
    return None if row is None else (Fill(*row[:-1]), row.patient_id)


def of_orders(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, list[Fill]]:
    """Returns the fills of each order."""
    found: defaultdict[str, list[Fill]] = defaultdict(list)
    for row in transaction.all(_OF_ORDERS, organization_id=organization_id, ids=ids):
        found[row.order_id].append(Fill(*row))
    return found


def of_prescriptions(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, list[Fill]]:
    """Returns the fills of each prescription that has any."""
    found: defaultdict[str, list[Fill]] = defaultdict(list)
    for row in transaction.all(_OF_PRESCRIPTIONS, organization_id=organization_id, ids=ids):
        found[row.prescription_id].append(Fill(*row))
    return found


def add_all(transaction: Transaction, organization_id: str, new: Sequence[Fill]) -> None:
    """Adds fills to orders."""
    transaction.run_many(INSERT, [{"organization_id": organization_id, **asdict(one)} for one in new])


def move_all(transaction: Transaction, organization_id: str, order_id: str, state: FillState) -> None:
    """Has the fills of an order go along with it, all that may."""
    transaction.run(_MOVE[state], owner=organization_id, the_order_id=order_id)


def hold(transaction: Transaction, organization_id: str, order_id: str, prescription_ids: Sequence[str]) -> None:
    """Has those fills of an order wait whose prescriptions say not before a day that is still to come."""
    if prescription_ids:
        place = {"owner": organization_id, "the_order_id": order_id}
        transaction.run(_HOLD, **place, prescription_ids=prescription_ids)


def note_filled(transaction: Transaction, organization_id: str, order_id: str, now_ms: int) -> None:
    """Notes when the fills of an order were filled."""
    transaction.run(_FILLED, owner=organization_id, the_order_id=order_id, moment=now_ms)
