"""Prescriptions: read and searched."""

from collections.abc import Sequence
from dataclasses import replace

from rxauth.api.clinical.meet import met_fills, met_prescriptions
from rxauth.api.clinical.patients import find_one
from rxauth.api.context import Info
from rxauth.domain import diagnoses, fills, prescription_lists, prescriptions, treatments, users
from rxauth.domain.diagnoses import Diagnosis
from rxauth.domain.fills import Fill
from rxauth.domain.paging import page
from rxauth.domain.patients import Patient
from rxauth.domain.prescription_lists import PrescriptionFilter
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.treatments import Treatment
from rxauth.domain.users import User


def prescription(_root: None, info: Info, id: str) -> Prescription | None:
    """Query.prescription."""
    found: Prescription | None = info.context.get(prescriptions.by_ids, id, meet=met_prescriptions)
    return found


def search(
    _root: None,
    info: Info,
    filter: PrescriptionFilter | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Prescription]:
    """Query.prescriptions: newest first."""
    context = info.context
    today = prescriptions.today_anywhere(context.clock.seconds())
    wanted = replace(filter or PrescriptionFilter(), today=today)
    found = context.read(lambda tx: prescription_lists.search(tx, context.organization_id, wanted, page(after, first)))
    return met_prescriptions(context, found)


def state(source: Prescription, info: Info) -> str:
    """Prescription.state."""
    return source.state_on(prescriptions.today_anywhere(info.context.clock.seconds()))


def prescriber(source: Prescription, info: Info) -> User:
    """Prescription.prescriber."""
    found: User = info.context.get(users.prescribers, source.prescriber_id)
    return found


def phone_of_prescriber(source: User, _info: Info) -> str:
    """Provider.phone; the contract has one of everybody."""
    return source.phone or ""


def patient(source: Prescription, info: Info) -> Patient:
    """Prescription.patient."""
    return find_one(info.context, source.patient_id)


def treatment(source: Prescription, info: Info) -> Treatment:
    """Prescription.treatment."""
    found: Treatment = info.context.get(treatments.by_ids, source.treatment_id)
    return found


def diagnoses_of(source: Prescription, info: Info) -> list[Diagnosis]:
    """Prescription.diagnoses: in the order in which they were named."""
    return info.context.get(diagnoses.of_prescriptions, source.id) or []


def fills_of(source: Prescription, info: Info) -> list[Fill]:
    """Prescription.fills."""
    return info.context.get(fills.of_prescriptions, source.id, meet=met_fills) or []
