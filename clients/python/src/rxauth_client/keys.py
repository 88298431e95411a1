"""The server's public keys: fetched once, kept, and asked for again when a token names one that is not there."""

import json
import os
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import jwt

from rxauth_client.errors import InvalidTokenError, UnavailableError

_KEEP_S: Final = 300.0  # as the server's Cache-Control says; a new key is published longer than that before it signs
_STALE_S: Final = 86_400.0  # for how long old keys serve when the server cannot be reached
_ASK_AGAIN_S: Final = 30.0  # a server that is away, or has no such key, is asked once in this time at most
_AWAY: Final = "The keys of the authorization server cannot be fetched. Try again."


@dataclass(frozen=True, slots=True)
class _Kept:
    """Keys by their identifiers. fetched_at: on the monotonic clock."""

    keys: dict[str, jwt.PyJWK]
    fetched_at: float


class KeySet:
    """The keys of one issuer, for every thread of a process. file: where the last good ones are kept, None: nowhere."""

    def __init__(self, issuer: str, timeout_s: float, file: Path | None = None) -> None:
        self._issuer = issuer
        self._timeout_s = timeout_s
        self._file = file
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
            is_wanting = kept is None or now - kept.fetched_at > _KEEP_S or key_id not in kept.keys
            if kept is None or (is_wanting and now - self._asked_at > _ASK_AGAIN_S):
                kept = self._asked(kept, now)
            if now - kept.fetched_at > _STALE_S:
                raise UnavailableError(_AWAY)
        found = kept.keys.get(key_id)
        if found is None:
            raise InvalidTokenError("The token is signed with a key that this server does not have.")
        return found

    def _asked(self, kept: _Kept | None, now: float) -> _Kept:
        self._asked_at = now
        try:
            answer = httpx.get(self._issuer + ".well-known/jwks.json", timeout=self._timeout_s).raise_for_status()
            found = answer.json()
            keys = _keys(found)
        except (httpx.HTTPError, jwt.PyJWTError, ValueError):
            kept = kept or self._of_file(now)
            if kept is None:
                raise UnavailableError(_AWAY) from None
        else:
            kept = _Kept(keys, now)
            self._write(found)
        self._kept = kept
        return kept

    def _of_file(self, now: float) -> _Kept | None:
        """Returns what a process before this one kept, if it is of this issuer and not too old."""
        if self._file is None:
            return None
        try:
            content = json.loads(self._file.read_text())
            age_s = time.time() - float(content["fetched_at"])
            if content["issuer"] != self._issuer or not 0 <= age_s <= _STALE_S:
                return None
            return _Kept(_keys(content["keys"]), now - age_s)
        except (OSError, jwt.PyJWTError, ValueError, KeyError, TypeError):
            return None

    def _write(self, found: Any) -> None:
        """Keeps keys for the next process; where nothing can be written, that one asks the server."""
        if self._file is None:
            return
        content = {"issuer": self._issuer, "fetched_at": time.time(), "keys": found}
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
            with os.fdopen(descriptor, "w") as file:
                json.dump(content, file)
            Path(name).replace(self._file)


def _keys(found: Any) -> dict[str, jwt.PyJWK]:
    if not isinstance(found, dict):
        raise ValueError("no key set")
    return {key.key_id: key for key in jwt.PyJWKSet.from_dict(found).keys if key.key_id is not None}
