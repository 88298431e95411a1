"""Signing: drafts become prescriptions, all of them or none, in the transaction that locks the signer's authority."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

from rxauth.clock import Clock
from rxauth.domain import audit, diagnoses, grounds, prescription_events, prescriptions, providers
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.grounds import Grounds
from rxauth.domain.prescription_drafts import Draft, DraftError
from rxauth.domain.prescriptions import Prescription
from rxauth.policy import decide, prescribing
from rxauth.policy.assurance import AAL2, Wanted
from rxauth.policy.authority import Refusal
from rxauth.policy.subjects import Caller, MachineSubject, Prescriber, UserSubject
from rxauth.storage.database import Transaction

DRAFTS_LIMIT: Final = 50
_ENDED: Final = Refusal("token_ended", "the session, authorization or client that the token rests on has ended")
_NO_PATIENT: Final = Refusal("patient_absent", "there is no such patient")


@dataclass(frozen=True, slots=True)
class Refused:
    """The signer may not write this draft, and so none of the others either. index: its place among them."""

    refusal: Refusal
    index: int


def sign(
    transaction: Transaction, caller: Caller, drafts: Sequence[Draft], clock: Clock
) -> list[Prescription] | Refused | Wanted:
    """Writes every draft with the caller's signature, or none of them.

    A refusal leaves audit records, which must be committed: hence Refused, not an exception. The caller's authority is
    read and locked before anything else, and the clock is read after that, when nothing is left to wait for.
    Wanted: the organization asks for a surer or fresher sign-in first, and nothing was done.

    Raises:
        InvalidError: too many drafts. DraftError: see there.
    """
    if len(drafts) > DRAFTS_LIMIT:
        raise InvalidError(f"at most {DRAFTS_LIMIT} prescriptions are written at once", "prescriptions")
    organization_id = caller.organization_id
    standing = None
    if isinstance(caller.subject, UserSubject):
        standing = providers.subject_for_writing(transaction, organization_id, caller.subject.user_id)
    now_ms = clock.milliseconds()
    known = grounds.read(transaction, caller, drafts)
    if known.signing_max_age_s is not None:
        wanted = Wanted(AAL2, known.signing_max_age_s)
        if not wanted.is_met(caller.authentication, now_ms // 1_000):
            return wanted
    judged = [_judge(transaction, caller, standing, known, draft, now=now_ms // 1_000) for draft in drafts]
    refused = [Refused(one, index) for index, one in enumerate(judged) if isinstance(one, Refusal)]
    if refused:
        acts = [act(caller, audit.Event.PRESCRIPTION_REFUSED, reason=one.refusal.code) for one in refused]
        audit.record_each(transaction, acts, now_ms * 1_000)
        return refused[0]
    proofs = [one for one in judged if isinstance(one, Prescriber)]
    coded = diagnoses.of_drafts(transaction, (one for draft in drafts for one in draft.diagnoses))
    for index, draft in enumerate(drafts):
        _require(known, coded, draft, index)
    written = prescriptions.write(transaction, list(zip(proofs, drafts, strict=True)), now_ms)
    for one in written:
        prescription_events.created(transaction, organization_id, one, now_ms, known.listeners)
    acts = [act(caller, audit.Event.PRESCRIPTION_WRITTEN, one.id) for one in written]
    audit.record_each(transaction, acts, now_ms * 1_000)
    return written


def act(caller: Caller, event: audit.Event, prescription_id: str | None = None, reason: str | None = None) -> audit.Act:
    """Returns the record of what became of a prescription; it names the token, and nothing of the patient or drug."""
    subject = caller.subject
    if isinstance(subject, MachineSubject):
        actor = audit.Actor("client", caller.client_id)
    else:
        actor = audit.Actor("person", subject.user_id)
    details = {"client_id": caller.client_id, "token_id": caller.token_id}
    return audit.Act(event, actor, subject.organization_id, prescription_id, reason, details=details)


def _judge(
    transaction: Transaction, caller: Caller, standing: UserSubject | None, known: Grounds, draft: Draft, *, now: int
) -> Prescriber | Refusal:
    if isinstance(caller.subject, UserSubject) and not known.token_holds:
        return _ENDED
    found = decide.as_prescriber(transaction, caller, standing, known.wish(draft), now)
    return _NO_PATIENT if draft.patient_id not in known.patients and found == prescribing.STATE_UNKNOWN else found


def _require(known: Grounds, coded: Container[str], draft: Draft, index: int) -> None:
    if draft.treatment_id not in known.schedules:
        raise DraftError(index, AbsentError("there is no such treatment", "treatmentId"))
    if draft.dispense_unit not in known.units:
        raise DraftError(index, InvalidError("dispenseUnit is none of dispenseUnits", "dispenseUnit"))
    absent = next((one for one in draft.diagnoses if one.code not in coded), None)
    if absent is not None:
        raise DraftError(index, absent.absence)
