"""What somebody says of an identity provider, and what a connection becomes by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rxauth.domain import connection_settings as settings_of
from rxauth.domain.connection_settings import ClientAuthentication, Joining, OpenIdSettings, SamlSettings, Settings
from rxauth.domain.connections import Connection, Wanted
from rxauth.domain.errors import InvalidError

ReadMetadata = Callable[[str], SamlSettings]
_AUTHENTICATION: Final = MappingProxyType(
    {
        "SECRET_BASIC": ClientAuthentication.SECRET_BASIC,
        "SECRET_POST": ClientAuthentication.SECRET_POST,
        "PRIVATE_KEY_JWT": ClientAuthentication.PRIVATE_KEY_JWT,
    }
)
_OPEN_ID: Final = ("issuer", "client_id", "authentication", "scopes")
_SAML: Final = ("metadata", "idp_initiated")
# What administrators name attributes themselves, where a provider has no names of its own.
_SAML_CLAIMS: Final = settings_of.Mapping("email", "firstName", "lastName")


@dataclass(frozen=True, slots=True)
class OpenIdInput:
    """A new connection to an OpenID provider, as it was typed."""

    name: str
    display_name: str
    issuer: str = field(repr=False)
    client_id: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    authentication: str | None = None
    scopes: Sequence[str] | None = None
    joining: str | None = None
    claims: Mapping[str, Any] | None = None

    def wanted(self) -> Wanted:
        """Returns the connection that it asks for."""
        proof = self.authentication or ("PRIVATE_KEY_JWT" if self.secret is None else "SECRET_BASIC")
        settings = OpenIdSettings(self.issuer.strip(), self.client_id.strip(), _AUTHENTICATION[proof])
        if self.scopes is not None:
            settings = msgspec.structs.replace(settings, scopes=tuple(self.scopes))
        mapping = _mapped(settings_of.Mapping(), settings_of.Mapping(), self.claims)
        return Wanted(self.name, self.display_name, _joining(self.joining), settings, mapping, self.secret)


@dataclass(frozen=True, slots=True)
class SamlInput:
    """A new connection to a SAML identity provider, as it was typed."""

    name: str
    display_name: str
    metadata: str = field(repr=False)
    idp_initiated: bool | None = None
    joining: str | None = None
    claims: Mapping[str, Any] | None = None

    def wanted(self, read_metadata: ReadMetadata) -> Wanted:
        """Returns the connection that it asks for.

        Raises:
            InvalidError: the metadata are none.
        """
        settings = msgspec.structs.replace(read_metadata(self.metadata), idp_initiated=bool(self.idp_initiated))
        mapping = _mapped(_SAML_CLAIMS, _SAML_CLAIMS, self.claims)
        return Wanted(self.name, self.display_name, _joining(self.joining), settings, mapping)


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes of a connection, by the names of the domain; what was not named is not there."""

    named: Mapping[str, Any] = field(repr=False)
    read_as: str | None

    def wanted(self, before: Connection, read_metadata: ReadMetadata) -> Wanted:
        """Returns what the connection is to be.

        Raises:
            InvalidError: something that connections of this kind do not have, or metadata that are none.
        """
        named = self.named
        is_saml = isinstance(before.settings, SamlSettings)
        for name in _OPEN_ID if is_saml else _SAML:
            if name in named:
                raise InvalidError(f"a connection of this kind has no {_said(name)}", _said(name))
        usual = _SAML_CLAIMS if is_saml else settings_of.Mapping()
        wanted = Wanted(before.name, before.display_name, before.joining, before.settings, before.mapping)
        return replace(
            wanted,
            display_name=named.get("display_name") or before.display_name,
            joining=_joining(named["joining"]) if "joining" in named else before.joining,
            settings=self._settings(before.settings, read_metadata),
            mapping=_mapped(before.mapping, usual, named.get("claims")),
        )

    def _settings(self, before: Settings, read_metadata: ReadMetadata) -> Settings:
        given = {name: value for name, value in self.named.items() if value is not None}
        if isinstance(before, SamlSettings):
            settings = read_metadata(given["metadata"]) if "metadata" in given else before
            return msgspec.structs.replace(settings, idp_initiated=given.get("idp_initiated", before.idp_initiated))
        changed = {name: given[name] for name in _OPEN_ID if name in given}
        for name in ("issuer", "client_id"):
            if name in changed:
                changed[name] = changed[name].strip()
        if "authentication" in changed:
            changed["authentication"] = _AUTHENTICATION[changed["authentication"]]
        if "scopes" in changed:
            changed["scopes"] = tuple(changed["scopes"])
        return msgspec.structs.replace(before, **changed)


@dataclass(frozen=True, slots=True)
class GroupInput:
    """What a group is to give, as it was typed."""

    group: str = field(repr=False)
    roles: Sequence[str]


def _joining(named: str | None) -> Joining:
    return Joining.INVITE_ONLY if named is None else Joining[named]


def _mapped(
    before: settings_of.Mapping, usual: settings_of.Mapping, claims: Mapping[str, Any] | None
) -> settings_of.Mapping:
    """Returns which claims are to be read: null is as usual."""
    changed = {}
    for name, value in (claims or {}).items():
        changed[name] = getattr(usual, name) if value is None else value
    if "second_factor" in changed:
        changed["second_factor"] = tuple(dict.fromkeys(changed["second_factor"]))
    return msgspec.structs.replace(before, **changed)


def _said(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)


def _changes(**named: Any) -> Changes:
    return Changes({name: value for name, value in named.items() if name != "revision"}, named.get("revision"))


INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "OpenIdConnectionInput": OpenIdInput,
        "SamlConnectionInput": SamlInput,
        "UpdateConnectionInput": _changes,
        "ClaimMappingInput": lambda **claims: claims,
        "GroupRolesInput": GroupInput,
    }
)
