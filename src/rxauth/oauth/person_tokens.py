"""The tokens of a person: what they say is decided within the transaction, and they are signed after it."""

from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

from rxauth.crypto.jws import Algorithm
from rxauth.domain import audiences
from rxauth.oauth import id_tokens
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import InvalidTargetError
from rxauth.oauth.grant import PersonAuthorization
from rxauth.oauth.scopes import OPENID
from rxauth.oauth.server import Server
from rxauth.oauth.standing import Standing
from rxauth.oauth.tokens import IssuedToken, new_jti
from rxauth.policy import decide
from rxauth.policy.assurance import acr_of
from rxauth.storage.database import Transaction

USERINFO_PATH: Final = "/userinfo"
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Target:
    """What an access token is for, and what its audience asks of it."""

    audience: str
    lifetime_s: int
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the tokens will say."""

    claims: AccessClaims
    algorithm: Algorithm
    authorization: PersonAuthorization


@dataclass(frozen=True, slots=True)
class PersonTokens:
    """What a client gets. id_token, refresh_token None: it did not ask for one."""

    access: IssuedToken
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)


def prepare(
    server: Server, transaction: Transaction, client: Authenticated, authorization: PersonAuthorization, now: int
) -> Prepared:
    """Decides what the tokens of an authorization will say.

    Raises:
        InvalidTargetError: the audience is not registered any longer.
    """
    family, one = authorization.family, authorization.standing
    target = _target(server, transaction, family.audience, family.organization_id)
    scope, permissions = authorization.scope, tuple[str, ...]()
    if family.audience is not None:
        wanted = scope.all_if_none_is_named
        granted = decide.granted_to_person(one.subject, scope.permissions, now, all_if_none_is_named=wanted)
        permissions = granted.permissions
    # A token dated before the client's last revocation would be refused: see clients.revoke_tokens.
    issued_at = max(now, client.client.tokens_valid_after, one.user.tokens_valid_after)
    claims = AccessClaims(
        iss=server.issuer,
        sub=one.user.id,
        aud=target.audience,
        client_id=client.client.id,
        azp=client.client.id,
        scope=" ".join((*scope.identity, *permissions)),
        permissions=list(permissions),
        org_id=family.organization_id,
        iat=issued_at,
        exp=issued_at + _lifetime_s(one, target, now),
        jti=new_jti(now),
        sid=one.session.id,
        family_id=family.id,
        auth_time=one.session.authenticated_at,
        acr=acr_of(one.session.methods),
        amr=list(one.session.methods),
    )
    return Prepared(claims, target.algorithm, authorization)


def sign(server: Server, prepared: Prepared) -> PersonTokens:
    """Signs the access token, and the ID token if the client asked who signed in."""
    claims, authorization = prepared.claims, prepared.authorization
    text = server.keys.access_token_signers[prepared.algorithm].sign(_ENCODER.encode(claims))
    identity = authorization.scope.identity
    id_token = None
    if OPENID in identity:
        said: dict[str, Any] = id_tokens.claims(claims, text, authorization.standing, identity, authorization.nonce)
        id_token = server.keys.id_token_signer.sign(_ENCODER.encode(said))
    return PersonTokens(IssuedToken(text, claims, claims.exp - claims.iat), id_token, authorization.refresh_token)


def userinfo_audience(server: Server) -> str:
    """Returns the audience of a token that is good for nothing but to ask who signed in."""
    return server.url(USERINFO_PATH)


def _target(server: Server, transaction: Transaction, audience: str | None, organization_id: str | None) -> Target:
    lifetime_s = server.lifetimes.person_token_s
    if audience is None:
        return Target(userinfo_audience(server), lifetime_s, "RS256")
    if audience == server.audience:
        return Target(audience, lifetime_s, "RS256")
    found = None if organization_id is None else audiences.find(transaction, organization_id, audience)
    if found is None:
        raise InvalidTargetError("The audience is not one that the organization registered here.")
    return Target(found.identifier, found.lifetime_s, cast("Algorithm", found.algorithm))


def _lifetime_s(one: Standing, target: Target, now: int) -> int:
    """Returns how long the token lives: as its audience says, and no longer than the session would without activity."""
    # A code is redeemed within a minute of the sign-in, and a refresh is activity: the idle time begins now.
    ends_at = min(one.session.created_at + one.limits.lifetime_s, now + one.limits.idle_s)
    return max(1, min(target.lifetime_s, ends_at - now))
