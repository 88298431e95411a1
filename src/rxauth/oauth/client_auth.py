"""Client authentication: which client is calling, and its proof (RFC 6749 §2.3)."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from rxauth.crypto import secrets
from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import NATIVE, SPA, Client
from rxauth.ids import CLIENT_ID_CHARACTERS, is_client_id
from rxauth.oauth.errors import InvalidClientError, InvalidRequestError, OAuthError
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Server

PUBLIC: Final = frozenset({SPA, NATIVE})  # whoever has the application has all that is in it (RFC 6749 §2.1)
_NOT_PUBLIC: Final = (
    "Client authentication failed: no client has this client_id, or it must prove who it is with its client_secret."
)
_FAILED: Final = "Client authentication failed: no client has this client_id and this client_secret."
# Written like a client's identifier, and nobody's: what is looked up for a claim that cannot be anybody's.
_NOBODY: Final = "0" * CLIENT_ID_CHARACTERS
_NOT_WHOLE: Final = (
    "The client_secret was not copied whole: its checksum does not fit. "
    "A secret starts with rxs_ and has 53 characters in all."
)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client says of itself: its identifier and the digest of its secret, None if it sent none."""

    client_id: str
    digest: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that proved who it is, and the secret it did so with; None: a public client, which has none."""

    client: Client
    secret: Secret | None


class ClientNotProvenError(Exception):
    """The proof did not fit the client as it is in the database.

    client: the one of that name, if there is one; the error names it for the audit log, never for an answer.
    """

    def __init__(self, claim: Presented, client: Client | None) -> None:
        super().__init__()
        self.error = InvalidClientError(_NOT_PUBLIC if claim.digest is None else _FAILED)
        if client is not None:
            self.error.client_id, self.error.organization_id = client.id, client.organization_id


def presented(request: TokenRequest, *, needs_secret: bool = True) -> Presented:
    """Reads the client's credentials from the header or the body.

    needs_secret: whether no public client may ask this.

    Raises:
        InvalidRequestError: both, or two different identifiers (RFC 6749 §2.3: one method a request).
        InvalidClientError: none, or a secret whose checksum says that it was not copied whole. That is found out
            before any client is looked up, so it tells a typing error and says nothing of which clients exist.
    """
    client_id, secret = _credentials(request, needs_secret=needs_secret)
    if secret is not None and not secrets.is_whole(secret):
        raise InvalidClientError(_NOT_WHOLE)
    digest = None if secret is None else secrets.digest(secret)
    return Presented(client_id if is_client_id(client_id) else _NOBODY, digest)


def remembered(server: Server, claim: Presented) -> Authenticated | None:
    """Authenticates a client from memory; None: it has to be read from the database, known or not."""
    found = server.clients.peek(claim.client_id)
    return None if found is None else authenticate(claim, found, server.clock.seconds())


def proven(server: Server, claim: Presented, found: Client | None) -> Authenticated:
    """Authenticates a client as it was read from the database; None: there is none.

    Raises:
        ClientNotProvenError: see there.
    """
    client = authenticate(claim, found, server.clock.seconds())
    if client is None:
        raise ClientNotProvenError(claim, found)
    return client


def claimed_client(request: TokenRequest) -> str:
    """Returns the identifier that a request claims, proven or not; empty if it claims none that can be read."""
    named = request.parameters.get("client_id")
    if named is not None or request.authorization is None:
        return named or ""
    try:
        return _basic(request.authorization)[0]
    except OAuthError:
        return ""


def _credentials(request: TokenRequest, *, needs_secret: bool) -> tuple[str, str | None]:
    """Reads the identifier and the secret, wherever they are."""
    body_id, body_secret = request.parameters.get("client_id"), request.parameters.get("client_secret")
    if request.authorization is not None:
        client_id, secret = _basic(request.authorization)
        if body_secret is not None:
            raise InvalidRequestError("The client authenticates twice: in the Authorization header and in the body.")
        if body_id is not None and body_id != client_id:
            raise InvalidRequestError("client_id in the body is not the one in the Authorization header.")
        return client_id, secret
    if body_id is None or (needs_secret and body_secret is None):
        missing = "client_id" if body_id is None else "client_secret"
        raise InvalidClientError(f"Client authentication is missing: send {missing}.")
    return body_id, body_secret


def authenticate(claim: Presented, client: Client | None, now: int) -> Authenticated | None:
    """Checks a proof against the client of that identifier; None says that it failed, and not why."""
    if client is None or client.disabled:
        secrets.matches(claim.digest or b"", bytes(32))  # the same work as for a client that exists
        return None
    if client.app_type in PUBLIC or claim.digest is None:
        return Authenticated(client, None) if client.app_type in PUBLIC and claim.digest is None else None
    secret = client.live_secret(claim.digest, now)
    return None if secret is None else Authenticated(client, secret)


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
