"""What webhooks hear of orders, and of the prescriptions that orders deplete."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rxauth.domain import patients, pharmacies
from rxauth.domain.fills import Fill
from rxauth.domain.names import Address
from rxauth.domain.order_checks import Checked
from rxauth.domain.orders import Fulfillment, Order
from rxauth.domain.webhook_outbox import Happening, emit, named, written_time
from rxauth.storage.database import Transaction

Data = Callable[[], Mapping[str, Any]]


def created(
    transaction: Transaction, organization_id: str, order: Order, made: Sequence[Fill], checked: Checked
) -> None:
    """Tells of an order that was made."""
    external_ids = {one.id: one.external_id for one in checked.prescriptions}

    def data() -> Mapping[str, Any]:
        return {
            **_whose(transaction, organization_id, order),
            "pharmacyId": order.pharmacy_id,
            "fills": [_fill(one, external_ids) for one in made],
            "createdAt": written_time(order.created_at_ms),
        }

    emit(transaction, organization_id, Happening("photon:order:created", order.id, checked.now_ms), data)


def placed(transaction: Transaction, organization_id: str, order: Order, now_ms: int) -> None:
    """Tells of an order that its pharmacy took."""
    data = _with_pharmacy(transaction, organization_id, order)
    emit(transaction, organization_id, Happening("photon:order:placed", order.id, now_ms), data)


def rerouted(transaction: Transaction, organization_id: str, order: Order, now_ms: int) -> None:
    """Tells of an order that goes to another pharmacy."""
    data = _with_pharmacy(transaction, organization_id, order)
    emit(transaction, organization_id, Happening("photon:order:rerouted", order.id, now_ms), data)


def fulfillment(transaction: Transaction, organization_id: str, order: Order, done: Fulfillment, now_ms: int) -> None:
    """Tells how far the pharmacy is."""

    def data() -> Mapping[str, Any]:
        shown = {
            "type": done.type,
            "state": done.state,
            "carrier": done.carrier,
            "trackingNumber": done.tracking_number,
        }
        return {**_whose(transaction, organization_id, order), "fulfillment": shown}

    emit(transaction, organization_id, Happening("photon:order:fulfillment", order.id, now_ms), data)


def completed(transaction: Transaction, organization_id: str, order: Order, now_ms: int) -> None:
    """Tells of an order that the patient has."""
    happened = Happening("photon:order:completed", order.id, now_ms)
    emit(transaction, organization_id, happened, lambda: _whose(transaction, organization_id, order))


def failed(transaction: Transaction, organization_id: str, order: Order, reason: str, now_ms: int) -> None:
    """Tells of an order that the pharmacy does not fill."""

    def data() -> Mapping[str, Any]:
        return {**_whose(transaction, organization_id, order), "reason": reason}

    emit(transaction, organization_id, Happening("photon:order:error", order.id, now_ms), data)


def canceled(transaction: Transaction, organization_id: str, order: Order, now_ms: int) -> None:
    """Tells of an order that was canceled."""
    happened = Happening("photon:order:canceled", order.id, now_ms)
    emit(transaction, organization_id, happened, lambda: _whose(transaction, organization_id, order))


def _with_pharmacy(transaction: Transaction, organization_id: str, order: Order) -> Data:
    def data() -> Mapping[str, Any]:
        one = pharmacies.by_ids(transaction, "", [order.pharmacy_id or ""])[order.pharmacy_id or ""]
        shown = {"id": one.id, "name": one.name, "phone": one.phone, "address": _address(one.address)}
        return {**_whose(transaction, organization_id, order), "pharmacy": shown}

    return data


def _whose(transaction: Transaction, organization_id: str, order: Order) -> dict[str, Any]:
    """Returns what every event of an order has."""
    patient = patients.by_ids(transaction, organization_id, [order.patient_id])[order.patient_id]
    return {**named(order.id, order.external_id), "patient": named(patient.id, patient.external_id)}


def _fill(one: Fill, external_ids: Mapping[str, str | None]) -> dict[str, Any]:
    if one.prescription_id is None:
        return {"id": one.id}
    return {"id": one.id, "prescription": named(one.prescription_id, external_ids[one.prescription_id])}


def _address(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return {
        "street1": address.street1,
        "street2": address.street2,
        "city": address.city,
        "state": address.state,
        "postalCode": address.postal_code,
        "country": address.country,
    }
