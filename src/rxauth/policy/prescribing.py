"""The rule this product exists for: who may hold and use `write:prescription`. It is stated here and nowhere else."""

from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, Subject


def refusal(subject: Subject, now: int) -> str | None:
    """Says why `subject` may not write prescriptions at `now` (UTC seconds); None means it may.

    Only a person whom the organization authorized as a provider may, while the authority is in force and some licence
    holds. A prescription for somebody asks more: `refusal_in`.
    """
    if isinstance(subject, MachineSubject):
        return "a machine never holds write:prescription; only authorized providers do"
    if Role.PRESCRIBER not in subject.roles:
        return "this person does not have the Prescriber role"
    if subject.authority is None:
        return "this person is not an authorized provider of the organization"
    return _of_authority(subject.authority, now) or _of_licences(subject.authority, None, now)


def refusal_in(subject: Subject, state: str | None, now: int) -> str | None:
    """Says why `subject` may not prescribe for a patient who is in a state; None means it may.

    state: the two letters of the state of the order's or the patient's address; None: nobody knows it.
    """
    reason = refusal(subject, now)
    if reason is not None:
        return reason
    if state is None:
        return "the patient's state is not known"
    authority = subject.authority if not isinstance(subject, MachineSubject) else None
    return None if authority is None else _of_licences(authority, state, now)


def _of_authority(authority: ProviderAuthority, now: int) -> str | None:
    if authority.state is not State.APPROVED:
        reason = "" if authority.reason is None else f": {authority.reason}"
        return f"this provider's authority is {authority.state}{reason}"
    if now < authority.effective_from:
        return "this provider's authority is not in force yet"
    if authority.effective_until is not None and now >= authority.effective_until:
        return "this provider's authority has ended"
    return None


def _of_licences(authority: ProviderAuthority, state: str | None, now: int) -> str | None:
    """Wants one licence that holds, in `state` or, if that is None, in any."""
    licences = [one for one in authority.licences if state is None or one.state == state]
    if not licences:
        return f"this provider has no licence in {state}" if state else "this provider has no licence on record"
    reasons = []
    for licence in licences:
        reason = licence.refusal(now)
        if reason is None:
            return None
        reasons.append(reason)
    return "; ".join(reasons)
