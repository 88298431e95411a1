"""Patients: read, search, create, change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rxauth.api.clinical.inputs import MedicationHistoryInput, NameFilter
from rxauth.api.clinical.meet import (
    met_allergies,
    met_medications,
    met_orders,
    met_patients,
    met_pharmacies,
    met_prescriptions,
)
from rxauth.api.context import Context, Info
from rxauth.domain import (
    allergens,
    orders,
    patient_history,
    patients,
    pharmacies,
    prescription_lists,
    prescriptions,
    treatments,
)
from rxauth.domain.allergens import Allergen
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.names import Address
from rxauth.domain.orders import Order, OrderFilter
from rxauth.domain.paging import page
from rxauth.domain.patient_history import Allergy, TakenMedication
from rxauth.domain.patients import Patient
from rxauth.domain.pharmacies import Pharmacy
from rxauth.domain.prescription_lists import PrescriptionFilter
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.treatments import Treatment
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction


def patient(_root: None, info: Info, id: str) -> Patient | None:
    """Query.patient: by identifier or by externalId."""
    context = info.context
    found = context.read(lambda tx: patients.find(tx, context.organization_id, id))
    if found is not None:
        met_patients(context, [found])
    return found


def search(
    _root: None,
    info: Info,
    filter: NameFilter | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Patient]:
    """Query.patients: newest first, by the beginning of any words of the name."""
    context = info.context
    name = None if filter is None else filter.name
    found = context.read(lambda tx: patients.search(tx, context.organization_id, name, page(after, first)))
    return met_patients(context, found)


def create(_root: None, info: Info, **values: Any) -> Patient:
    """Mutation.createPatient."""
    context = info.context
    now_ms = context.clock.milliseconds()
    history = _history(values)
    new = Patient(
        id=new_id(Kind.PATIENT, now_ms),
        organization_id=context.organization_id,
        external_id=values.get("external_id"),
        name=values["name"],
        date_of_birth=values["date_of_birth"],
        sex=values["sex"],
        gender=values.get("gender"),
        email=values.get("email"),
        phone=values["phone"],
        address=_with_id(values.get("address"), None, now_ms),
    )

    def work(transaction: Transaction) -> None:
        patients.create(transaction, new, now_ms)
        patient_history.add(transaction, new.organization_id, new.id, **history)

    context.write(work)
    met_patients(context, [new])
    return new


def update(_root: None, info: Info, id: str, allergen_id: str | None = None, **values: Any) -> Patient:
    """Mutation.updatePatient: what is not named stays; null takes an optional value away."""
    context = info.context
    now_ms = context.clock.milliseconds()
    history = _history(values)
    for required, member in (("name", "name"), ("dateOfBirth", "date_of_birth"), ("sex", "sex"), ("phone", "phone")):
        if member in values and values[member] is None:
            raise InvalidError(f"{required} cannot be taken away", required)

    def work(transaction: Transaction) -> Patient:
        before = patients.lock(transaction, context.organization_id, id)
        if "address" in values:
            values["address"] = _with_id(values["address"], before.address, now_ms)
        after = replace(before, **values)
        if after != before:
            patients.save(transaction, after, now_ms)
        if allergen_id is not None:
            patient_history.remove_allergy(transaction, context.organization_id, id, allergen_id)
        patient_history.add(transaction, context.organization_id, id, **history)
        return after

    changed = context.write(work)
    met_patients(context, [changed])
    return changed


def remove_allergy(_root: None, info: Info, id: str, allergen_id: str) -> Patient:
    """Mutation.removePatientAllergy."""
    return update(None, info, id, allergen_id)


def remove_pharmacy(_root: None, info: Info, patient_id: str, pharmacy_id: str) -> Patient:
    """Mutation.removePatientPreferredPharmacy."""
    context = info.context

    def work(transaction: Transaction) -> Patient:
        found = patients.lock(transaction, context.organization_id, patient_id)
        patient_history.remove_pharmacy(transaction, context.organization_id, patient_id, pharmacy_id)
        return found

    found = context.write(work)
    met_patients(context, [found])
    return found


def allergies(source: Patient, info: Info) -> list[Allergy]:
    """Patient.allergies."""
    return info.context.get(patient_history.allergies_of, source.id, meet=met_allergies) or []


def allergen(source: Allergy, info: Info) -> Allergen:
    """PatientAllergy.allergen."""
    found: Allergen = info.context.get(allergens.by_ids, source.allergen_id)
    return found


def medication_history(source: Patient, info: Info) -> list[tuple[str, TakenMedication]]:
    """Patient.medicationHistory: the contract's type has medications only, so equipment stays out."""
    context = info.context
    taken: list[TakenMedication] = context.get(patient_history.medications_of, source.id, meet=met_medications) or []
    return [
        (source.id, medication)
        for medication in taken
        if context.get(treatments.by_ids, medication.treatment_id).kind == treatments.MEDICATION
    ]


def taken_medication(source: tuple[str, TakenMedication], info: Info) -> Treatment:
    """PatientMedication.medication."""
    found: Treatment = info.context.get(treatments.by_ids, source[1].treatment_id)
    return found


def taken_prescription(source: tuple[str, TakenMedication], info: Info) -> Prescription | None:
    """PatientMedication.prescription: the newest one of the patient for this medication, if there is one."""
    patient_id, medication = source
    latest: list[Prescription] = (
        info.context.get(prescription_lists.latest_of_patients, patient_id, meet=met_prescriptions) or []
    )
    return next((one for one in latest if one.treatment_id == medication.treatment_id), None)


def preferred_pharmacies(source: Patient, info: Info) -> list[Pharmacy]:
    """Patient.preferredPharmacies."""
    context = info.context
    ids: list[str] = context.get(patient_history.preferred_pharmacies_of, source.id, meet=met_pharmacies) or []
    return [context.get(pharmacies.by_ids, pharmacy_id) for pharmacy_id in ids]


def prescriptions_of(
    source: Patient,
    info: Info,
    filter: PrescriptionFilter | None = None,
    after: str | None = None,
    first: int | None = None,
) -> list[Prescription]:
    """Patient.prescriptions: a page of them, newest first."""
    context = info.context
    today = prescriptions.today_anywhere(context.clock.seconds())
    arguments = (page(after, first), replace(filter or PrescriptionFilter(), today=today))
    context.want(prescription_lists.of_patients, context.met(Patient), *arguments)
    return context.get(prescription_lists.of_patients, source.id, *arguments, meet=met_prescriptions) or []


def orders_of(
    source: Patient,
    info: Info,
    filter: OrderFilter | None = None,
    after: str | None = None,
    first: int | None = None,
) -> list[Order]:
    """Patient.orders: a page of them, newest first."""
    context = info.context
    arguments = (page(after, first), None if filter is None else filter.state)
    context.want(orders.of_patients, context.met(Patient), *arguments)
    return context.get(orders.of_patients, source.id, *arguments, meet=met_orders) or []


def _history(values: dict[str, Any]) -> dict[str, Any]:
    """Takes what belongs to the history out of a mutation's arguments."""
    return {
        "allergies": [one for one in values.pop("allergies", None) or [] if one is not None],
        "medications": [_taken(one) for one in values.pop("medication_history", None) or [] if one is not None],
        "pharmacy_ids": [one for one in values.pop("preferred_pharmacies", None) or [] if one is not None],
    }


def _taken(one: MedicationHistoryInput) -> TakenMedication:
    if (one.medication_id is None) == (one.medical_equipment_id is None):
        raise InvalidError(
            "an entry of medicationHistory has either medicationId or medicalEquipmentId", "medicationHistory"
        )
    return TakenMedication(one.medication_id or one.medical_equipment_id or "", one.active, one.comment)


def _with_id(address: Address | None, before: Address | None, now_ms: int) -> Address | None:
    """Gives an address its identifier: the one it replaces has, or a new one."""
    if address is None:
        return None
    kept = before.id if before is not None else new_id(Kind.ADDRESS, now_ms)
    return Address(**{name: getattr(address, name) for name in Address.__struct_fields__} | {"id": kept})


def find_one(context: Context, patient_id: str) -> Patient:
    """Returns the patient that another record refers to."""
    found: Patient | None = context.get(patients.by_ids, patient_id, meet=met_patients)
    if found is None:
        raise AbsentError("there is no such patient")
    return found
