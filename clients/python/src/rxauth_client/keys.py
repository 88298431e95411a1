"""The server's public keys: fetched once, kept, and asked for again when a token names one that is not there."""

import threading
import time
from dataclasses import dataclass
from typing import Final

import httpx
import jwt

from rxauth_client.errors import InvalidTokenError, UnavailableError

_KEEP_S: Final = 300.0  # as the server's Cache-Control says; a new key is published longer than that before it signs
_STALE_S: Final = 86_400.0  # for how long old keys serve when the server cannot be reached
_ASK_AGAIN_S: Final = 30.0  # an unknown key is asked for once in this time at most, whoever sends it


@dataclass(frozen=True, slots=True)
class _Kept:
    """Keys by their identifiers. fetched_at: on the monotonic clock."""

    keys: dict[str, jwt.PyJWK]
    fetched_at: float


class KeySet:
    """The keys of one issuer, for every thread of a process."""

    def __init__(self, issuer: str, timeout_s: float) -> None:
        self._url = issuer + ".well-known/jwks.json"
        self._timeout_s = timeout_s
        self._kept: _Kept | None = None
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def known(self, key_id: str) -> jwt.PyJWK | None:
        """Returns a key without asking anybody, or None: ask `fetch`."""
        kept = self._kept
        if kept is None or time.monotonic() - kept.fetched_at > _KEEP_S:
            return None
        return kept.keys.get(key_id)

    def fetch(self, key_id: str) -> jwt.PyJWK:
        """Returns a key, after asking the server; blocks its thread.

        Raises:
            InvalidTokenError: the server has no such key. UnavailableError: it cannot be reached, and nothing is kept.
        """
        with self._lock:
            kept, now = self._kept, time.monotonic()
            is_old = kept is None or now - kept.fetched_at > _KEEP_S
            is_unknown = kept is not None and key_id not in kept.keys
            if is_old or (is_unknown and now - self._asked_at > _ASK_AGAIN_S):
                kept = self._asked(kept, now)
        found = None if kept is None else kept.keys.get(key_id)
        if found is None:
            raise InvalidTokenError("The token is signed with a key that this server does not have.")
        return found

    def _asked(self, kept: _Kept | None, now: float) -> _Kept:
        self._asked_at = now
        try:
            answer = httpx.get(self._url, timeout=self._timeout_s).raise_for_status()
            keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if key.key_id is not None}
        except (httpx.HTTPError, jwt.PyJWTError, ValueError):
            if kept is not None and now - kept.fetched_at < _STALE_S:
                return kept
            raise UnavailableError("The keys of the authorization server cannot be fetched. Try again.") from None
        self._kept = _Kept(keys, now)
        return self._kept
