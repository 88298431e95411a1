"""Proof Key for Code Exchange: S256, and nothing else (RFC 7636)."""

import hashlib
import hmac
import re
from typing import Final

from rxauth.crypto.jws import encode_base64url

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1


def fits(verifier: str | None, challenge: str) -> bool:
    """Tells whether a verifier is the one that a challenge was made from (RFC 7636 §4.6)."""
    if verifier is None or _VERIFIER.fullmatch(verifier) is None:
        return False
    made = encode_base64url(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(made.encode(), challenge.encode())
