"""What is random and secret: how it looks, how it is checked and what is kept of it."""

import hashlib
import hmac
import re
import secrets
import zlib
from typing import Final

from rxauth.ids import ALPHANUMERIC, random_alphanumeric

PREFIX: Final = "rxs_"
RANDOM_CHARACTERS: Final = 43  # 256 bits in base 62
CHECKSUM_CHARACTERS: Final = 6  # a CRC-32 in base 62
_PAIRS: Final = [first + second for first in ALPHANUMERIC for second in ALPHANUMERIC]  # two digits at a time
_SHAPE = re.compile(f"{PREFIX}[0-9A-Za-z]{{{RANDOM_CHARACTERS + CHECKSUM_CHARACTERS}}}")


def new_secret() -> str:
    """Returns a new client secret: prefix, 256 random bits and a checksum, so that leak scanners recognize it."""
    body = random_alphanumeric(RANDOM_CHARACTERS)
    return f"{PREFIX}{body}{_checksum(body)}"


def new_handle() -> str:
    """Returns 256 random bits as 43 characters: a cookie, a code or a link that names something kept here."""
    return secrets.token_urlsafe(32)


def is_whole(secret: str) -> bool:
    """Tells whether `secret` was copied without a slip: its shape and checksum agree. Says nothing of whose it is."""
    if _SHAPE.fullmatch(secret) is None:
        return False
    body = secret[len(PREFIX) : len(PREFIX) + RANDOM_CHARACTERS]
    return secret[-CHECKSUM_CHARACTERS:] == _checksum(body)


def digest(secret: str) -> bytes:
    """Returns what is stored of a secret: SHA-256, enough for 256 random bits (a slow hash would buy nothing)."""
    return hashlib.sha256(secret.encode()).digest()


def matches(presented: bytes, stored: bytes) -> bool:
    """Compares two digests in constant time."""
    return hmac.compare_digest(presented, stored)


def _checksum(body: str) -> str:
    rest, last = divmod(zlib.crc32(body.encode()), len(_PAIRS))
    first, middle = divmod(rest, len(_PAIRS))
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]
