"""The rule this product exists for: who may hold and use `write:prescription`. It is stated here and nowhere else."""

from typing import Final

from rxauth.policy import controlled
from rxauth.policy.authority import Refusal, State
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, Subject, Wish

PERMISSION: Final = "write:prescription"
# Named once: every request asks, and a member of an enumeration takes four times as long to look up.
_PRESCRIBER: Final = frozenset({Role.PRESCRIBER})
_APPROVED: Final = State.APPROVED
_MACHINE: Final = Refusal("machine", "a machine never holds write:prescription; only authorized providers do")
_NO_ROLE: Final = Refusal("role_missing", "this person does not have the Prescriber role")
_NO_PROVIDER: Final = Refusal("not_a_provider", "this person is not an authorized provider of the organization")
STATE_UNKNOWN: Final = Refusal("patient_state_unknown", "the patient's state is not known")


def refusal(subject: Subject, now: int) -> Refusal | None:
    """Says why `subject` may not write prescriptions at `now` (UTC seconds); None means it may.

    Only a person whom the organization authorized as a provider may, while the authority is in force and some licence
    holds. A prescription for somebody asks more: `judge`.
    """
    found = _of_standing(subject, now)
    return found if isinstance(found, Refusal) else _of_licences(found, None, now)


def refusal_in(subject: Subject, state: str | None, now: int) -> str | None:
    """Says why `subject` may not prescribe for a patient who is in a state; None means it may.

    state: the two letters of the state of the order's or the patient's address; None: nobody knows it.
    """
    found = judge(subject, Wish("", "", state, None), now)
    return None if found is None else found.reason


def judge(subject: Subject, wish: Wish, now: int) -> Refusal | None:
    """Says, with a code, why `subject` may not write this prescription at `now` (UTC seconds); None means it may."""
    found = _of_standing(subject, now)
    if isinstance(found, Refusal):
        return found
    in_state = STATE_UNKNOWN if wish.state is None else _of_licences(found, wish.state, now)
    if in_state is not None:
        return _of_licences(found, None, now) or in_state
    return controlled.refusal(wish.schedule)


def _of_standing(subject: Subject, now: int) -> Refusal | ProviderAuthority:
    """Returns the authority that is in force, or why there is none."""
    if isinstance(subject, MachineSubject):
        return _MACHINE
    if not subject.roles >= _PRESCRIBER:
        return _NO_ROLE
    if subject.authority is None:
        return _NO_PROVIDER
    return _of_authority(subject.authority, now) or subject.authority


def _of_authority(authority: ProviderAuthority, now: int) -> Refusal | None:
    if authority.state is not _APPROVED:
        reason = "" if authority.reason is None else f": {authority.reason}"
        return Refusal(f"authority_{authority.state}", f"this provider's authority is {authority.state}{reason}")
    if now < authority.effective_from:
        return Refusal("authority_not_yet", "this provider's authority is not in force yet")
    if authority.effective_until is not None and now >= authority.effective_until:
        return Refusal("authority_ended", "this provider's authority has ended")
    return None


def _of_licences(authority: ProviderAuthority, state: str | None, now: int) -> Refusal | None:
    """Wants one licence that holds, in `state` or, if that is None, in any."""
    reasons = []
    for licence in authority.licences:
        if state is None or licence.state == state:
            reason = licence.refusal(now)
            if reason is None:
                return None
            reasons.append(reason)
    if not reasons:
        where = f"in {state}" if state else "on record"
        return Refusal("licence_missing", f"this provider has no licence {where}")
    return Refusal("licence_lapsed", "; ".join(reasons))
