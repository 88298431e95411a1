"""Apps: what the organization's people sign in with, and the URLs that they are sent back to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import actor
from rxauth.api.management.shown import moment, of
from rxauth.api.schema import Resolver
from rxauth.domain import app_uses, apps, audit
from rxauth.domain.app_uses import LiveSecret
from rxauth.domain.apps import App, Wanted
from rxauth.domain.audit import Event
from rxauth.domain.destinations import Network
from rxauth.storage.database import Transaction

_LISTS: Final = ("redirect_urls", "logout_urls", "web_origins")


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes of an app, by the names that the domain has for it; what was not named is not there."""

    named: Mapping[str, Any] = field(repr=False)
    read_as: str | None


def search(_root: None, info: Info) -> Sequence[App]:
    """Query.apps: oldest first."""
    context = info.context
    found = context.read(lambda tx: apps.all_of(tx, context.organization_id))
    ids = [one.id for one in found]
    context.want(app_uses.people_since, ids, _since(context))
    context.want(app_uses.live_secrets, ids, context.clock.seconds())
    return found


def one(_root: None, info: Info, id: str) -> App | None:  # noqa: A002  # the contract's name
    """Query.app."""
    context = info.context
    return context.read(lambda tx: apps.find(tx, context.organization_id, id))


def create(_root: None, info: Info, input: Wanted) -> App:  # noqa: A002  # the contract's name
    """Mutation.createApp."""
    context = info.context

    def work(transaction: Transaction) -> App:
        now = context.clock.seconds()
        made = apps.create(transaction, context.organization_id, input, _networks(context), now)
        _record(transaction, context, Event.CLIENT_CREATED, made.id)
        return made

    return context.write(work)


def update(_root: None, info: Info, id: str, input: Changes) -> App:  # noqa: A002  # the contract's names
    """Mutation.updateApp: what is not named stays."""
    context = info.context

    def work(transaction: Transaction) -> App:
        where, now = context.organization_id, context.clock.seconds()
        changed = apps.change(transaction, where, id, _networks(context), now, read_as=input.read_as, **input.named)
        _record(transaction, context, Event.CLIENT_CHANGED, id, *input.named)
        return changed

    return context.write(work)


def remove(_root: None, info: Info, id: str) -> bool:  # noqa: A002  # the contract's name
    """Mutation.removeApp."""
    context = info.context

    def work(transaction: Transaction) -> None:
        apps.remove(transaction, context.organization_id, id, context.clock.seconds())
        _record(transaction, context, Event.CLIENT_DISABLED, id)

    context.write(work)
    return True


def revoke_secret(_root: None, info: Info, id: str, secret_id: str) -> App:  # noqa: A002  # the contract's name
    """Mutation.revokeAppSecret."""
    context = info.context

    def work(transaction: Transaction) -> App:
        where, now = context.organization_id, context.clock.seconds()
        found = apps.revoke_secret(transaction, where, id, secret_id, now)
        _record(transaction, context, Event.SECRET_REVOKED, secret_id)
        return found

    return context.write(work)


def secrets(app: App, info: Info) -> Sequence[LiveSecret]:
    """App.secrets: of all apps of a list at once."""
    return info.context.get(app_uses.live_secrets, app.id, info.context.clock.seconds()) or ()


def people_lately(app: App, info: Info) -> int | None:
    """App.peopleLately."""
    if app.any_organization:
        return None
    return info.context.get(app_uses.people_since, app.id, _since(info.context)) or 0


def _since(context: Context) -> int:
    return context.clock.seconds() - app_uses.LATELY_S


def _networks(context: Context) -> Sequence[Network]:
    return () if context.keeper is None else context.keeper.networks


def _record(transaction: Transaction, context: Context, event: Event, app_id: str, *named: str) -> None:
    details: dict[str, str | int] = dict.fromkeys(sorted(named), 1)
    act = audit.Act(event, actor(context.caller), context.organization_id, app_id, details=details)
    audit.record(transaction, act, context.clock.microseconds())


def _wanted(**values: Any) -> Wanted:
    return Wanted(**_typed(values))


def _changes(**values: Any) -> Changes:
    return Changes(
        _typed({name: value for name, value in values.items() if name != "revision"}), values.get("revision")
    )


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """Returns an input's members, its lists as tuples; null is a list of none."""
    return {name: tuple(value or ()) if name in _LISTS else value for name, value in values.items()}


INPUTS: Final = MappingProxyType({"CreateAppInput": _wanted, "UpdateAppInput": _changes})
RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"apps": search, "app": one},
        "Mutation": {"createApp": create, "updateApp": update, "removeApp": remove, "revokeAppSecret": revoke_secret},
        "App": {
            "createdAt": moment("created_at"),
            "servesEverybody": of("any_organization"),
            "peopleLately": people_lately,
            "secrets": secrets,
        },
        "AppSecret": {"createdAt": moment("created_at"), "expiresAt": moment("expires_at")},
    }
)
