"""Tokens whose signature was checked: a bounded memory that saves the check, and nothing but the check."""

import hashlib
from typing import Final

from rxauth.oauth.claims import AccessClaims

LIMIT: Final = 20_000


class VerifiedTokens:
    """Claims by the digest of the token that carried them; expiry, revocation and policy are asked every time."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._claims: dict[bytes, tuple[str, AccessClaims]] = {}

    @staticmethod
    def key(token: str) -> bytes:
        """Returns what a token is remembered by: its SHA-256, so that memory holds no usable token."""
        return hashlib.sha256(token.encode()).digest()

    def find(self, key: bytes) -> tuple[str, AccessClaims] | None:
        """Returns the identifier of the signing key and the claims, or None."""
        return self._claims.get(key)

    def remember(self, key: bytes, key_id: str, claims: AccessClaims) -> None:
        """Keeps a verified token's claims; when it is full, the oldest half goes."""
        if len(self._claims) >= self._limit:
            self._claims = dict(list(self._claims.items())[self._limit // 2 :])
        self._claims[key] = (key_id, claims)

    def forget(self, key: bytes) -> None:
        """Drops a token."""
        self._claims.pop(key, None)
