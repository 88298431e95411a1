"""Ordering: a patient's prescriptions are ordered, each giving one fill, and treatments that need no prescription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rxauth.clock import Clock
from rxauth.domain import (
    fills,
    order_checks,
    order_events,
    order_sending,
    orders,
    prescription_events,
    prescription_fills,
    treatments,
)
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.fill_states import FillState
from rxauth.domain.fills import Fill
from rxauth.domain.names import Address, require_address
from rxauth.domain.order_checks import Checked, Refused, Whose
from rxauth.domain.order_states import OrderAct, OrderState, after
from rxauth.domain.orders import Order
from rxauth.domain.treatments import Treatment
from rxauth.ids import Kind, new_id
from rxauth.policy.subjects import Caller
from rxauth.storage.database import Transaction

FILLS_LIMIT: Final = 50  # of one order
_OTC: Final = "OTC"


@dataclass(frozen=True, slots=True)
class Wish:
    """One fill that is asked for: of a prescription, or of a treatment alone. where: its place, for errors."""

    where: str
    prescription_id: str | None = None
    treatment_id: str | None = field(default=None, repr=False)

    @property
    def key(self) -> str | None:
        """What an order has once."""
        return self.prescription_id or self.treatment_id


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What is ordered. pharmacy_id None: the patient chooses. address_id: the patient's own; it wins over address."""

    patient_id: str
    wishes: Sequence[Wish]
    pharmacy_id: str | None = None
    address: Address | None = field(default=None, repr=False)
    address_id: str | None = None
    external_id: str | None = field(default=None, repr=False)


def create(transaction: Transaction, caller: Caller, new: NewOrder, clock: Clock) -> Order | Refused:
    """Makes an order, and takes one fill of each of its prescriptions.

    Raises:
        AbsentError, InvalidError, ExistsError: naming what is wrong.
    """
    organization_id = caller.organization_id
    _require_some(new.wishes)
    for_whom = order_checks.whose(transaction, organization_id, new.patient_id)
    if new.pharmacy_id is not None:
        order_checks.require_pharmacy(transaction, new.pharmacy_id)
    known = _known(transaction, new.wishes)
    checked = order_checks.check(transaction, caller, for_whom, _named(new.wishes), clock)
    if isinstance(checked, Refused):
        return checked
    order = Order(
        id=new_id(Kind.ORDER, checked.now_ms),
        external_id=new.external_id,
        state=OrderState.ROUTING if new.pharmacy_id is None else OrderState.PENDING,
        patient_id=new.patient_id,
        pharmacy_id=new.pharmacy_id,
        address=_address(new, for_whom, checked.now_ms),
        fulfillment=None,
        created_at_ms=checked.now_ms,
    )
    made = _fills(order, new.wishes, known, checked)
    orders.add(transaction, organization_id, order)
    order_events.created(transaction, organization_id, order, made, checked)
    _take(transaction, organization_id, made, checked)
    if new.pharmacy_id is not None:
        order_sending.send(transaction, organization_id, order, checked)
    return order


def add_fills(
    transaction: Transaction, caller: Caller, order_id: str, wishes: Sequence[Wish], clock: Clock
) -> Order | Refused:
    """Adds fills to an order whose patient has yet to choose a pharmacy; what is in it already stays in it once.

    Raises:
        AbsentError, InvalidError: naming what is wrong.
    """
    organization_id = caller.organization_id
    _require_some(wishes)
    order = orders.lock(transaction, organization_id, order_id)
    after(*order.standing, OrderAct.UPDATE)
    there = fills.of_orders(transaction, organization_id, [order.id]).get(order.id, [])
    kept = {one.prescription_id or one.treatment_id for one in there}
    added = [one for one in wishes if one.key not in kept]
    if len(there) + len(added) > FILLS_LIMIT:
        raise InvalidError(f"fills: an order has at most {FILLS_LIMIT}", "fills")
    for_whom = order_checks.whose(transaction, organization_id, order.patient_id)
    known = _known(transaction, added)
    checked = order_checks.check(transaction, caller, for_whom, _named(added), clock)
    if isinstance(checked, Refused):
        return checked
    _take(transaction, organization_id, _fills(order, added, known, checked), checked)
    return order


def _require_some(wishes: Sequence[Wish]) -> None:
    if not 1 <= len(wishes) <= FILLS_LIMIT:
        raise InvalidError(f"fills: an order has 1 to {FILLS_LIMIT}", "fills")
    places: dict[str, str] = {}
    for one in wishes:
        if one.key is None:
            raise InvalidError("a fill has prescriptionId or treatmentId").within(one.where)
        if one.key in places:
            raise InvalidError(f"the same is in {places[one.key]}, and an order has it once").within(one.where)
        places[one.key] = one.where


def _named(wishes: Sequence[Wish]) -> dict[str, str]:
    return {one.prescription_id: one.where for one in wishes if one.prescription_id is not None}


def _known(transaction: Transaction, wishes: Sequence[Wish]) -> Mapping[str, Treatment]:
    """Returns the treatments that are named by themselves, which are none that a prescription guards (decision 24)."""
    alone = {one.treatment_id: one.where for one in wishes if not one.prescription_id and one.treatment_id}
    found = treatments.by_ids(transaction, "", list(alone)) if alone else {}
    for treatment_id, where in alone.items():
        one = found.get(treatment_id)
        if one is None:
            raise AbsentError("there is no such treatment", "treatmentId").within(where)
        is_free = one.kind == treatments.MEDICAL_EQUIPMENT or one.type == _OTC
        if one.controlled or not is_free:
            text = "this treatment takes a prescription; equipment and over-the-counter products do not"
            raise InvalidError(text, "treatmentId").within(where)
    return found


def _fills(order: Order, wishes: Sequence[Wish], known: Mapping[str, Treatment], checked: Checked) -> list[Fill]:
    """Returns the fills of what may be filled; known: the treatments that are named by themselves."""
    order_checks.require_fills(checked, _named(wishes))
    now_ms = checked.now_ms
    later = {one for one, at in checked.begins_at().items() if at > now_ms // 1_000}
    of = {one.id: one for one in checked.prescriptions}
    made = []
    # Sorted, so that fills are shown in the order in which they were asked for.
    for fill_id, one in zip(sorted(new_id(Kind.FILL, now_ms) for _ in wishes), wishes, strict=True):
        if one.prescription_id is None:
            treatment_id = known[one.treatment_id or ""].id
        else:
            treatment_id = of[one.prescription_id].treatment_id
            if one.treatment_id not in {None, treatment_id}:
                raise InvalidError("the prescription is for another treatment", "treatmentId").within(one.where)
        state = FillState.SCHEDULED if one.prescription_id in later else FillState.NEW
        made.append(Fill(fill_id, order.id, one.prescription_id, treatment_id, state, now_ms, None))
    return made


def _take(transaction: Transaction, organization_id: str, made: Sequence[Fill], checked: Checked) -> None:
    """Keeps fills, takes them of their prescriptions, and tells of those that have none left."""
    fills.add_all(transaction, organization_id, made)
    depleted = prescription_fills.take(transaction, organization_id, checked.prescriptions)
    prescription_events.depleted(transaction, organization_id, depleted, checked.now_ms)


def _address(new: NewOrder, for_whom: Whose, now_ms: int) -> Address | None:
    """Returns where the order goes: the patient's own address, unless another is given."""
    own = for_whom.patient.address
    if new.address_id is not None:
        if own is None or own.id != new.address_id:
            raise AbsentError("the patient has no address of this addressId", "addressId")
        return own
    if new.address is None:
        return own
    require_address(new.address, "address")
    kept = {name: getattr(new.address, name) for name in Address.__struct_fields__}
    return Address(**kept | {"id": new_id(Kind.ADDRESS, now_ms)})
