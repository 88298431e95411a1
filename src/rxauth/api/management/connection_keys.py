"""The certificates with which this server signs to a SAML provider: published before they are used."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rxauth.api.context import Info
from rxauth.api.management.callers import TWO_FACTORS
from rxauth.api.management.connections import act, sealing_key
from rxauth.api.schema import Resolver
from rxauth.crypto import certificates
from rxauth.domain import connections, saml_keys
from rxauth.domain.audit import Event
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.connections import Connection
from rxauth.domain.errors import InvalidError
from rxauth.domain.saml_keys import KeyDescription
from rxauth.storage.database import Transaction


def shown(source: Connection, info: Info) -> Sequence[KeyDescription]:
    """Connection.ownCertificates."""
    return info.context.read(lambda tx: saml_keys.descriptions(tx, source))


def has_ended(source: KeyDescription, info: Info) -> bool:
    """OwnCertificate.hasEnded."""
    return source.ends_at <= info.context.clock.seconds()


def publish(_root: None, info: Info, id: str) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.publishConnectionCertificate."""
    context = info.context
    context.require_authentication(TWO_FACTORS)  # all that can be refused is, before a key is made: that takes a while
    now, key = context.clock.seconds(), sealing_key(context)
    found = context.read(lambda tx: connections.require(tx, context.organization_id, id))
    _require_saml(found)
    made = certificates.new_key_pair(f"{context.require_terms().issuer} {found.id}", now, saml_keys.VALID_FOR_S)

    def work(transaction: Transaction, before: Connection) -> Connection:
        saml_keys.announce(transaction, before, made, key, now)
        return before

    return act(context, id, Event.CONNECTION_CHANGED, work, "ownCertificates")


def use(_root: None, info: Info, id: str) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.useConnectionCertificate."""

    def work(transaction: Transaction, before: Connection) -> Connection:
        saml_keys.switch(transaction, before)
        return before

    return act(info.context, id, Event.CONNECTION_CHANGED, work, "ownCertificates")


def withdraw(_root: None, info: Info, id: str) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.withdrawConnectionCertificate."""

    def work(transaction: Transaction, before: Connection) -> Connection:
        saml_keys.take_back(transaction, before)
        return before

    return act(info.context, id, Event.CONNECTION_CHANGED, work, "ownCertificates")


def _require_saml(one: Connection) -> None:
    if not isinstance(one.settings, SamlSettings):
        raise InvalidError("a connection of this kind has no certificates", "id")


MUTATIONS: Final[Mapping[str, Resolver]] = MappingProxyType(
    {
        "publishConnectionCertificate": publish,
        "useConnectionCertificate": use,
        "withdrawConnectionCertificate": withdraw,
    }
)
