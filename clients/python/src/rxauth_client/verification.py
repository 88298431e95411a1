"""rxauth's access tokens in your own API: whose they are, and what they may do (RFC 9068 §4)."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt

from rxauth_client.errors import ForbiddenError, InvalidTokenError
from rxauth_client.introspection import Answers, Introspection
from rxauth_client.keys import KeySet
from rxauth_client.origins import issuer_of

_ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
_REQUIRED: Final = ("exp", "iat", "sub", "client_id", "jti", "permissions")
_TOKEN_LIMIT_CHARACTERS: Final = 8_192
WRITE_PRESCRIPTION: Final = "write:prescription"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request to your API. subject: `usr_…`, or `CLIENT_ID@clients` of a machine.

    organization_id: whose records the token is for; None: nobody's. permissions: of an introspected token those that
    hold now, else those that it was issued with. claims: all that the token says.
    """

    subject: str
    client_id: str
    organization_id: str | None
    permissions: frozenset[str]
    is_machine: bool
    claims: dict[str, Any] = field(repr=False)

    def require(self, *any_of: str) -> None:
        """Checks that the caller has one of these permissions.

        Raises:
            ForbiddenError: none of them. No machine ever has write:prescription, whatever its token says.
        """
        usable = self.permissions - {WRITE_PRESCRIPTION} if self.is_machine else self.permissions
        if usable.isdisjoint(any_of):
            raise ForbiddenError(any_of)


class TokenVerifier:
    """Checks the tokens of one audience.

    domain: of the server. audience: your API's own, registered with the server. introspection None: a token is believed
    until it ends, though its session, role or secret was revoked: up to an hour for a person's, a day for a machine's.
    algorithms: those that the audience may be signed with. timeout_s: of one request to the server. keys_file: where
    the last good key set is kept, so that a process can begin while the server is away; None: it cannot.
    """

    def __init__(
        self,
        domain: str,
        audience: str,
        *,
        introspection: Introspection | None,
        algorithms: Sequence[str] = _ALGORITHMS,
        timeout_s: float = 5.0,
        keys_file: str | os.PathLike[str] | None = None,
    ) -> None:
        if not algorithms or not set(algorithms) <= set(_ALGORITHMS):
            raise ValueError(f"algorithms are some of {', '.join(_ALGORITHMS)}")
        self._issuer = issuer_of(domain)
        self._audience = audience
        self._algorithms = list(algorithms)
        self._keys = KeySet(self._issuer, timeout_s, None if keys_file is None else Path(keys_file))
        self._answers = None if introspection is None else Answers(self._issuer, introspection, timeout_s)

    def verify(self, authorization: str | None) -> Caller:
        """Returns who sends a request, from its Authorization header; blocks its thread when it must ask the server.

        Raises:
            InvalidTokenError: answer 401. UnavailableError: answer 503.
        """
        token = bearer(authorization)
        key_id = _key_id(token)
        claims = self._claims(token, self._keys.known(key_id) or self._keys.fetch(key_id))
        if self._answers is None:
            return _caller(claims, claims["permissions"])
        return _caller(claims, _usable(self._answers.known(token) or self._answers.fetch(token), claims))

    async def verify_async(self, authorization: str | None) -> Caller:
        """Returns what `verify` does; only what must be asked of the server goes to a thread."""
        token = bearer(authorization)
        key_id = _key_id(token)
        is_known = self._keys.known(key_id) is not None
        is_said = self._answers is None or self._answers.known(token) is not None
        if is_known and is_said:
            return self.verify(authorization)
        return await asyncio.to_thread(self.verify, authorization)

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                issuer=self._issuer,
                audience=self._audience,
                options={"require": list(_REQUIRED), "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError("The token has expired. Get a new one.") from None
        except jwt.InvalidAudienceError:
            raise InvalidTokenError("The token is for another API.") from None
        except (jwt.PyJWTError, ValueError):
            raise InvalidTokenError("The token is not one that this API accepts.") from None
        permissions = claims["permissions"]
        if not isinstance(permissions, list) or not all(isinstance(one, str) for one in permissions):
            raise InvalidTokenError("The token is not one that this API accepts.")
        return claims


def bearer(authorization: str | None) -> str:
    """Returns the token of an Authorization header: `Bearer TOKEN`, or the token alone.

    Raises:
        InvalidTokenError: there is none.
    """
    text = (authorization or "").strip()
    scheme, _, rest = text.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else text
    if not token or " " in token or len(token) > _TOKEN_LIMIT_CHARACTERS:
        raise InvalidTokenError("Send an access token in the Authorization header.")
    return token


def _key_id(token: str) -> str:
    """Returns which key a token names; nothing of it is believed yet.

    Raises:
        InvalidTokenError: it is no access token (RFC 9068 §2.1).
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise InvalidTokenError("The token is not one that this API accepts.") from None
    if str(header.get("typ", "")).lower().removeprefix("application/") != "at+jwt" or "kid" not in header:
        raise InvalidTokenError("This is no access token.")
    return str(header["kid"])


def _usable(said: dict[str, Any], claims: dict[str, Any]) -> list[str]:
    if said.get("active") is not True or said.get("jti") != claims["jti"]:
        raise InvalidTokenError("The token was revoked. Sign in again, or get a new one.")
    return [name for name in claims["permissions"] if name in said.get("permissions", ())]


def _caller(claims: dict[str, Any], permissions: list[str]) -> Caller:
    return Caller(
        claims["sub"],
        claims["client_id"],
        claims.get("org_id"),
        frozenset(permissions),
        claims.get("gty") == "client-credentials" or str(claims["sub"]).endswith("@clients"),
        claims,
    )
