"""How sure a sign-in makes us of who is there: authentication methods to assurance levels (NIST SP 800-63B-4 §2)."""

from collections.abc import Iterable
from typing import Final

AAL1: Final = "aal1"
AAL2: Final = "aal2"
PASSWORD: Final = "pwd"  # noqa: S105
ONE_TIME_CODE: Final = "otp"
RECOVERY_CODE: Final = "rc"
PASSKEY: Final = "pop"
USER_VERIFIED: Final = "user"


def acr_of(methods: Iterable[str]) -> str:
    """Returns the level of these methods (RFC 8176): two factors, or a passkey that verified its user, are aal2."""
    proven = frozenset(methods)
    second = {ONE_TIME_CODE, RECOVERY_CODE, PASSKEY} & proven
    is_two = PASSWORD in proven and bool(second)
    return AAL2 if is_two or {PASSKEY, USER_VERIFIED} <= proven else AAL1
