"""The rule this product exists for: who may hold and use `write:prescription`. It is stated here and nowhere else."""

from typing import Final

from rxauth.policy import controlled
from rxauth.policy.authority import Refusal, State
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, Subject, Wish

PERMISSION: Final = "write:prescription"
_STATE_UNKNOWN: Final = Refusal("patient_state_unknown", "the patient's state is not known")


def refusal(subject: Subject, now: int) -> str | None:
    """Says why `subject` may not write prescriptions at `now` (UTC seconds); None means it may.

    Only a person whom the organization authorized as a provider may, while the authority is in force and some licence
    holds. A prescription for somebody asks more: `refusal_in`.
    """
    found = _of_subject(subject, now)
    return None if found is None else found.reason


def refusal_in(subject: Subject, state: str | None, now: int) -> str | None:
    """Says why `subject` may not prescribe for a patient who is in a state; None means it may.

    state: the two letters of the state of the order's or the patient's address; None: nobody knows it.
    """
    found = judge(subject, Wish("", state, None), now)
    return None if found is None else found.reason


def judge(subject: Subject, wish: Wish, now: int) -> Refusal | None:
    """Says, with a code, why `subject` may not write this prescription at `now` (UTC seconds); None means it may."""
    refused = _of_subject(subject, now)
    if refused is not None:
        return refused
    if wish.state is None:
        return _STATE_UNKNOWN
    authority = subject.authority if not isinstance(subject, MachineSubject) else None
    if authority is not None:
        refused = _of_licences(authority, wish.state, now)
    return refused or controlled.refusal(wish.schedule)


def _of_subject(subject: Subject, now: int) -> Refusal | None:
    if isinstance(subject, MachineSubject):
        return Refusal("machine", "a machine never holds write:prescription; only authorized providers do")
    if Role.PRESCRIBER not in subject.roles:
        return Refusal("role_missing", "this person does not have the Prescriber role")
    if subject.authority is None:
        return Refusal("not_a_provider", "this person is not an authorized provider of the organization")
    return _of_authority(subject.authority, now) or _of_licences(subject.authority, None, now)


def _of_authority(authority: ProviderAuthority, now: int) -> Refusal | None:
    if authority.state is not State.APPROVED:
        reason = "" if authority.reason is None else f": {authority.reason}"
        return Refusal(f"authority_{authority.state}", f"this provider's authority is {authority.state}{reason}")
    if now < authority.effective_from:
        return Refusal("authority_not_yet", "this provider's authority is not in force yet")
    if authority.effective_until is not None and now >= authority.effective_until:
        return Refusal("authority_ended", "this provider's authority has ended")
    return None


def _of_licences(authority: ProviderAuthority, state: str | None, now: int) -> Refusal | None:
    """Wants one licence that holds, in `state` or, if that is None, in any."""
    licences = [one for one in authority.licences if state is None or one.state == state]
    if not licences:
        where = f"in {state}" if state else "on record"
        return Refusal("licence_missing", f"this provider has no licence {where}")
    reasons = []
    for licence in licences:
        reason = licence.refusal(now)
        if reason is None:
            return None
        reasons.append(reason)
    return Refusal("licence_lapsed", "; ".join(reasons))
