"""The resolvers of the clinical contract, one file per noun, and the table that binds them."""

from operator import attrgetter
from typing import Any, Final

from rxauth.api.clinical import catalogs, ordering, orders, patients, prescribing, prescriptions, reference
from rxauth.api.clinical.inputs import INPUTS
from rxauth.api.context import Info
from rxauth.api.scalars import SCALARS
from rxauth.api.schema import Binding, Resolver


def _from(path: str) -> Resolver:
    get = attrgetter(path)

    def resolve(source: Any, _info: Info) -> Any:
        return get(source)

    return resolve


def _of_taken(path: str) -> Resolver:
    get = attrgetter(path)

    def resolve(source: Any, _info: Info) -> Any:
        return get(source[1])

    return resolve


BINDING: Final = Binding(
    resolvers={
        "Query": {
            "allergens": reference.search_allergens,
            "catalog": catalogs.catalog,
            "catalogs": catalogs.all_of_them,
            "dispenseUnits": reference.dispense_units,
            "fill": orders.fill,
            "medicalEquipment": reference.medical_equipment,
            "medications": reference.medications,
            "medicationConcepts": reference.medication_concepts,
            "medicationStrengths": reference.medication_strengths,
            "medicationRoutes": reference.medication_routes,
            "medicationForms": reference.medication_forms,
            "medicationProducts": reference.medication_products,
            "medicationPackages": reference.medication_packages,
            "order": orders.order,
            "orders": orders.search,
            "patient": patients.patient,
            "patients": patients.search,
            "pharmacy": reference.pharmacy,
            "pharmacies": reference.search_pharmacies,
            "prescription": prescriptions.prescription,
            "prescriptions": prescriptions.search,
        },
        "Mutation": {
            "createPatient": patients.create,
            "updatePatient": patients.update,
            "removePatientAllergy": patients.remove_allergy,
            "removePatientPreferredPharmacy": patients.remove_pharmacy,
            "createOrder": ordering.create,
            "updateOrder": ordering.update,
            "cancelOrder": ordering.cancel,
            "routeOrder": ordering.route,
            "addToCatalog": catalogs.add_treatment,
            "removeFromCatalog": catalogs.remove_treatment,
            "createPrescriptionTemplate": catalogs.create_template,
            "updatePrescriptionTemplate": catalogs.update_template,
            "deletePrescriptionTemplate": catalogs.delete_template,
            "createPrescription": prescribing.create,
            "createPrescriptions": prescribing.create_all,
            "cancelPrescription": prescribing.cancel,
        },
        "Provider": {"phone": prescriptions.phone_of_prescriber},
        "Patient": {
            "allergies": patients.allergies,
            "medicationHistory": patients.medication_history,
            "preferredPharmacies": patients.preferred_pharmacies,
            "prescriptions": patients.prescriptions_of,
            "orders": patients.orders_of,
        },
        "PatientAllergy": {"allergen": patients.allergen},
        "PatientMedication": {
            "medication": patients.taken_medication,
            "prescription": patients.taken_prescription,
            "active": _of_taken("active"),
            "comment": _of_taken("comment"),
        },
        "Prescription": {
            "state": prescriptions.state,
            "prescriber": prescriptions.prescriber,
            "patient": prescriptions.patient,
            "treatment": prescriptions.treatment,
            "diagnoses": prescriptions.diagnoses_of,
            "writtenAt": _from("written_at_ms"),
            "fills": prescriptions.fills_of,
        },
        "Catalog": {"treatments": catalogs.treatments_of, "templates": catalogs.templates_of},
        "PrescriptionTemplate": {"treatment": catalogs.template_treatment},
        "Order": {
            "fills": orders.fills_of,
            "patient": orders.patient,
            "pharmacy": orders.pharmacy,
            "exceptions": orders.exceptions_of,
            "createdAt": _from("created_at_ms"),
        },
        "OrderException": {"createdAt": _from("created_at_ms"), "resolvedAt": _from("resolved_at_ms")},
        "Fill": {
            "prescription": orders.fill_prescription,
            "treatment": orders.fill_treatment,
            "order": orders.fill_order,
            "requestedAt": _from("requested_at_ms"),
            "filledAt": _from("filled_at_ms"),
        },
    },
    inputs=INPUTS,
    scalars=SCALARS,
    kind_of=reference.treatment_kind,
)
