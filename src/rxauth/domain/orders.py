"""Orders: what was sent to a pharmacy, and how far it is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from rxauth.domain import patient_names
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.domain.names import Address, read_address, require_text, stored_address
from rxauth.domain.paging import Page
from rxauth.domain.patient_names import Number
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import orders
from rxauth.storage.tenancy import Statement, insert_row, sql

INSERT: Final = insert_row(orders)
_COLUMNS: Final = tuple(column for column in orders.c if column.name not in {"organization_id", "cancel_reason"})
_MINE = orders.c.organization_id == bindparam("organization_id")
# No index is chosen for it: the patients' own one leads to fewer rows.
_STATE_OF_FEW = orders.c.state.concat("")
_BY_IDS = sql(select(*_COLUMNS).where(_MINE, orders.c.id.in_(bindparam("ids", expanding=True))))
_LOCKED = sql(select(*_COLUMNS).where(_MINE, orders.c.id == bindparam("id")).with_for_update())
_SAME_EXTERNAL_ID = sql(select(orders.c.id).where(_MINE, orders.c.external_id == bindparam("external_id")))
_THE_ONE = (orders.c.organization_id == bindparam("owner"), orders.c.id == bindparam("the_id"))
_GOES_ON: Final = ("state", "pharmacy_id", "fulfillment_type", "fulfillment_state", "carrier", "tracking_number")
_UPDATE = sql(update(orders).where(*_THE_ONE).values({name: bindparam(name) for name in _GOES_ON}))
_SET_REASON = sql(update(orders).where(*_THE_ONE).values(cancel_reason=bindparam("reason")))


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """How far the pharmacy is. state: SENT; RECEIVED, READY, PICKED_UP; or FILLING, SHIPPED, DELIVERED."""

    type: str
    state: str
    carrier: str | None
    tracking_number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """An order. pharmacy_id None: the patient has yet to choose. created_at_ms: UTC milliseconds."""

    id: str
    external_id: str | None = field(repr=False)
    state: str
    patient_id: str
    pharmacy_id: str | None
    address: Address | None = field(repr=False)
    fulfillment: Fulfillment | None
    created_at_ms: int

    @property
    def standing(self) -> tuple[str, str | None]:
        """How far it is: its state, and its fulfillment's."""
        return self.state, None if self.fulfillment is None else self.fulfillment.state


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; None leaves a member out. patient_name: the beginning of any words of the name."""

    patient_id: str | None = None
    patient_name: str | None = None
    state: str | None = None


def add(transaction: Transaction, organization_id: str, order: Order) -> None:
    """Adds an order.

    Raises:
        InvalidError: an externalId that nothing has. ExistsError: the organization has an order of that one.
    """
    require_text(order.external_id, "externalId")
    owner = {"organization_id": organization_id}
    if order.external_id is not None and transaction.first(_SAME_EXTERNAL_ID, **owner, external_id=order.external_id):
        raise ExistsError("another order has this externalId", "externalId")
    transaction.run(
        INSERT,
        **owner,
        id=order.id,
        external_id=order.external_id,
        patient_id=order.patient_id,
        address=stored_address(order.address),
        cancel_reason=None,
        created_at_ms=order.created_at_ms,
        **_progress(order),
    )


def lock(transaction: Transaction, organization_id: str, order_id: str) -> Order:
    """Returns an order that nobody else can change until the transaction ends.

    Raises:
        AbsentError: the organization has no such order.
    """
    row = transaction.first(_LOCKED, organization_id=organization_id, id=order_id)
    if row is None:
        raise AbsentError("there is no such order", "id")
    return _order(row)


def save(transaction: Transaction, organization_id: str, order: Order) -> None:
    """Writes how far an order is that was read with `lock` in this transaction."""
    transaction.run(_UPDATE, owner=organization_id, the_id=order.id, **_progress(order))


def set_cancel_reason(transaction: Transaction, organization_id: str, order_id: str, reason: str) -> None:
    """Keeps why somebody canceled an order.

    Raises:
        InvalidError: the text is none.
    """
    require_text(reason, "reason")
    transaction.run(_SET_REASON, owner=organization_id, the_id=order_id, reason=reason)


def by_ids(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, Order]:
    """Returns the organization's orders among `ids`."""
    return {row.id: _order(row) for row in transaction.all(_BY_IDS, organization_id=organization_id, ids=ids)}


def search(transaction: Transaction, organization_id: str, wanted: OrderFilter, page: Page) -> list[Order]:
    """Lists orders, newest first."""
    sought = None
    if wanted.patient_name is not None:
        ask_number = wanted.patient_id is None
        sought = patient_names.seek(transaction, organization_id, wanted.patient_name, ask_number=ask_number)
        if sought is None:
            return []
    members = {"patient_id": wanted.patient_id, "state": wanted.state}
    values = {name: value for name, value in members.items() if value is not None}
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    if sought is None:
        return [_order(row) for row in transaction.all(_listing(frozenset(values)), **place, **values)]
    statement = _listing(frozenset(values), len(sought.words), sought.number or Number.MANY)
    return [_order(row) for row in transaction.all(statement, **place, **values, **sought.place)]


def of_patients(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str], page: Page, state: str | None
) -> Mapping[str, list[Order]]:
    """Returns one page of orders for each patient that has any, newest first; all in one statement."""
    values = {} if state is None else {"state": state}
    found: defaultdict[str, list[Order]] = defaultdict(list)
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    for row in transaction.all(_of_patients(frozenset(values)), patient_ids=patient_ids, **place, **values):
        found[row.patient_id].append(_order(row))
    return found


@cache
def _listing(members: frozenset[str], words: int | None = None, number: Number = Number.MANY) -> Statement:
    statement = select(*_COLUMNS).where(_MINE, orders.c.id < bindparam("before"))
    if words is not None:
        statement = patient_names.named(statement, orders.c.patient_id, words, number)
    if "patient_id" in members:
        statement = statement.where(orders.c.patient_id == bindparam("patient_id"))
    if "state" in members:
        among_few = number is Number.FEW or "patient_id" in members
        statement = statement.where((_STATE_OF_FEW if among_few else orders.c.state) == bindparam("state"))
    place = patient_names.unordered(orders.c.id) if number is Number.FEW else orders.c.id
    return sql(statement.order_by(place.desc()).limit(bindparam("rows")))


@cache
def _of_patients(members: frozenset[str]) -> Statement:
    place = func.row_number().over(partition_by=orders.c.patient_id, order_by=orders.c.id.desc())
    numbered = select(*_COLUMNS, place.label("place")).where(
        _MINE,
        orders.c.patient_id.in_(bindparam("patient_ids", expanding=True)),
        orders.c.id < bindparam("before"),
    )
    if "state" in members:
        numbered = numbered.where(bindparam("state") == _STATE_OF_FEW)
    ranked = numbered.subquery()
    return sql(select(ranked).where(ranked.c.place <= bindparam("rows")).order_by(ranked.c.id.desc()))


def _progress(order: Order) -> dict[str, str | None]:
    done = order.fulfillment
    return {
        "state": order.state,
        "pharmacy_id": order.pharmacy_id,
        "fulfillment_type": None if done is None else done.type,
        "fulfillment_state": None if done is None else done.state,
        "carrier": None if done is None else done.carrier,
        "tracking_number": None if done is None else done.tracking_number,
    }


def _order(row: Any) -> Order:
    fulfillment = None
    if row.fulfillment_type is not None:
        fulfillment = Fulfillment(row.fulfillment_type, row.fulfillment_state, row.carrier, row.tracking_number)
    return Order(
        row.id,
        row.external_id,
        row.state,
        row.patient_id,
        row.pharmacy_id,
        read_address(row.address),
        fulfillment,
        row.created_at_ms,
    )
