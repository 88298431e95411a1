"""Client authentication: which client is calling, and its proof (RFC 6749 §2.3)."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from rxauth.crypto import secrets
from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import Client
from rxauth.ids import CLIENT_ID_CHARACTERS, is_client_id
from rxauth.oauth.errors import InvalidClientError, InvalidRequestError, OAuthError
from rxauth.oauth.requests import TokenRequest

_FAILED: Final = "Client authentication failed: no client has this client_id and this client_secret."
# Written like a client's identifier, and nobody's: what is looked up for a claim that cannot be anybody's.
_NOBODY: Final = "0" * CLIENT_ID_CHARACTERS
_NOT_WHOLE: Final = (
    "The client_secret was not copied whole: its checksum does not fit. "
    "A secret starts with rxs_ and has 53 characters in all."
)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client says of itself: its identifier and the digest of its secret."""

    client_id: str
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that proved who it is, and the secret it did so with."""

    client: Client
    secret: Secret


def presented(request: TokenRequest) -> Presented:
    """Reads the client's credentials from the header or the body.

    Raises:
        InvalidRequestError: both, or two different identifiers (RFC 6749 §2.3: one method a request).
        InvalidClientError: none, or a secret whose checksum says that it was not copied whole. That is found out
            before any client is looked up, so it tells a typing error and says nothing of which clients exist.
    """
    client_id, secret = _credentials(request)
    if not secrets.is_whole(secret):
        raise InvalidClientError(_NOT_WHOLE)
    return Presented(client_id if is_client_id(client_id) else _NOBODY, secrets.digest(secret))


def claimed_client(request: TokenRequest) -> str:
    """Returns the identifier that a request claims, proven or not; empty if it claims none that can be read."""
    named = request.parameters.get("client_id")
    if named is not None or request.authorization is None:
        return named or ""
    try:
        return _basic(request.authorization)[0]
    except OAuthError:
        return ""


def _credentials(request: TokenRequest) -> tuple[str, str]:
    """Reads the identifier and the secret, wherever they are."""
    body_id, body_secret = request.parameters.get("client_id"), request.parameters.get("client_secret")
    if request.authorization is not None:
        client_id, secret = _basic(request.authorization)
        if body_secret is not None:
            raise InvalidRequestError("The client authenticates twice: in the Authorization header and in the body.")
        if body_id is not None and body_id != client_id:
            raise InvalidRequestError("client_id in the body is not the one in the Authorization header.")
        return client_id, secret
    if body_id is None or body_secret is None:
        missing = "client_id" if body_id is None else "client_secret"
        raise InvalidClientError(f"Client authentication is missing: send {missing}.")
    return body_id, body_secret


def authenticate(claim: Presented, client: Client | None, now: int) -> Authenticated | None:
    """Checks a proof against the client of that identifier; None says that it failed, and not why."""
    if client is None or client.disabled:
        secrets.matches(claim.digest, bytes(len(claim.digest)))  # the same work as for a client that exists
        return None
    secret = client.live_secret(claim.digest, now)
    return None if secret is None else Authenticated(client, secret)


def failure() -> InvalidClientError:
    """Returns the one error for every way in which a proof can fail."""
    return InvalidClientError(_FAILED)


def _basic(header: str) -> tuple[str, str]:
    """Reads `Basic base64(form-encoded id ":" form-encoded secret)` (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError("The token endpoint takes Basic in the Authorization header.")
    try:
        decoded = base64.b64decode(encoded, validate=True)
        if base64.b64encode(decoded).decode() != encoded:
            raise InvalidClientError("The Authorization header is not canonical base64.")
        client_id, colon, secret = decoded.partition(b":")
        if not colon:
            raise InvalidClientError("The Authorization header has no colon between client_id and client_secret.")
        return _form_decoded(client_id), _form_decoded(secret)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidClientError("The Authorization header is not base64 of UTF-8 text.") from None


def _form_decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
