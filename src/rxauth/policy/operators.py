"""Who may look after the installation: the platform's own staff, proven with two factors; the only place it is stated.

An operator has nothing of any organization by it: no role, no permission, no patient.
"""

from dataclasses import dataclass, field
from typing import Final

from rxauth.policy.assurance import AAL2, Authentication

ACR: Final = AAL2
DANGEROUS_WITHIN_S: Final = 3_600  # how long ago an operator may have proven two factors, to do what shuts others out


@dataclass(frozen=True, slots=True)
class Operator:
    """The proof that somebody looks after the installation, in one transaction; see `as_operator`.

    transaction: the very one in which it was read that the person is an operator. proven_at: UTC seconds. network: from
    where, as the audit log has it.
    """

    transaction: object = field(repr=False, compare=False)
    user_id: str
    proven_at: int
    network: str | None = None

    def is_fresh(self, now: int) -> bool:
        """Tells whether the two factors were proven lately enough for a dangerous act; now: UTC seconds."""
        return now - self.proven_at <= DANGEROUS_WITHIN_S


@dataclass(frozen=True, slots=True)
class TooWeak:
    """An operator who did not prove a second factor."""


def as_operator(
    transaction: object, user_id: str, proven: Authentication, *, is_operator: bool, network: str | None = None
) -> Operator | TooWeak | None:
    """Decides whether a person may look after the installation; None: no, and there is nothing to be told.

    is_operator: as it was read in that transaction.
    """
    if not is_operator:
        return None
    return Operator(transaction, user_id, proven.at, network) if proven.acr == ACR else TooWeak()
