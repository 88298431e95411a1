"""What is done about connections, by somebody who proved two factors lately."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rxauth.api.context import Context, Info
from rxauth.api.management import roles as roles_resolvers
from rxauth.api.management.callers import TWO_FACTORS, actor
from rxauth.api.management.connection_inputs import Changes, GroupInput, OpenIdInput, SamlInput
from rxauth.api.schema import Resolver
from rxauth.domain import (
    audit,
    connection_checks,
    connection_uses,
    connections,
    forced_sign_on,
    group_roles,
    provider_certificates,
)
from rxauth.domain.audit import Event
from rxauth.domain.connection_settings import OpenIdSettings, SamlSettings
from rxauth.domain.connections import Connection, Wanted
from rxauth.domain.errors import InvalidError, RefusedError, StaleError
from rxauth.policy import giving
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

Work = Callable[[Transaction, Connection], Connection]


def add_open_id(_root: None, info: Info, input: OpenIdInput) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.addOpenIdConnection."""
    return _add(info.context, input.wanted())


def add_saml(_root: None, info: Info, input: SamlInput) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.addSamlConnection."""
    return _add(info.context, input.wanted(info.context.read_metadata))


def update(_root: None, info: Info, id: str, input: Changes) -> Connection:  # noqa: A002  # the contract's names
    """Mutation.updateConnection: what is not named stays."""
    context = info.context

    def work(transaction: Transaction, before: Connection) -> Connection:
        if input.read_as not in {None, before.revision}:
            raise StaleError("somebody changed the connection meanwhile: look at it again")
        return _change(context, transaction, before, input.wanted(before, context.read_metadata))

    return act(context, id, Event.CONNECTION_CHANGED, work, *input.named)


def set_secret(_root: None, info: Info, id: str, secret: str) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.setConnectionSecret."""
    context = info.context

    def work(transaction: Transaction, before: Connection) -> Connection:
        if isinstance(before.settings, SamlSettings):
            raise InvalidError("a connection of this kind has no secret", "secret")
        return _change(context, transaction, before, _as_it_is(before, secret=secret.strip()))

    return act(context, id, Event.CONNECTION_SECRET_SET, work)


def add_certificate(_root: None, info: Info, id: str, certificate: str) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.addConnectionCertificate."""
    context = info.context
    added = provider_certificates.read(certificate)

    def work(transaction: Transaction, before: Connection) -> Connection:
        settings = _saml_settings(before)
        kept = [one for one in settings.certificates if one != added]
        changed = msgspec.structs.replace(settings, certificates=(*kept, added))
        return _change(context, transaction, before, _as_it_is(before, settings=changed))

    return act(context, id, Event.CONNECTION_CHANGED, work, "certificates")


def remove_certificate(_root: None, info: Info, id: str, fingerprint: str) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.removeConnectionCertificate."""
    context = info.context

    def work(transaction: Transaction, before: Connection) -> Connection:
        settings = _saml_settings(before)
        shown = {one.fingerprint: one.text for one in provider_certificates.of(settings)}
        if fingerprint not in shown:
            raise InvalidError("the connection has no such certificate", "fingerprint")
        kept = tuple(one for one in settings.certificates if one != shown[fingerprint])
        changed = msgspec.structs.replace(settings, certificates=kept)
        return _change(context, transaction, before, _as_it_is(before, settings=changed))

    return act(context, id, Event.CONNECTION_CHANGED, work, "certificates")


def set_groups(_root: None, info: Info, id: str, groups: Sequence[GroupInput]) -> Connection:  # noqa: A002  # the contract's name
    """Mutation.setConnectionGroups.

    Raises:
        RefusedError: a role that the caller may not give, or not take, is given or taken.
    """
    context = info.context
    wanted: dict[str, frozenset[Role]] = {}
    for place, given in enumerate(groups):
        roles = frozenset(roles_resolvers.read(text, f"groups[{place}].roles") for text in given.roles)
        if given.group.strip() in wanted:
            raise InvalidError("the group is there twice", f"groups[{place}].group")
        wanted[given.group.strip()] = roles

    def work(transaction: Transaction, before: Connection) -> Connection:
        had = group_roles.of_source(transaction, before.organization_id, before.id)
        changed = {role for name in {*had, *wanted} for role in had.get(name, _NO_ROLES) ^ wanted.get(name, _NO_ROLES)}
        refused = giving.first_refusal(context.caller.subject, changed, context.clock.seconds())
        if refused is not None:
            raise RefusedError(refused.code, refused.reason)
        group_roles.replace(transaction, before.organization_id, before.id, wanted)
        return before

    return act(context, id, Event.CONNECTION_GROUPS_SET, work)


def switch(_root: None, info: Info, id: str, on: bool) -> Connection:  # noqa: A002  # the contract's names
    """Mutation.switchConnection."""
    context = info.context

    def work(transaction: Transaction, before: Connection) -> Connection:
        now = context.clock.seconds()
        if not on:
            forced_sign_on.require_without(transaction, context.organization_id, connection_id=id)
            context.ended_sessions.extend(connection_uses.end_sessions(transaction, before, now))
        return connections.switch(transaction, before, now, on=on)

    return act(context, id, Event.CONNECTION_ENABLED if on else Event.CONNECTION_DISABLED, work)


def remove(_root: None, info: Info, id: str) -> bool:  # noqa: A002  # the contract's name
    """Mutation.removeConnection."""
    context = info.context

    def work(transaction: Transaction, before: Connection) -> Connection:
        forced_sign_on.require_without(transaction, context.organization_id, connection_id=id)
        context.ended_sessions.extend(connection_uses.remove(transaction, before, context.clock.seconds()))
        return before

    act(context, id, Event.CONNECTION_REMOVED, work)
    return True


_NO_ROLES: Final[frozenset[Role]] = frozenset()


def _add(context: Context, wanted: Wanted) -> Connection:
    """Adds a connection, in the name of somebody who proved two factors lately."""
    context.require_authentication(TWO_FACTORS)
    _check(context, wanted, has_secret=wanted.secret is not None)

    def work(transaction: Transaction) -> Connection:
        now = context.clock.seconds()
        made = connections.create(transaction, context.organization_id, wanted, sealing_key(context), now)
        _record(transaction, context, Event.CONNECTION_ADDED, made.id)
        return made

    return context.write(work)


def act(context: Context, connection_id: str, event: Event, work: Work, *details: str) -> Connection:
    """Changes a connection of the organization, in the name of somebody who proved two factors lately.

    Raises:
        AbsentError: there is none. StepUpError: see there.
    """
    context.require_authentication(TWO_FACTORS)

    def begun(transaction: Transaction) -> Connection:
        before = connections.require(transaction, context.organization_id, connection_id)
        after = work(transaction, before)
        _record(transaction, context, event, connection_id, *details)
        return after

    return context.write(begun)


def _change(context: Context, transaction: Transaction, before: Connection, wanted: Wanted) -> Connection:
    _check(context, wanted, has_secret=wanted.secret is not None or before.sealed_secret is not None)
    if _provider(wanted.settings) != _provider(before.settings):
        uses = connection_uses.of(transaction, before.organization_id, [before.id])
        if before.id in uses:
            where = "metadata" if isinstance(before.settings, SamlSettings) else "issuer"
            message = "people came through this connection, and another provider knows others by the same names: "
            raise InvalidError(f"{message}add another connection", where)
    return connections.change(transaction, before, wanted, sealing_key(context), context.clock.seconds())


def _check(context: Context, wanted: Wanted, *, has_secret: bool) -> None:
    networks = () if context.keeper is None else context.keeper.networks
    connection_checks.require_secret(wanted.secret)
    connection_checks.require_settings(wanted.settings, networks, has_secret=has_secret)
    connection_checks.require_mapping(wanted.mapping)


def _provider(settings: OpenIdSettings | SamlSettings) -> str:
    return settings.entity_id if isinstance(settings, SamlSettings) else settings.issuer


def _saml_settings(one: Connection) -> SamlSettings:
    if not isinstance(one.settings, SamlSettings):
        raise InvalidError("a connection of this kind has no certificates", "certificate")
    return one.settings


def _as_it_is(before: Connection, *, settings: Any = None, secret: str | None = None) -> Wanted:
    kept = before.settings if settings is None else settings
    return Wanted(before.name, before.display_name, before.joining, kept, before.mapping, secret)


def sealing_key(context: Context) -> bytes:
    """Returns what secrets of connections are sealed with.

    Raises:
        InvalidError: none are kept here.
    """
    if context.keeper is None:
        raise InvalidError("connections are not kept here")
    return context.keeper.sealing_key


def _record(transaction: Transaction, context: Context, event: Event, connection_id: str, *named: str) -> None:
    details: dict[str, str | int] = dict.fromkeys(sorted(named), 1)
    act = audit.Act(event, actor(context.caller), context.organization_id, connection_id, details=details)
    audit.record(transaction, act, context.clock.microseconds())


MUTATIONS: Final[Mapping[str, Resolver]] = MappingProxyType(
    {
        "addOpenIdConnection": add_open_id,
        "addSamlConnection": add_saml,
        "updateConnection": update,
        "setConnectionSecret": set_secret,
        "addConnectionCertificate": add_certificate,
        "removeConnectionCertificate": remove_certificate,
        "setConnectionGroups": set_groups,
        "switchConnection": switch,
        "removeConnection": remove,
    }
)
