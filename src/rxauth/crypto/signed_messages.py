"""Messages between two servers that share a secret: who sent one, and when (HMAC-SHA256, RFC 2104)."""

import hashlib
import hmac
import re
from typing import Final

WINDOW_S: Final = 300  # how far two clocks may be apart, and how long a message may be on its way
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Returns the signature of a message, in hex. timestamp: UTC seconds, as they are sent."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def is_genuine(secret: str, timestamp: str, body: bytes, signature: str, now: int) -> bool:
    """Tells whether whoever has the secret signed a message, and not longer ago than a message takes."""
    if _TIMESTAMP.fullmatch(timestamp) is None or abs(now - int(timestamp)) > WINDOW_S:
        return False
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode("utf-8", "replace"))
