"""Sample data, written for this project: it describes nobody, and is no source of medical facts."""

import datetime
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from sqlalchemy import bindparam, update

from rxauth.domain import (
    allergens,
    fills,
    medication_terms,
    orders,
    patient_history,
    patients,
    pharmacies,
    prescriptions,
    treatment_store,
    treatments,
    users,
)
from rxauth.domain.names import Address, Name, stored_address
from rxauth.domain.patient_history import Allergy, TakenMedication
from rxauth.domain.patients import Patient
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id, sample_id
from rxauth.sandbox import contents, medications
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions as table
from rxauth.storage.tenancy import sql

_DAY_MS = 86_400_000
_OF_MEDICATIONS = (
    "medication_type",
    "concept",
    "schedule",
    "brand_name",
    "generic_name",
    "strength",
    "form",
    "manufacturer",
    "parent_id",
    "route_id",
)
_CODES = {"rxcui": None, "product_ndc": None, "package_ndc": None, "sku": None, "hcpcs": None}
_HAND_OVER = sql(
    update(table).where(table.c.organization_id == bindparam("owner")).values(prescriber_id=bindparam("user_id"))
)


def load_reference(transaction: Transaction) -> None:
    """Adds the reference data that every organization shares."""
    allergens.keep(
        transaction,
        [
            {"id": _reference_id(Kind.ALLERGEN, one["key"]), "name": one["name"], "rxcui": None}
            for one in _read("allergens")
        ],
    )
    transaction.run_many(treatments.INSERT_DISPENSE_UNIT, [{"name": name} for name in _read("dispense_units")])
    drugs = medications.read()
    medication_terms.keep(transaction, map(medications.way, drugs))
    treatment_store.keep(transaction, [row for one in drugs for row in medications.rows(one)])
    contents.load(transaction, drugs, _reference_id)
    treatment_store.keep(transaction, [_equipment(one) for one in _read("medical_equipment")])
    pharmacies.keep(transaction, [_pharmacy(one) for one in _read("pharmacies")])


def load_organization(transaction: Transaction, organization_id: str, now_ms: int) -> None:
    """Adds patients, prescriptions and orders to an organization, and the person who wrote the prescriptions."""
    prescriber_id = new_id(Kind.USER, now_ms)
    email = f"sam.sample.{prescriber_id[-6:].lower()}@example.com"
    prescriber = User(prescriber_id, email, "+12125550100", Name("Sam", "Sample", "Dr."), None)
    users.add(transaction, prescriber, now_ms // 1000)
    patient_ids = _load_patients(transaction, organization_id, now_ms)
    written = _load_prescriptions(transaction, organization_id, prescriber.id, patient_ids, now_ms)
    _load_orders(transaction, organization_id, patient_ids, written, now_ms)


def hand_over(transaction: Transaction, organization_id: str, user_id: str) -> None:
    """Makes somebody whom the organization authorizes the writer of its prescriptions: so they can be ordered."""
    transaction.run(_HAND_OVER, owner=organization_id, user_id=user_id)


def _read(name: str) -> Any:
    return json.loads((files("rxauth.sandbox") / "data" / f"{name}.json").read_text())


def _reference_id(kind: Kind, key: str) -> str:
    return sample_id(kind, key, medications.MADE_AT_MS)


def _equipment(one: Mapping[str, Any]) -> dict[str, Any]:
    empty = dict.fromkeys(_OF_MEDICATIONS)
    return {
        "id": _reference_id(Kind.MEDICAL_EQUIPMENT, one["key"]),
        "kind": treatments.MEDICAL_EQUIPMENT,
        "name": one["name"],
        "description": one["description"],
        "codes": _CODES,
        **empty,
    }


def _address(one: Mapping[str, Any] | None, address_id: str) -> Address | None:
    if one is None:
        return None
    return Address(
        address_id, one["street1"], one["city"], one["state"], one["postalCode"], one["country"], None, one["street2"]
    )


def _pharmacy(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _reference_id(Kind.PHARMACY, one["key"]),
        "name": one["name"],
        "npi": None,
        "ncpdp": None,
        "phone": one["phone"],
        "fax": one["fax"],
        "address": stored_address(_address(one["address"], _reference_id(Kind.ADDRESS, one["key"]))),
        "latitude": one["latitude"],
        "longitude": one["longitude"],
        "fulfillment_types": one["fulfillmentTypes"],
    }


def _load_patients(transaction: Transaction, organization_id: str, now_ms: int) -> dict[str, str]:
    ids = {}
    for one in _read("patients"):
        ids[one["key"]] = patient_id = new_id(Kind.PATIENT, now_ms)
        name = one["name"]
        patient = Patient(
            id=patient_id,
            organization_id=organization_id,
            external_id=one["externalId"],
            name=Name(name["first"], name["last"], name["title"], name["middle"]),
            date_of_birth=one["dateOfBirth"],
            sex=one["sex"],
            gender=one["gender"],
            email=one["email"],
            phone=one["phone"],
            address=_address(one["address"], new_id(Kind.ADDRESS, now_ms)),
        )
        patients.create(transaction, patient, now_ms)
        patient_history.add(
            transaction,
            organization_id,
            patient_id,
            allergies=[
                Allergy(_reference_id(Kind.ALLERGEN, allergy["allergen"]), allergy["comment"], allergy["onset"])
                for allergy in one["allergies"]
            ],
            medications=[
                TakenMedication(_reference_id(Kind.MEDICATION, taken["medication"]), taken["active"], taken["comment"])
                for taken in one["medications"]
            ],
            pharmacy_ids=[_reference_id(Kind.PHARMACY, key) for key in one["preferredPharmacies"]],
        )
    return ids


def _load_prescriptions(
    transaction: Transaction, organization_id: str, prescriber_id: str, patient_ids: Mapping[str, str], now_ms: int
) -> dict[str, dict[str, Any]]:
    filled = _fills_by_prescription()
    written = {}
    for one in sorted(_read("prescriptions"), key=lambda one: -one["daysAgo"]):
        at_ms = now_ms - one["daysAgo"] * _DAY_MS
        day = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC).date()
        written[one["key"]] = row = {
            "id": new_id(Kind.PRESCRIPTION, at_ms),
            "organization_id": organization_id,
            "external_id": None,
            "state": one["state"],
            "prescriber_id": prescriber_id,
            "patient_id": patient_ids[one["patient"]],
            "treatment_id": _reference_id(Kind.MEDICATION, one["treatment"]),
            "dispense_as_written": one["dispenseAsWritten"],
            "dispense_quantity": one["dispenseQuantity"],
            "dispense_unit": one["dispenseUnit"],
            "fills_allowed": one["fillsAllowed"],
            "fills_remaining": one["fillsAllowed"] - filled.get(one["key"], 0),
            "days_supply": one["daysSupply"],
            "instructions": one["instructions"],
            "notes": one["notes"],
            "effective_date": day.isoformat(),
            "do_not_fill_before_date": None,
            "expiration_date": (day + datetime.timedelta(days=365)).isoformat(),
            "written_at_ms": at_ms,
        }
        transaction.run(prescriptions.INSERT, **row)
    return written


def _fills_by_prescription() -> dict[str, int]:
    filled: dict[str, int] = {}
    for order in _read("orders"):
        if order["state"] != "CANCELED":
            for fill in order["fills"]:
                filled[fill["prescription"]] = filled.get(fill["prescription"], 0) + 1
    return filled


def _load_orders(
    transaction: Transaction,
    organization_id: str,
    patient_ids: Mapping[str, str],
    written: Mapping[str, Mapping[str, Any]],
    now_ms: int,
) -> None:
    for one in sorted(_read("orders"), key=lambda one: -one["daysAgo"]):
        at_ms = now_ms - one["daysAgo"] * _DAY_MS
        order_id = new_id(Kind.ORDER, at_ms)
        fulfillment = one["fulfillment"] or dict.fromkeys(("type", "state", "carrier", "trackingNumber"))
        transaction.run(
            orders.INSERT,
            id=order_id,
            organization_id=organization_id,
            external_id=None,
            state=one["state"],
            patient_id=patient_ids[one["patient"]],
            pharmacy_id=None if one["pharmacy"] is None else _reference_id(Kind.PHARMACY, one["pharmacy"]),
            address=None,
            fulfillment_type=fulfillment["type"],
            fulfillment_state=fulfillment["state"],
            carrier=fulfillment["carrier"],
            tracking_number=fulfillment["trackingNumber"],
            cancel_reason=None,
            created_at_ms=at_ms,
        )
        for fill in one["fills"]:
            prescription = written[fill["prescription"]]
            transaction.run(
                fills.INSERT,
                id=new_id(Kind.FILL, at_ms),
                organization_id=organization_id,
                order_id=order_id,
                prescription_id=prescription["id"],
                treatment_id=prescription["treatment_id"],
                state={"CANCELED": "CANCELED", "ROUTING": "NEW"}.get(one["state"], "SENT"),
                requested_at_ms=at_ms,
                filled_at_ms=at_ms if one["state"] == "COMPLETED" else None,
            )
