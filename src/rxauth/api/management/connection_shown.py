"""Connections as they are shown: the identity providers with which an organization's people sign in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.context import Info
from rxauth.api.management import connection_keys, connection_trials
from rxauth.api.management.connections import MUTATIONS
from rxauth.api.management.shown import moment, named, of
from rxauth.api.schema import Resolver
from rxauth.domain import connection_uses, connections, group_roles, provider_certificates
from rxauth.domain.connection_settings import OpenIdSettings, SamlSettings
from rxauth.domain.connection_urls import ConnectionUrls, urls_of
from rxauth.domain.connection_uses import Uses
from rxauth.domain.connections import Connection
from rxauth.domain.provider_certificates import ProviderCertificate
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class ShownOpenId:
    """What is shown of an OpenID provider."""

    settings: OpenIdSettings
    has_secret: bool


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group, and what it gives."""

    group: str
    roles: Sequence[Role]


def search(_root: None, info: Info) -> Sequence[Connection]:
    """Query.connections."""
    context = info.context
    found = context.read(lambda tx: connections.all_of(tx, context.organization_id))
    context.want(connection_uses.of, [one.id for one in found])
    return found


def one(_root: None, info: Info, id: str) -> Connection | None:  # noqa: A002  # the contract's name
    """Query.connection."""
    context = info.context
    found = context.read(lambda tx: connections.all_of(tx, context.organization_id))
    return next((each for each in found if each.id == id), None)


def of_clients(_source: Any, info: Info) -> Sequence[Connection]:
    """Client.connections: read once for all clients."""
    found: Sequence[Connection] = info.context.get(_all_of, info.context.organization_id)
    return [one for one in found if one.disabled_at is None]


def open_id_connect(source: Connection, _info: Info) -> ShownOpenId | None:
    """Connection.openIdConnect."""
    settings = source.settings
    return ShownOpenId(settings, source.sealed_secret is not None) if isinstance(settings, OpenIdSettings) else None


def saml(source: Connection, _info: Info) -> SamlSettings | None:
    """Connection.saml."""
    return source.settings if isinstance(source.settings, SamlSettings) else None


def kind(source: Connection, _info: Info) -> str:
    """Connection.kind."""
    return "SAML" if isinstance(source.settings, SamlSettings) else "OPENID_CONNECT"


def groups(source: Connection, info: Info) -> Sequence[ShownGroup]:
    """Connection.groups: by name."""
    found = info.context.read(lambda tx: group_roles.of_source(tx, source.organization_id, source.id))
    return [ShownGroup(group, sorted(roles)) for group, roles in found.items()]


def urls(source: Connection, info: Info) -> ConnectionUrls:
    """Connection.urls."""
    return urls_of(info.context.require_terms().issuer, source.name)


def people(source: Connection, info: Info) -> int:
    """Connection.people."""
    found: Uses | None = info.context.get(connection_uses.of, source.id)
    return 0 if found is None else found.people


def last_used_at(source: Connection, info: Info) -> int | None:
    """Connection.lastUsedAt."""
    found: Uses | None = info.context.get(connection_uses.of, source.id)
    return None if found is None else found.last_at * 1_000


def certificates(source: SamlSettings, _info: Info) -> Sequence[ProviderCertificate]:
    """SamlProvider.certificates."""
    return provider_certificates.of(source)


def has_ended(source: ProviderCertificate, info: Info) -> bool:
    """ProviderCertificate.hasEnded."""
    return source.ends_at <= info.context.clock.seconds()


def _all_of(transaction: Transaction, _organization_id: str, keys: Sequence[str]) -> Mapping[str, Sequence[Connection]]:
    return {key: connections.all_of(transaction, key) for key in keys}


RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"connections": search, "connection": one, "connectionTrial": connection_trials.find},
        "Mutation": {**MUTATIONS, **connection_keys.MUTATIONS},
        "Client": {"connections": of_clients},
        "Connection": {
            "kind": kind,
            "isEnabled": lambda source, _info: source.disabled_at is None,
            "joining": named("joining"),
            "createdAt": moment("created_at"),
            "changedAt": moment("changed_at"),
            "openIdConnect": open_id_connect,
            "saml": saml,
            "ownCertificates": connection_keys.shown,
            "claims": of("mapping"),
            "groups": groups,
            "urls": urls,
            "people": people,
            "lastUsedAt": last_used_at,
        },
        "OpenIdProvider": {
            "issuer": of("settings.issuer"),
            "clientId": of("settings.client_id"),
            "authentication": named("settings.authentication"),
            "scopes": of("settings.scopes"),
        },
        "SamlProvider": {
            "ssoBinding": lambda source, _info: source.sso_binding.upper(),
            "certificates": certificates,
        },
        "ConnectionTrial": connection_trials.FIELDS,
        "ProviderCertificate": {"endsAt": moment("ends_at"), "hasEnded": has_ended},
        "OwnCertificate": {
            "state": lambda source, _info: source.state.name,
            "endsAt": moment("ends_at"),
            "hasEnded": connection_keys.has_ended,
        },
    }
)
