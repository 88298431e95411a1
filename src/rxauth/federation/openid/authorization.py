"""Sending a browser to an OpenID provider, and what it brings back (Core §3.1.2)."""

import hashlib
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from rxauth.crypto import secrets
from rxauth.crypto.jws import encode_base64url
from rxauth.domain.connection_settings import OpenIdSettings
from rxauth.federation.openid.metadata import Metadata
from rxauth.federation.problems import UpstreamError

_CODE_LIMIT_CHARACTERS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sign-in is asked to be like. max_age_s None: a session of any age will do there."""

    login_hint: str | None = field(default=None, repr=False)
    prompt: str | None = None
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """What one request has alone. verifier: of PKCE, which goes to the provider with the code alone."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brought back; None: it is not there."""

    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


def once() -> Once:
    """Returns what a new request and its answer have alone."""
    return Once(secrets.new_handle(), secrets.new_handle(), secrets.new_handle())


def url(metadata: Metadata, settings: OpenIdSettings, redirect_uri: str, sent: Once, wishes: Wishes) -> str:
    """Returns where a browser goes to ask the provider who is there."""
    asked = {
        "client_id": settings.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "response_mode": "query",
        "scope": " ".join(dict.fromkeys(("openid", *settings.scopes))),
        "state": sent.state,
        "nonce": sent.nonce,
        "code_challenge": encode_base64url(hashlib.sha256(sent.verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "login_hint": wishes.login_hint,
        "prompt": wishes.prompt,
        "max_age": None if wishes.max_age_s is None else str(wishes.max_age_s),
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{metadata.authorization_endpoint}{joint}{query}"


def code_of(answer: Answer, metadata: Metadata) -> str:
    """Returns the code of an answer that the provider gave itself.

    Raises:
        UpstreamError: another provider gave it, or it is no success.
    """
    if answer.issuer != metadata.issuer and (
        answer.issuer is not None or metadata.authorization_response_iss_parameter_supported
    ):
        raise UpstreamError("issuer_differs", "the answer was not given by this connection's provider (RFC 9207)")
    if answer.error is not None:
        raise UpstreamError("provider_refused", f"the provider refused the sign-in: {_shown(answer.error)}")
    if answer.code is None or len(answer.code) > _CODE_LIMIT_CHARACTERS:
        raise UpstreamError("answer_malformed", "the answer has neither a code nor an error")
    return answer.code


def _shown(code: str) -> str:
    """Returns an error code as it may be shown."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-.") else "?" for one in code[:60])
