"""Signing: drafts become prescriptions, all of them or none, in the transaction that locks the signer's authority."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rxauth.clock import Clock
from rxauth.domain import audit, patients, prescriptions, providers, treatments, webhook_outbox
from rxauth.domain.errors import AbsentError, DomainError, InvalidError
from rxauth.domain.organizations import Organization
from rxauth.domain.patients import Patient
from rxauth.domain.prescription_drafts import Draft
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.treatments import Treatment
from rxauth.policy import decide, prescribing
from rxauth.policy.authority import Refusal
from rxauth.policy.subjects import Caller, MachineSubject, Prescriber, UserSubject, Wish
from rxauth.storage.database import Transaction

DRAFTS_LIMIT: Final = 50
_NO_PATIENT: Final = Refusal("patient_absent", "there is no such patient")


@dataclass(frozen=True, slots=True)
class Refused:
    """The signer may not write this draft, and so none of the others either. index: its place among them."""

    refusal: Refusal
    index: int


class DraftError(Exception):
    """A draft is none that anybody could sign. index: its place among the others."""

    def __init__(self, index: int, error: DomainError) -> None:
        super().__init__(type(error).__name__)
        self.index = index
        self.error = error


def sign(
    transaction: Transaction, caller: Caller, organization: Organization, drafts: Sequence[Draft], clock: Clock
) -> list[Prescription] | Refused:
    """Writes every draft with the caller's signature, or none of them.

    A refusal leaves audit records, which must be committed: hence Refused, not an exception. The caller's authority is
    read and locked before anything else, and the clock is read after that, when nothing is left to wait for.

    Raises:
        InvalidError: too many drafts. DraftError: see there.
    """
    if len(drafts) > DRAFTS_LIMIT:
        raise InvalidError(f"at most {DRAFTS_LIMIT} prescriptions are written at once")
    standing = None
    if not isinstance(caller.subject, MachineSubject):
        standing = providers.subject_for_writing(transaction, organization.id, caller.subject.user_id)
    now_ms = clock.milliseconds()
    known = _Known(transaction, organization, drafts)
    judged = [known.judge(transaction, caller, standing, draft, now_ms // 1_000) for draft in drafts]
    refused = [Refused(one, index) for index, one in enumerate(judged) if isinstance(one, Refusal)]
    if refused:
        acts = [act(caller, audit.Event.PRESCRIPTION_REFUSED, reason=one.refusal.code) for one in refused]
        audit.record_all(transaction, [audit.row(one, now_ms * 1_000) for one in acts])
        return refused[0]
    proofs = [one for one in judged if isinstance(one, Prescriber)]
    written = []
    for index, (draft, proof) in enumerate(zip(drafts, proofs, strict=True)):
        try:
            known.require(draft)
            written.append(prescriptions.write(transaction, proof, draft, now_ms))
            webhook_outbox.prescription_created(transaction, organization.id, written[-1], now_ms)
        except DomainError as error:
            raise DraftError(index, error) from None
    acts = [act(caller, audit.Event.PRESCRIPTION_WRITTEN, one.id) for one in written]
    audit.record_all(transaction, [audit.row(one, now_ms * 1_000) for one in acts])
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


class _Known:
    """What the database has of that which drafts name."""

    def __init__(self, transaction: Transaction, organization: Organization, drafts: Sequence[Draft]) -> None:
        wanted = ({draft.patient_id for draft in drafts}, {draft.treatment_id for draft in drafts})
        self._organization = organization
        self._patients: Mapping[str, Patient] = patients.by_ids(transaction, organization.id, list(wanted[0]))
        self._treatments: Mapping[str, Treatment] = treatments.by_ids(transaction, organization.id, list(wanted[1]))
        self._units = {unit.name for unit in treatments.units(transaction)}

    def judge(
        self, transaction: Transaction, caller: Caller, standing: UserSubject | None, draft: Draft, now: int
    ) -> Prescriber | Refusal:
        patient, treatment = self._patients.get(draft.patient_id), self._treatments.get(draft.treatment_id)
        state = None if patient is None else _state_of(patient, self._organization)
        wish = Wish(draft.patient_id, draft.treatment_id, state, None if treatment is None else treatment.schedule)
        found = decide.as_prescriber(transaction, caller, standing, wish, now)
        return _NO_PATIENT if patient is None and found == prescribing.STATE_UNKNOWN else found

    def require(self, draft: Draft) -> None:
        if draft.treatment_id not in self._treatments:
            raise AbsentError("there is no such treatment")
        if draft.dispense_unit not in self._units:
            raise InvalidError("dispenseUnit is none of dispenseUnits")


def _state_of(patient: Patient, organization: Organization) -> str | None:
    """Returns the state that a licence must cover: the address's; without an address, the organization's own."""
    return organization.home_state if patient.address is None else patient.address.us_state
