"""The exchange of machine credentials for a token (RFC 6749 §4.4): which requests, how often, and what came of them.

Nothing here sends or sleeps: `attempts` says what to do next, and is told what came of it.
"""

import json
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from rxauth_client.errors import RxauthError, TokenRefusedError, UnavailableError

TOKEN_PATH: Final = "oauth/token"  # noqa: S105
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S: Final = 0.2
_PAUSE_LIMIT_S: Final = 5.0

Step = httpx.Request | float  # what to send, or for how many seconds to wait
Reply = httpx.Response | httpx.TransportError | None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. lifetime_s: from when it was asked for."""

    text: str = field(repr=False)
    lifetime_s: float


Outcome = Token | RxauthError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for, and for how long. read_secret: called for each secret. patience_s: for all tries together."""

    issuer: str
    client_id: str
    read_secret: Callable[[], str] = field(repr=False)
    audience: str | None
    scope: str | None
    patience_s: float


def attempts(wanted: Wanted) -> Generator[Step, Reply, Outcome]:
    """Says what to do until there is a token, or none is to be had."""
    ends_at, pause_s = time.monotonic() + wanted.patience_s, _FIRST_PAUSE_S
    secret, was_read_again = wanted.read_secret(), False
    while True:
        outcome = _outcome((yield _request(wanted, secret)))
        if isinstance(outcome, TokenRefusedError) and outcome.code == "invalid_client" and not was_read_again:
            before, secret, was_read_again = secret, wanted.read_secret(), True
            if secret != before:
                continue
        if not isinstance(outcome, UnavailableError):
            return outcome
        asked_s = outcome.retry_after_s
        wait_s = pause_s * random.uniform(0.5, 1.0) if asked_s is None else max(asked_s, pause_s)  # noqa: S311
        if time.monotonic() + wait_s > ends_at:
            return outcome
        yield wait_s
        pause_s = min(pause_s * 2, _PAUSE_LIMIT_S)


def retry_after_s(headers: httpx.Headers) -> float | None:
    """Returns how long a server asks to wait (RFC 9110 §10.2.3), None if it does not say."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _request(wanted: Wanted, secret: str) -> httpx.Request:
    asked = {"grant_type": "client_credentials", "client_id": wanted.client_id, "client_secret": secret}
    further = {"audience": wanted.audience, "scope": wanted.scope}
    body = asked | {name: value for name, value in further.items() if value is not None}
    return httpx.Request("POST", wanted.issuer + TOKEN_PATH, json=body)


def _outcome(reply: Reply) -> Outcome:
    if not isinstance(reply, httpx.Response):
        return UnavailableError("The server cannot be reached. Check its domain and the network, and try again.")
    content = _content(reply)
    if reply.status_code in _TRY_AGAIN:
        message = f"The server answers {reply.status_code}. Try again later."
        return UnavailableError(message, retry_after_s(reply.headers))
    if reply.status_code == 200:
        text, lifetime_s = content.get("access_token"), content.get("expires_in")
        if isinstance(text, str) and isinstance(lifetime_s, int | float) and lifetime_s > 0:
            return Token(text, float(lifetime_s))
    if isinstance(content.get("error"), str):
        return TokenRefusedError(content["error"], str(content.get("error_description", "")))
    return TokenRefusedError("invalid_response", f"{reply.status_code} and no token: is this the server's domain?")


def _content(reply: httpx.Response) -> dict[str, Any]:
    try:
        content = reply.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}
