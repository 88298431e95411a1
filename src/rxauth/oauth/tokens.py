"""Access tokens: issued to machines, and verified, whomever they speak for (RFC 9068)."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from rxauth.crypto import jws
from rxauth.ids import new_ulid
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import InvalidTokenError
from rxauth.oauth.grant import Authorization
from rxauth.oauth.server import Server
from rxauth.oauth.verified import VerifiedTokens

TOKEN_LIMIT_CHARACTERS: Final = 8_192
LEEWAY_S: Final = 60
LONGEST_LIFETIME_S: Final = 86_400  # of a token that people have, whatever its audience
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
_CLAIMS_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was just signed. lifetime_s: the seconds until it expires."""

    text: str = field(repr=False)
    claims: AccessClaims
    lifetime_s: int


def issue(
    server: Server,
    authorization: Authorization,
    client: Authenticated,
    *,
    audience: str,
    permissions: tuple[str, ...],
    now: int,
) -> IssuedToken:
    """Signs a machine's access token that carries what policy granted; now: UTC seconds."""
    # A token dated before the client's last revocation would be refused: see clients.revoke_tokens.
    issued_at = max(now, client.client.tokens_valid_after)
    claims = AccessClaims(
        iss=server.issuer,
        sub=authorization.subject_claim,
        aud=audience,
        client_id=client.client.id,
        azp=client.client.id,
        scope=" ".join(permissions),
        permissions=list(permissions),
        org_id=authorization.subject.organization_id,
        gty=authorization.grant_claim,
        iat=issued_at,
        exp=issued_at + authorization.lifetime_s,
        jti=new_jti(now),
        secret_id=None if client.secret is None else client.secret.id,
    )
    text = server.keys.access_token_signer.sign(_CLAIMS_ENCODER.encode(claims))
    return IssuedToken(text, claims, authorization.lifetime_s)


def new_jti(now: int) -> str:
    """Returns a new identifier of a token; now: UTC seconds. In the audit index, those of one time lie side by side."""
    return new_ulid(now * 1_000)


def verify(server: Server, token: str, now: int, audiences: frozenset[str] | None = None) -> AccessClaims:
    """Checks everything that the token itself can show: form, signature, issuer, audience and time.

    Whether it was revoked since is for `holders` to say. audiences: those of which the token must be for one; None:
    this server's own API.

    Raises:
        InvalidTokenError: with the exact reason if the signature is this server's, and a general one if not.
    """
    claims = opened(server, token, now)
    try:
        _check_claims(server, claims, now, audiences or frozenset({server.audience}))
    except InvalidTokenError as error:
        error.client_id, error.organization_id = claims.client_id, claims.org_id
        raise
    return claims


def opened(server: Server, token: str, now: int) -> AccessClaims:
    """Returns what a token of this server's own says, whatever its audience, and expired or not; remembers it.

    Raises:
        InvalidTokenError: it is no access token that this server signed with a key that it still publishes.
    """
    key = VerifiedTokens.key(token)
    remembered = server.verified.find(key)
    if remembered is not None and server.keys.ring.verification_key(remembered[0], now) is not None:
        return remembered[1]
    server.verified.forget(key)
    key_id, claims = _open(server, token, now)
    server.verified.remember(key, key_id, claims)
    return claims


def _open(server: Server, token: str, now: int) -> tuple[str, AccessClaims]:
    """Verifies the signature and reads the claims; returns the key's identifier with them."""
    if len(token) > TOKEN_LIMIT_CHARACTERS:
        raise InvalidTokenError("The token is longer than any that this server issues.")
    try:
        compact = jws.take_apart(token)
        token_type = compact.header.get("typ")
        if not isinstance(token_type, str) or token_type not in _TYPES:
            raise InvalidTokenError("This is not an access token: its typ is not at+jwt.")
        key = server.keys.ring.verification_key(compact.header.get("kid"), now)
        if key is None:
            raise InvalidTokenError("The token was not signed with a key that this server publishes.")
        jws.verify(compact, key)
        claims = msgspec.convert(jws.read_object(compact.payload, "payload"), AccessClaims)
    except jws.MalformedError as error:
        raise InvalidTokenError(f"The token is malformed: {error}.") from None
    except jws.BadSignatureError:
        raise InvalidTokenError("The token's signature does not verify: it was changed, or not issued here.") from None
    except msgspec.ValidationError:
        raise InvalidTokenError("The token lacks a claim, or has one of the wrong type.") from None
    return key.key_id, claims


def read(server: Server, token: str, now: int) -> AccessClaims:
    """Returns what a token of this server's own says, whatever its audience, and expired or not.

    Raises:
        InvalidTokenError: it is no access token that this server signed.
    """
    _, claims = _open(server, token, now)
    if claims.iss != server.issuer:
        raise InvalidTokenError(f"The token was issued by {claims.iss}, this server is {server.issuer}.")
    return claims


def _check_claims(server: Server, claims: AccessClaims, now: int, audiences: frozenset[str]) -> None:
    if claims.iss != server.issuer:
        raise InvalidTokenError(f"The token was issued by {claims.iss}, this server is {server.issuer}.")
    if claims.aud not in audiences:
        raise InvalidTokenError(f"This token is for audience {claims.aud}, this API is {server.audience}.")
    if now >= claims.exp:
        raise InvalidTokenError(f"The token expired {duration(now - claims.exp)} ago. Get a new one.")
    if max(claims.iat, claims.nbf or 0) > now + LEEWAY_S:
        raise InvalidTokenError("The token was issued in the future: a clock is wrong.")
    if not claims.is_machine() and not claims.is_person():
        raise InvalidTokenError("The token's sub, client_id and gty do not belong together.")


def duration(seconds: int) -> str:
    """Returns a length of time in the largest unit that fits: `1 second`, `3 minutes`."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    unit, length = next(((unit, length) for unit, length in units if seconds >= length), units[-1])
    count = seconds // length
    return f"{count} {unit}{'' if count == 1 else 's'}"
