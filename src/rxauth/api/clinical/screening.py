"""What is looked up, and looked over, before somebody prescribes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.context import Context, Info
from rxauth.api.errors import ForbiddenError
from rxauth.api.schema import Resolver
from rxauth.domain import diagnoses, patients, screening
from rxauth.domain.diagnoses import Diagnosis
from rxauth.domain.errors import AbsentError
from rxauth.domain.paging import page
from rxauth.domain.screening import Asked, Question
from rxauth.domain.screening_alerts import Alert, Entity
from rxauth.policy import decide
from rxauth.storage.database import Transaction

_ALSO_NEEDED: Final = ("read:patient",)


@dataclass(frozen=True, slots=True)
class Screened:
    """What a screening found."""

    alerts: Sequence[Alert]


@dataclass(frozen=True, slots=True)
class Involved:
    """Something that an alert is about; kind: its object type."""

    kind: str
    id: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DiagnosisCode:
    """A diagnosis that somebody gives with drafts."""

    code: str
    type: str


@dataclass(frozen=True, slots=True)
class TreatmentReference:
    """The treatment of a draft."""

    id: str


def search_diagnoses(
    _root: None, info: Info, name: str | None = None, after: str | None = None, first: int | None = None
) -> list[Diagnosis]:
    """Query.diagnoses."""
    rows = page(None, first).rows
    return info.context.read(lambda tx: diagnoses.search(tx, name, after, rows))


def screen(
    _root: None,
    info: Info,
    drafted_prescriptions: Sequence[Asked],
    patient_id: str,
    diagnosis_codes: Sequence[DiagnosisCode] | None = None,
) -> Screened:
    """Query.prescriptionScreen: it shows of what the patient is allergic to, and so asks for that permission too."""
    context = info.context
    now = context.clock.seconds()
    insufficient = decide.require(context.caller, _ALSO_NEEDED, now)
    if insufficient is not None:
        raise ForbiddenError(insufficient)
    codes = [one.code for one in diagnosis_codes or ()]

    def work(transaction: Transaction) -> list[Alert]:
        question = Question(_patient_id(transaction, context, patient_id), drafted_prescriptions, codes)
        return screening.alerts(transaction, context.organization_id, question, now)

    return Screened(context.read(work))


def involved(source: Alert, _info: Info) -> list[Involved]:
    """PrescriptionScreeningAlert.involvedEntities."""
    return [_involved(one) for one in source.involved]


def _involved(one: Entity) -> Involved:
    return Involved(f"PrescriptionScreeningAlertInvolved{one.kind}", one.id, one.name)


def _patient_id(transaction: Transaction, context: Context, reference: str) -> str:
    found = patients.find(transaction, context.organization_id, reference)
    if found is None:
        raise AbsentError("there is no such patient", "patientId")
    context.patient_ids.add(found.id)
    return found.id


def _asked(treatment: TreatmentReference, **values: Any) -> Asked:
    """Reads a draft; what no check looks at is left."""
    return Asked(
        treatment.id,
        values.get("id"),
        values.get("dispense_quantity"),
        values.get("dispense_unit"),
        values.get("days_supply"),
        values.get("instructions"),
    )


RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"diagnoses": search_diagnoses, "prescriptionScreen": screen},
        "PrescriptionScreeningAlert": {"involvedEntities": involved},
    }
)
INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "DraftedPrescriptionInput": _asked,
        "DraftedPrescriptionTreatmentInput": TreatmentReference,
        "DiagnosisCode": DiagnosisCode,
    }
)
