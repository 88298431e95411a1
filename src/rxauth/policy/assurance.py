"""How sure a sign-in makes us of who is there: authentication methods to assurance levels (NIST SP 800-63B-4 §2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

AAL1: Final = "aal1"
AAL2: Final = "aal2"
_LEVELS: Final = (AAL1, AAL2)
PASSWORD: Final = "pwd"  # noqa: S105
ONE_TIME_CODE: Final = "otp"
RECOVERY_CODE: Final = "rc"
PASSKEY: Final = "pop"
USER_VERIFIED: Final = "user"
# An organization's identity provider vouched for the person; and for a second factor, where the connection says so.
FEDERATED: Final = "fed"
SEVERAL_FACTORS: Final = "mfa"


class FirstFactor(StrEnum):
    """What tells who somebody is, before any second proof."""

    PASSWORD = "password"  # noqa: S105
    PASSKEY = "passkey"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Authentication:
    """How, and when, the person behind a request proved who it is. at: UTC seconds."""

    acr: str
    at: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """How sure an act wants to be of who is there: at least this level, proven at most this long ago."""

    acr: str
    max_age_s: int

    def is_met(self, proven: Authentication | None, now: int) -> bool:
        """Tells whether a proof will do; None, a machine's, never does."""
        if proven is None:
            return False
        return _LEVELS.index(proven.acr) >= _LEVELS.index(self.acr) and now - proven.at <= self.max_age_s


def acr_of(methods: Iterable[str]) -> str:
    """Returns the level of these methods (RFC 8176): two factors, or a passkey that verified its user, are aal2."""
    proven = frozenset(methods)
    second = {ONE_TIME_CODE, RECOVERY_CODE, PASSKEY} & proven
    is_two = (PASSWORD in proven and bool(second)) or (
        FEDERATED in proven and bool(second | {SEVERAL_FACTORS} & proven)
    )
    return AAL2 if is_two or {PASSKEY, USER_VERIFIED} <= proven else AAL1


def first_factors_of(methods: Iterable[str]) -> frozenset[FirstFactor]:
    """Returns the first factors among these methods; a passkey is one by itself if it verified its user."""
    proven = frozenset(methods)
    found = (
        (FirstFactor.PASSWORD, {PASSWORD}),
        (FirstFactor.PASSKEY, {PASSKEY, USER_VERIFIED}),
        (FirstFactor.CONNECTION, {FEDERATED}),
    )
    return frozenset(factor for factor, needed in found if needed <= proven)
