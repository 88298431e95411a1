"""The exchange of a code for an ID token (Core §3.1.3), and how this server proves itself there (Core §9)."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

import msgspec

from rxauth.crypto import secrets
from rxauth.domain.connection_settings import ClientAuthentication, OpenIdSettings
from rxauth.federation.openid.metadata import Metadata
from rxauth.federation.problems import UpstreamError

ASSERTION_LIFETIME_S: Final = 60
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Sign = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Client:
    """This server as the provider knows it. sign: with a key that this server publishes."""

    settings: OpenIdSettings
    secret: str | None = field(repr=False)
    sign: Sign = field(repr=False)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A code, and what it is bound to."""

    code: str = field(repr=False)
    redirect_uri: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """A request to the token endpoint."""

    fields: dict[str, str] = field(repr=False)
    headers: dict[str, str] = field(repr=False)


class Tokens(msgspec.Struct, frozen=True):
    """What the provider gave for a code."""

    id_token: str
    access_token: str
    token_type: str

    def __repr__(self) -> str:
        """Leaves out the tokens."""
        return "Tokens()"


class _Refusal(msgspec.Struct):
    error: str


_TOKENS: Final = msgspec.json.Decoder(Tokens)
_REFUSALS: Final = msgspec.json.Decoder(_Refusal)


def form(client: Client, metadata: Metadata, redeemed: Redeemed, *, now: int) -> Form:
    """Returns the request that exchanges a code; may wait for a signature.

    Raises:
        UpstreamError: the connection has no secret, and is to prove itself with one. SignerUnavailableError: see there.
    """
    fields = {
        "grant_type": "authorization_code",
        "code": redeemed.code,
        "redirect_uri": redeemed.redirect_uri,
        "code_verifier": redeemed.verifier,
        "client_id": client.settings.client_id,
    }
    headers: dict[str, str] = {}
    if client.settings.authentication is ClientAuthentication.PRIVATE_KEY_JWT:
        fields |= {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": _assertion(client, metadata, now)}
        return Form(fields, headers)
    if client.secret is None:
        raise UpstreamError("secret_missing", "the connection has no client secret: enter the one of the provider")
    if client.settings.authentication is ClientAuthentication.SECRET_POST:
        fields["client_secret"] = client.secret
    else:  # RFC 6749 §2.3.1
        del fields["client_id"]
        both = f"{quote_plus(client.settings.client_id)}:{quote_plus(client.secret)}"
        headers["authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
    return Form(fields, headers)


def read(status: int, body: bytes) -> Tokens:
    """Reads the answer of the token endpoint.

    Raises:
        UpstreamError: it is no success.
    """
    if status != 200:
        code = _refusal(body)
        told = f"{code or f'it answered {status}'}{_HINTS.get(code, '')}"
        raise UpstreamError("code_refused", f"the provider gave no ID token: {told}")
    try:
        tokens = _TOKENS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        tokens = None
    if tokens is None or tokens.token_type.lower() != "bearer":
        raise UpstreamError("answer_malformed", "the provider's token endpoint gave no bearer token with an ID token")
    return tokens


_HINTS: Final = {
    "invalid_client": ": check the client ID, the client secret, and how this server proves itself",
    "invalid_grant": ": check the callback URL that is registered there",
    "unauthorized_client": ": the application there must be allowed the authorization code grant",
}


def _refusal(body: bytes) -> str:
    try:
        said = _REFUSALS.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-.") else "?" for one in said[:60])


def _assertion(client: Client, metadata: Metadata, now: int) -> str:
    """Returns a proof for this provider alone (RFC 7523 §3): its audience is the issuer that was compared."""
    claims: dict[str, Any] = {
        "iss": client.settings.client_id,
        "sub": client.settings.client_id,
        "aud": metadata.issuer,
        "jti": secrets.new_handle(),
        "iat": now,
        "exp": now + ASSERTION_LIFETIME_S,
    }
    return client.sign(msgspec.json.encode(claims))
