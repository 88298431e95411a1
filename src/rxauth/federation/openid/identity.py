"""What a provider's claims mean here: who vouches for whom, under which names, groups and factors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from rxauth.domain.connections import Connection
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.federation.openid.id_token import Claims
from rxauth.federation.problems import UpstreamError
from rxauth.policy import upstream_factors

TEXT_LIMIT_CHARACTERS: Final = 1_000
GROUPS_LIMIT: Final = 2_000
_USUAL_EMAIL: Final = "email"
# The second is Entra's, of an address in a domain that its tenant verified.
_VERIFIED: Final = ("email_verified", "xms_edov")


def needs_userinfo(connection: Connection, claims: Claims) -> bool:
    """Tells whether the ID token lacks what the userinfo endpoint may have: it may leave profile claims to it."""
    mapping = connection.mapping
    wanted = [mapping.email, mapping.groups]
    return any(name is not None and name not in claims for name in wanted)


def joined(claims: Claims, userinfo: bytes) -> Claims:
    """Returns the claims with those that the userinfo endpoint adds; what the ID token says stays.

    Raises:
        UpstreamError: it is about somebody else (Core §5.3.2), or no claims at all.
    """
    try:
        more = msgspec.json.decode(userinfo, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamError("userinfo_malformed", "the provider's userinfo endpoint gave no claims") from None
    if more.get("sub") != claims["sub"]:
        raise UpstreamError("subject_differs", "the provider's userinfo endpoint spoke of another person")
    return {**more, **claims}


def identity(connection: Connection, claims: Claims, id_token: str) -> UpstreamIdentity:
    """Returns whom a provider vouches for, as the connection maps its claims.

    Raises:
        UpstreamError: the groups that roles hang on are not there.
    """
    mapping = connection.mapping
    return UpstreamIdentity(
        organization_id=connection.organization_id,
        connection_id=connection.id,
        subject=claims["sub"],
        email=_email(claims, mapping.email),
        first_name=_text(claims, mapping.first_name),
        last_name=_text(claims, mapping.last_name),
        groups=_groups(claims, mapping.groups),
        methods=_methods(claims, mapping.second_factor),
        session=_text(claims, "sid"),
        hint=id_token.encode(),
    )


def _email(claims: Claims, name: str) -> str | None:
    """Returns the address, if the provider says that it is verified; another claim than `email` stands for itself."""
    if name == _USUAL_EMAIL and not any(_is_true(claims.get(one)) for one in _VERIFIED):
        return None
    return _text(claims, name)


def _is_true(value: Any) -> bool:
    """Tells whether a claim says yes; some providers write truth as text or as a number."""
    return value is True or (type(value) in {int, str} and value in {"true", "True", "1", 1})


def _text(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    return value.strip() or None if isinstance(value, str) and len(value) <= TEXT_LIMIT_CHARACTERS else None


def _groups(claims: Claims, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ()
    elsewhere = claims.get("_claim_names")
    if name not in claims and isinstance(elsewhere, Mapping) and name in elsewhere:  # Core §5.6.2
        told = "the person is in too many groups to be named: have the provider send those of this application only"
        raise UpstreamError("groups_elsewhere", told)
    return tuple(dict.fromkeys(_texts(claims.get(name))))[:GROUPS_LIMIT]


def _methods(claims: Claims, second_factor: tuple[str, ...]) -> tuple[str, ...]:
    return upstream_factors.methods((*_texts(claims.get("amr")), *_texts(claims.get("acr"))), second_factor)


def _texts(value: Any) -> Iterable[str]:
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, str)]
