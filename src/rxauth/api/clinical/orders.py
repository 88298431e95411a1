"""Orders and their fills: read and searched."""

from collections.abc import Sequence

from rxauth.api.clinical.meet import met_fills, met_orders, met_prescriptions
from rxauth.api.clinical.patients import find_one
from rxauth.api.context import Info
from rxauth.domain import fills, order_exceptions, orders, pharmacies, prescriptions, treatments
from rxauth.domain.fills import Fill
from rxauth.domain.order_exceptions import OrderException
from rxauth.domain.orders import Order, OrderFilter
from rxauth.domain.paging import page
from rxauth.domain.patients import Patient
from rxauth.domain.pharmacies import Pharmacy
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.treatments import Treatment


def order(_root: None, info: Info, id: str) -> Order | None:
    """Query.order."""
    found: Order | None = info.context.get(orders.by_ids, id, meet=met_orders)
    return found


def search(
    _root: None,
    info: Info,
    filter: OrderFilter | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Order]:
    """Query.orders: newest first."""
    context = info.context
    wanted = filter or OrderFilter()
    found = context.read(lambda tx: orders.search(tx, context.organization_id, wanted, page(after, first)))
    return met_orders(context, found)


def fill(_root: None, info: Info, id: str) -> Fill | None:
    """Query.fill."""
    context = info.context
    found = context.read(lambda tx: fills.find(tx, context.organization_id, id))
    if found is None:
        return None
    one, patient_id = found
    context.patient_ids.add(patient_id)
    met_fills(context, [one])
    return one


def patient(source: Order, info: Info) -> Patient:
    """Order.patient."""
    return find_one(info.context, source.patient_id)


def pharmacy(source: Order, info: Info) -> Pharmacy | None:
    """Order.pharmacy: none while the patient has yet to choose."""
    if source.pharmacy_id is None:
        return None
    found: Pharmacy | None = info.context.get(pharmacies.by_ids, source.pharmacy_id)
    return found


def fills_of(source: Order, info: Info) -> list[Fill]:
    """Order.fills."""
    return info.context.get(fills.of_orders, source.id, meet=met_fills) or []


def exceptions_of(source: Order, info: Info) -> list[OrderException]:
    """Order.exceptions."""
    return info.context.get(order_exceptions.of_orders, source.id) or []


def fill_order(source: Fill, info: Info) -> Order:
    """Fill.order."""
    found: Order = info.context.get(orders.by_ids, source.order_id, meet=met_orders)
    return found


def fill_prescription(source: Fill, info: Info) -> Prescription | None:
    """Fill.prescription: none if the treatment needs none."""
    if source.prescription_id is None:
        return None
    found: Prescription | None = info.context.get(prescriptions.by_ids, source.prescription_id, meet=met_prescriptions)
    return found


def fill_treatment(source: Fill, info: Info) -> Treatment | None:
    """Fill.treatment."""
    found: Treatment | None = info.context.get(treatments.by_ids, source.treatment_id)
    return found
