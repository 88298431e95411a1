"""What the pharmacy network is told: an order with everything a pharmacy needs to fill it, as it is when it is sent."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.domain import (
    fills,
    orders,
    organizations,
    patients,
    pharmacies,
    prescriptions,
    providers,
    treatments,
    users,
)
from rxauth.domain.dispatches import PLACE, Dispatch
from rxauth.domain.fills import Fill
from rxauth.domain.names import Address, Name
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.treatments import Treatment
from rxauth.storage.database import Transaction

Contents = Mapping[str, Any]
CANCELED: Final = "CANCELED"


def of(transaction: Transaction, dispatch: Dispatch) -> Contents:
    """Returns the body of a dispatch: of a `place` the whole order, of a `cancel` no more than what it ends."""
    pharmacy = pharmacies.by_ids(transaction, dispatch.organization_id, [dispatch.pharmacy_id])[dispatch.pharmacy_id]
    told: dict[str, Any] = {
        "dispatchId": dispatch.id,
        "act": dispatch.act,
        "orderId": dispatch.order_id,
        "pharmacy": {
            "id": pharmacy.id,
            "NPI": pharmacy.npi,
            "NCPDP": pharmacy.ncpdp,
            "name": pharmacy.name,
            "fulfillmentTypes": pharmacy.fulfillment_types,
        },
    }
    if dispatch.act != PLACE:
        return told | {"takesBack": dispatch.takes_back}
    return told | _Order(transaction, dispatch.organization_id).contents(dispatch.order_id)


class _Order:
    """The order of one organization, in one transaction."""

    def __init__(self, transaction: Transaction, organization_id: str) -> None:
        self._place = (transaction, organization_id)
        self._owner = organizations.find(transaction, organization_id)

    def contents(self, order_id: str) -> dict[str, Any]:
        """Returns who gets what, and who prescribed it."""
        order = orders.by_ids(*self._place, [order_id])[order_id]
        patient = patients.by_ids(*self._place, [order.patient_id])[order.patient_id]
        ordered = fills.of_orders(*self._place, [order_id]).get(order_id, [])
        to_fill = [one for one in ordered if one.state != CANCELED]
        written = prescriptions.by_ids(*self._place, [one.prescription_id for one in to_fill if one.prescription_id])
        named = treatments.by_ids(*self._place, list({one.treatment_id for one in to_fill}))
        prescribers = self._prescribers(sorted({one.prescriber_id for one in written.values()}))
        return {
            "organization": {"id": self._place[1], "name": None if self._owner is None else self._owner.name},
            "patient": {
                "name": _name(patient.name),
                "dateOfBirth": patient.date_of_birth,
                "sex": patient.sex,
                "phone": patient.phone,
                "address": _address(order.address or patient.address),
            },
            "fills": [
                self._fill(one, named[one.treatment_id], written.get(one.prescription_id or ""), prescribers)
                for one in to_fill
            ],
        }

    def _prescribers(self, ids: list[str]) -> Mapping[str, Any]:
        """Returns who prescribed; the NPI is the one that two people approved, and null for somebody without one."""
        people = users.prescribers(*self._place, ids)
        found = {one: providers.find(*self._place, one) for one in people}
        return {
            user_id: {
                "name": _name(person.name),
                "NPI": None if (known := found[user_id]) is None or known.facts is None else known.facts.npi,
            }
            for user_id, person in people.items()
        }

    def _fill(
        self, fill: Fill, treatment: Treatment, prescription: Prescription | None, prescribers: Mapping[str, Any]
    ) -> dict[str, Any]:
        codes = treatment.codes
        return {
            "id": fill.id,
            "treatment": {
                "id": treatment.id,
                "name": treatment.name,
                "codes": {
                    "rxcui": codes.rxcui,
                    "productNDC": codes.product_ndc,
                    "packageNDC": codes.package_ndc,
                    "SKU": codes.sku,
                    "HCPCS": codes.hcpcs,
                },
            },
            "prescription": None if prescription is None else _prescription(prescription, prescribers),
        }


def _prescription(prescription: Prescription, prescribers: Mapping[str, Any]) -> dict[str, Any]:
    quantity = prescription.dispense_quantity
    return {
        "id": prescription.id,
        "prescriber": prescribers.get(prescription.prescriber_id),
        "dispenseQuantity": int(quantity) if quantity.is_integer() else quantity,
        "dispenseUnit": prescription.dispense_unit,
        "dispenseAsWritten": prescription.dispense_as_written,
        "daysSupply": prescription.days_supply,
        "instructions": prescription.instructions,
        "notes": prescription.notes,
        "doNotFillBefore": prescription.do_not_fill_before_date,
        "effectiveDate": prescription.effective_date,
        "expirationDate": prescription.expiration_date,
    }


def _name(name: Name) -> dict[str, str | None]:
    return {"first": name.first, "middle": name.middle, "last": name.last, "title": name.title}


def _address(address: Address | None) -> dict[str, str | None] | None:
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
