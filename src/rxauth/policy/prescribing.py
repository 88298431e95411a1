"""The rule this product exists for: who may hold and use `write:prescription`. It is stated here and nowhere else."""

from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, Subject


def refusal(subject: Subject, now: int) -> str | None:
    """Says why `subject` may not write prescriptions at `now` (UTC seconds); None means it may.

    Only a person whom the organization authorized as a provider may, while the authority is in force.
    """
    if isinstance(subject, MachineSubject):
        return "a machine never holds write:prescription; only authorized providers do"
    if Role.PRESCRIBER not in subject.roles:
        return "this person does not have the Prescriber role"
    if subject.authority is None:
        return "this person is not an authorized provider of the organization"
    if now < subject.authority.effective_from:
        return "this provider's authority is not in force yet"
    if subject.authority.effective_until is not None and now >= subject.authority.effective_until:
        return "this provider's authority has ended"
    return None
