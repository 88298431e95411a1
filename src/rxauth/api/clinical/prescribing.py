"""Prescriptions: written, each with the signature of an authorized provider, and canceled."""

from collections.abc import Sequence
from typing import Any, TypeVar

from rxauth.api.clinical.inputs import PrescriptionInput
from rxauth.api.clinical.meet import met_prescriptions
from rxauth.api.context import Context, Info
from rxauth.api.errors import PrescriptionRefusedError, StepUpError
from rxauth.domain import audit, prescriptions, signing, webhook_outbox
from rxauth.domain.errors import AbsentError, DomainError, InvalidError
from rxauth.domain.prescription_drafts import Draft, DraftError
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.signing import Refused
from rxauth.policy.assurance import Wanted
from rxauth.storage.database import Transaction

Value = TypeVar("Value")


def create(_root: None, info: Info, **values: Any) -> Prescription:
    """Mutation.createPrescription: an authorized provider's request is the signature."""
    try:
        [written] = _sign(info.context, [_draft(PrescriptionInput(**values))])
    except DraftError as failed:
        raise failed.error from None
    return written


def create_all(_root: None, info: Info, prescriptions: Sequence[PrescriptionInput | None]) -> Sequence[Prescription]:
    """Mutation.createPrescriptions: all of them, or none."""
    try:
        return _sign(info.context, [_numbered_draft(index, one) for index, one in enumerate(prescriptions)], many=True)
    except DraftError as failed:
        raise type(failed.error)(f"prescriptions[{failed.index}]: {failed.error}") from None


def cancel(_root: None, info: Info, id: str) -> Prescription:
    """Mutation.cancelPrescription."""
    context = info.context
    now_ms = context.clock.milliseconds()
    act = signing.act(context.caller, audit.Event.PRESCRIPTION_CANCELED, id)

    def work(transaction: Transaction) -> Prescription:
        today = prescriptions.today_anywhere(now_ms // 1_000)
        canceled = prescriptions.cancel(transaction, context.organization_id, id, today)
        audit.record(transaction, act, now_ms * 1_000)
        webhook_outbox.prescription_canceled(transaction, context.organization_id, canceled, now_ms)
        return canceled

    canceled = context.write(work)
    met_prescriptions(context, [canceled])
    return canceled


def _sign(context: Context, drafts: Sequence[Draft], *, many: bool = False) -> list[Prescription]:
    written = context.write(lambda tx: signing.sign(tx, context.caller, drafts, context.clock))
    if isinstance(written, Wanted):
        raise StepUpError(written)
    if isinstance(written, Refused):
        raise PrescriptionRefusedError(written.refusal, written.index if many else None)
    met_prescriptions(context, written)
    return written


def _numbered_draft(index: int, one: PrescriptionInput | None) -> Draft:
    try:
        if one is None:
            raise InvalidError("is null")
        return _draft(one)
    except DomainError as error:
        raise DraftError(index, error) from None


def _draft(one: PrescriptionInput) -> Draft:
    if one.template_id is not None:
        raise InvalidError("templateId is not taken here: say what to prescribe")
    if any(diagnosis is not None for diagnosis in one.diagnoses or ()):
        raise AbsentError("there is no such diagnosis")
    return Draft(
        patient_id=one.patient_id,
        treatment_id=_given("treatmentId", one.treatment_id),
        dispense_quantity=_given("dispenseQuantity", one.dispense_quantity),
        dispense_unit=_given("dispenseUnit", one.dispense_unit),
        instructions=_given("instructions", one.instructions),
        fills_allowed=_fills_allowed(one),
        dispense_as_written=bool(one.dispense_as_written),
        days_supply=one.days_supply,
        notes=one.notes,
        effective_date=one.effective_date,
        do_not_fill_before_date=one.do_not_fill_before_date,
        external_id=one.external_id,
    )


def _given(name: str, value: Value | None) -> Value:
    """Returns what only a template could leave out."""
    if value is None:
        raise InvalidError(f"{name} is missing")
    return value


def _fills_allowed(one: PrescriptionInput) -> int:
    """Returns the first fill and the refills: either number says both."""
    if one.refills_allowed is None:
        return 1 if one.fills_allowed is None else one.fills_allowed
    if one.fills_allowed not in {None, one.refills_allowed + 1}:
        raise InvalidError("fillsAllowed is one more than refillsAllowed: the first fill is no refill")
    return one.refills_allowed + 1
