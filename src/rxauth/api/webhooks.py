"""The resolvers of webhooks: where an organization hears of its events."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import actor
from rxauth.api.schema import Resolver
from rxauth.domain import audit, webhooks
from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.webhooks import Keeper, Wanted, Webhook
from rxauth.storage.database import Transaction


def search(_root: None, info: Info) -> Sequence[Webhook]:
    """Query.webhooks: oldest first."""
    context = info.context
    return context.read(lambda tx: webhooks.all_of(tx, context.organization_id))


def create(_root: None, info: Info, url: str, **values: Any) -> Webhook:
    """Mutation.createWebhookConfig."""
    context = info.context
    keeper, wanted = _keeper(context), Wanted(url, **_changes(values))

    def work(transaction: Transaction) -> Webhook:
        made = keeper.create(transaction, context.organization_id, wanted, context.clock.seconds())
        _record(transaction, context, Event.WEBHOOK_CREATED, made.id)
        return made

    return context.write(work)


def update(_root: None, info: Info, id: str, **values: Any) -> Webhook:  # noqa: A002  # the contract's name
    """Mutation.updateWebhookConfig: what is not named stays; null takes a name, filters or a secret away."""
    context = info.context
    keeper, changes = _keeper(context), _changes(values)
    if "url" in changes and changes["url"] is None:
        raise InvalidError("url cannot be taken away", "url")

    def work(transaction: Transaction) -> Webhook:
        changed = keeper.change(transaction, context.organization_id, id, context.clock.seconds(), **changes)
        _record(transaction, context, Event.WEBHOOK_CHANGED, id)
        return changed

    return context.write(work)


def delete(_root: None, info: Info, id: str) -> bool:  # noqa: A002  # the contract's name
    """Mutation.deleteWebhookConfig."""
    context = info.context

    def work(transaction: Transaction) -> None:
        webhooks.delete(transaction, context.organization_id, id, context.clock.seconds())
        _record(transaction, context, Event.WEBHOOK_DELETED, id)

    context.write(work)
    return True


def _keeper(context: Context) -> Keeper:
    if context.keeper is None:
        raise InvalidError("webhooks are not kept here")
    return context.keeper


def _changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments of the contract by the names that the domain has for them."""
    changes = dict(values)
    if changes.get("filters") is not None:
        changes["filters"] = tuple(one for one in changes["filters"] if one is not None)
    if "shared_secret" in changes:
        changes["secret"] = changes.pop("shared_secret") or ""
    return changes


def _record(transaction: Transaction, context: Context, event: Event, webhook_id: str) -> None:
    act = audit.Act(event, actor(context.caller), context.organization_id, webhook_id)
    audit.record(transaction, act, context.clock.microseconds())


RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"webhooks": search},
        "Mutation": {"createWebhookConfig": create, "updateWebhookConfig": update, "deleteWebhookConfig": delete},
    }
)
