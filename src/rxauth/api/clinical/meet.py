"""What a request has met: noting it lets children be fetched for all parents in one statement a level."""

from collections.abc import Sequence

from rxauth.api.context import Context
from rxauth.domain import (
    allergens,
    catalogs,
    diagnoses,
    fills,
    order_exceptions,
    orders,
    patient_history,
    patients,
    pharmacies,
    prescription_lists,
    prescriptions,
    treatments,
    users,
)
from rxauth.domain.catalogs import Catalog
from rxauth.domain.fills import Fill
from rxauth.domain.orders import Order
from rxauth.domain.patient_history import Allergy, TakenMedication
from rxauth.domain.patients import Patient
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.templates import Template


def met_patients(context: Context, found: Sequence[Patient]) -> Sequence[Patient]:
    """Notes patients, and that their histories may be asked for."""
    ids = [patient.id for patient in found]
    context.note(Patient, ids)
    context.patient_ids.update(ids)
    context.want(patient_history.allergies_of, ids)
    context.want(patient_history.medications_of, ids)
    context.want(patient_history.preferred_pharmacies_of, ids)
    context.want(prescription_lists.latest_of_patients, ids)
    return found


def met_allergies(context: Context, found: Sequence[Allergy]) -> None:
    """Notes what patients are allergic to."""
    context.want(allergens.by_ids, (allergy.allergen_id for allergy in found))


def met_medications(context: Context, found: Sequence[TakenMedication]) -> None:
    """Notes what patients take."""
    context.want(treatments.by_ids, (medication.treatment_id for medication in found))


def met_pharmacies(context: Context, pharmacy_ids: Sequence[str]) -> None:
    """Notes which pharmacies patients prefer."""
    context.want(pharmacies.by_ids, pharmacy_ids)


def met_prescriptions(context: Context, found: Sequence[Prescription]) -> Sequence[Prescription]:
    """Notes prescriptions, and what they refer to."""
    context.want(users.prescribers, (prescription.prescriber_id for prescription in found))
    patient_ids = [prescription.patient_id for prescription in found]
    context.patient_ids.update(patient_ids)
    context.want(patients.by_ids, patient_ids)
    context.want(treatments.by_ids, (prescription.treatment_id for prescription in found))
    context.want(diagnoses.of_prescriptions, (prescription.id for prescription in found))
    context.want(fills.of_prescriptions, (prescription.id for prescription in found))
    return found


def met_orders(context: Context, found: Sequence[Order]) -> Sequence[Order]:
    """Notes orders, and what they refer to."""
    patient_ids = [order.patient_id for order in found]
    context.patient_ids.update(patient_ids)
    context.want(patients.by_ids, patient_ids)
    context.want(pharmacies.by_ids, (order.pharmacy_id for order in found))
    context.want(fills.of_orders, (order.id for order in found))
    context.want(order_exceptions.of_orders, (order.id for order in found))
    return found


def met_fills(context: Context, found: Sequence[Fill]) -> Sequence[Fill]:
    """Notes fills, and what they refer to."""
    context.want(orders.by_ids, (fill.order_id for fill in found))
    context.want(prescriptions.by_ids, (fill.prescription_id for fill in found))
    context.want(treatments.by_ids, (fill.treatment_id for fill in found))
    return found


def met_catalogs(context: Context, found: Sequence[Catalog]) -> None:
    """Notes catalogs, and that what is in them may be asked for."""
    context.want(catalogs.treatments_of, (catalog.id for catalog in found))


def met_treatments(context: Context, treatment_ids: Sequence[str]) -> None:
    """Notes which treatments are in catalogs."""
    context.want(treatments.by_ids, treatment_ids)


def met_templates(context: Context, found: Sequence[Template]) -> None:
    """Notes which treatments templates are for."""
    context.want(treatments.by_ids, (template.treatment_id for template in found))
