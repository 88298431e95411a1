"""What an assertion means here: who vouches for whom, under which names, groups and factors."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import msgspec

from rxauth.domain.connections import Connection
from rxauth.domain.upstream_identities import SUBJECT_LIMIT_CHARACTERS, UpstreamIdentity
from rxauth.federation.saml.assertions import TRANSIENT_FORMAT, Assertion, NameId
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.metadata import IdentityProvider
from rxauth.federation.saml.own_metadata import EMAIL_FORMAT, ServiceProvider
from rxauth.policy.assurance import SEVERAL_FACTORS

_CLAIMS: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT: Final = "http://schemas.microsoft.com/claims"
_UNSPECIFIED: Final = "unspecified"
# The names that providers give to the same thing where nobody told them another: Entra ID and AD FS, then directories.
_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "email": (f"{_CLAIMS}/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "mail"),
        "firstName": (f"{_CLAIMS}/givenname", "urn:oid:2.5.4.42", "givenName", "given_name"),
        "lastName": (f"{_CLAIMS}/surname", "urn:oid:2.5.4.4", "sn", "family_name"),
    }
)
_METHODS: Final = (f"{_MICROSOFT}/authnmethodsreferences",)
_GROUPS_ELSEWHERE: Final = (
    f"{_MICROSOFT}/groups.link",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link",
)


def identity(connection: Connection, one: Assertion, us: ServiceProvider, them: IdentityProvider) -> UpstreamIdentity:
    """Returns whom a provider vouches for, as the connection maps its attributes.

    Raises:
        SamlError: it does not say for good who that is, or the groups that roles hang on are not there.
    """
    mapping = connection.mapping
    return UpstreamIdentity(
        organization_id=connection.organization_id,
        connection_id=connection.id,
        subject=subject(one.name_id, us, them),
        email=_first(one, mapping.email) or _email_by_name(one.name_id),
        first_name=_first(one, mapping.first_name),
        last_name=_first(one, mapping.last_name),
        groups=_groups(one, mapping.groups),
        methods=_methods(one, mapping.second_factor),
        session=one.session_index,
        hint=msgspec.json.encode(one.name_id),
    )


def subject(name_id: NameId, us: ServiceProvider, them: IdentityProvider) -> str:
    """Returns who somebody is to a provider for good: its format, its qualifiers if they are others', and its name.

    Raises:
        SamlError: it is another name each time, or too long.
    """
    if name_id.format == TRANSIENT_FORMAT:
        raise SamlError(
            "transient_name",
            "The provider calls the person by another name each time (transient): let it send a persistent NameID, or "
            "the e-mail address.",
        )
    named = (name_id.format or _UNSPECIFIED).rpartition(":")[2]
    qualifiers = [
        f"{key}={quote(value, safe='')}"
        for key, value, usual in (
            ("idp", name_id.name_qualifier, them.entity_id),
            ("sp", name_id.sp_name_qualifier, us.entity_id),
        )
        if value not in {None, "", usual} and value is not None
    ]
    found = " ".join([",".join([quote(named, safe=""), *qualifiers]), name_id.value])
    if len(found) > SUBJECT_LIMIT_CHARACTERS:
        raise SamlError("name_too_long", f"The NameID is longer than {SUBJECT_LIMIT_CHARACTERS} characters.")
    return found


def claims(one: Assertion) -> dict[str, Any]:
    """Returns all that an assertion says, to show it to whoever tries the connection."""
    said: dict[str, Any] = {
        "NameID": one.name_id.value,
        "NameID Format": one.name_id.format,
        "AuthnContextClassRef": one.context,
        "SessionIndex": one.session_index,
    }
    return {name: value for name, value in said.items() if value is not None} | {
        name: list(values) for name, values in one.attributes.items()
    }


def name_id_of(hint: bytes) -> NameId:
    """Returns the name as the provider wrote it, which a logout wants back."""
    return msgspec.json.decode(hint, type=NameId)


def _first(one: Assertion, name: str) -> str | None:
    for each in (name, *_ELSEWHERE.get(name, ())):
        values = one.attributes.get(each)
        if values:
            return values[0]
    return None


def _email_by_name(name_id: NameId) -> str | None:
    return name_id.value if name_id.format == EMAIL_FORMAT else None


def _groups(one: Assertion, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ()
    if name not in one.attributes and any(each in one.attributes for each in _GROUPS_ELSEWHERE):
        raise SamlError(
            "groups_elsewhere",
            "The person is in too many groups to be named: have the provider send those of this application only.",
        )
    return tuple(dict.fromkeys(one.attributes.get(name, ())))


def _methods(one: Assertion, second_factor: tuple[str, ...]) -> tuple[str, ...]:
    said = {one.context, *(value for name in _METHODS for value in one.attributes.get(name, ()))}
    return (SEVERAL_FACTORS,) if said & set(second_factor) else ()
