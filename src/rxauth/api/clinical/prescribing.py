"""Prescriptions: written, each with the signature of an authorized provider, and canceled."""

from collections.abc import Mapping, Sequence
from typing import Any

from rxauth.api.clinical import drafts
from rxauth.api.clinical.inputs import PrescriptionInput
from rxauth.api.clinical.meet import met_prescriptions
from rxauth.api.context import Context, Info
from rxauth.api.errors import PrescriptionRefusedError, StepUpError
from rxauth.domain import audit, prescription_events, prescriptions, signing, templates
from rxauth.domain.prescription_drafts import Draft, DraftError
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.signing import Refused
from rxauth.domain.templates import Template
from rxauth.policy.assurance import Wanted
from rxauth.storage.database import Transaction


def create(_root: None, info: Info, **values: Any) -> Prescription:
    """Mutation.createPrescription: an authorized provider's request is the signature."""
    try:
        [written] = _sign(info.context, [drafts.draft(PrescriptionInput(**values))])
    except DraftError as failed:
        raise failed.error from None
    return written


def create_all(_root: None, info: Info, prescriptions: Sequence[PrescriptionInput | None]) -> Sequence[Prescription]:
    """Mutation.createPrescriptions: all of them, or none."""
    context = info.context
    try:
        return _sign(context, drafts.drafts(prescriptions, _templates(context, prescriptions)), many=True)
    except DraftError as failed:
        raise failed.error.within(f"prescriptions[{failed.index}]") from None


def cancel(_root: None, info: Info, id: str) -> Prescription:
    """Mutation.cancelPrescription."""
    context = info.context
    now_ms = context.clock.milliseconds()
    act = signing.act(context.caller, audit.Event.PRESCRIPTION_CANCELED, id)

    def work(transaction: Transaction) -> Prescription:
        today = prescriptions.today_anywhere(now_ms // 1_000)
        canceled = prescriptions.cancel(transaction, context.organization_id, id, today)
        audit.record(transaction, act, now_ms * 1_000)
        prescription_events.canceled(transaction, context.organization_id, canceled, now_ms)
        return canceled

    canceled = context.write(work)
    met_prescriptions(context, [canceled])
    return canceled


def _sign(context: Context, asked: Sequence[Draft], *, many: bool = False) -> list[Prescription]:
    written = context.write(lambda tx: signing.sign(tx, context.caller, asked, context.clock))
    if isinstance(written, Wanted):
        raise StepUpError(written)
    if isinstance(written, Refused):
        raise PrescriptionRefusedError(written.refusal, written.index if many else None)
    met_prescriptions(context, written)
    return written


def _templates(context: Context, given: Sequence[PrescriptionInput | None]) -> Mapping[str, Template]:
    """Returns the templates that are named and that the person sees; what they say is signed, they are not."""
    ids = {one.template_id for one in given if one is not None and one.template_id is not None}
    if not ids:
        return {}
    return context.read(lambda tx: templates.seen(tx, context.organization_id, sorted(ids), context.user_id))
