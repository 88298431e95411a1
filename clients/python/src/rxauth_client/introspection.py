"""Whether a token still holds, as the server says now (RFC 7662), kept for a few seconds."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from rxauth_client.errors import UnavailableError

KEEP_LIMIT_S: Final = 5.0
_TOKENS_LIMIT: Final = 10_000
_Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Introspection:
    """Asks the server of every token, and believes its answer for keep_s seconds, at most 5.

    client_id, secret: of the organization's machine client; secret is the text, or a function that reads it.
    """

    client_id: str
    secret: str | Callable[[], str] = field(repr=False)
    keep_s: float = KEEP_LIMIT_S

    def __post_init__(self) -> None:
        if not 0 <= self.keep_s <= KEEP_LIMIT_S:
            raise ValueError(f"keep_s is 0 to {KEEP_LIMIT_S:.0f} seconds")

    def read_secret(self) -> str:
        """Returns the secret as it is now."""
        return self.secret if isinstance(self.secret, str) else self.secret()


class Answers:
    """What the server said lately, by the digest of the token: no usable token is kept."""

    def __init__(self, issuer: str, asks: Introspection, timeout_s: float) -> None:
        self._url = issuer + "oauth/introspect"
        self._asks = asks
        self._timeout_s = timeout_s
        self._said: OrderedDict[bytes, tuple[float, _Said]] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, token: str) -> _Said | None:
        """Returns what was said of a token a moment ago, or None: ask `fetch`."""
        with self._lock:
            found = self._said.get(_digest(token))
        return None if found is None or time.monotonic() >= found[0] else found[1]

    def fetch(self, token: str) -> _Said:
        """Asks the server; blocks its thread.

        Raises:
            UnavailableError: it cannot be asked, so nobody knows: answer 503.
        """
        asked_at = time.monotonic()
        try:
            answer = httpx.post(
                self._url,
                data={"token": token},
                auth=(self._asks.client_id, self._asks.read_secret()),
                timeout=self._timeout_s,
            ).raise_for_status()
            said: _Said = answer.json()
        except (httpx.HTTPError, ValueError):
            raise UnavailableError("The authorization server cannot be asked whether the token still holds.") from None
        with self._lock:
            self._said[_digest(token)] = (asked_at + self._asks.keep_s, said)
            self._said.move_to_end(_digest(token))
            while len(self._said) > _TOKENS_LIMIT:
                self._said.popitem(last=False)
        return said


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
