"""The resolvers of webhooks: where an organization hears of its events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from rxauth.api import webhook_deliveries
from rxauth.api.context import Context, Info
from rxauth.api.management.callers import actor
from rxauth.api.management.shown import moment
from rxauth.api.schema import Resolver
from rxauth.domain import audit, webhook_states, webhooks
from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.webhooks import Keeper, Wanted, Webhook
from rxauth.storage.database import Transaction


def search(_root: None, info: Info) -> Sequence[Webhook]:
    """Query.webhooks: oldest first."""
    context = info.context
    found = context.read(lambda tx: webhooks.all_of(tx, context.organization_id))
    context.want(webhook_states.summaries, [one.id for one in found])
    return found


def one(_root: None, info: Info, id: str) -> Webhook | None:  # noqa: A002  # the contract's name
    """Query.webhook."""
    context = info.context
    return context.read(lambda tx: webhooks.find(tx, context.organization_id, id))


def events(_root: None, _info: Info) -> Sequence[str]:
    """Query.webhookEvents."""
    return webhooks.EVENTS


def add(_root: None, info: Info, url: str, **values: Any) -> Webhook:
    """Mutation.addWebhook: without a secret one is made, and shown."""
    given, made = _secret(values.pop("shared_secret", None))
    return replace(create(_root, info, url, shared_secret=given, **values), shared_secret=made)


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


def rotate_secret(
    _root: None,
    info: Info,
    id: str,  # noqa: A002  # the contract's name
    shared_secret: str | None = None,
    overlap_hours: int | None = None,
) -> Webhook:
    """Mutation.rotateWebhookSecret: without a secret one is made, and shown."""
    context = info.context
    given, made = _secret(shared_secret)
    keeper, overlap_s = _keeper(context), webhooks.OVERLAP_S if overlap_hours is None else overlap_hours * 3_600

    def work(transaction: Transaction) -> Webhook:
        where, now = context.organization_id, context.clock.seconds()
        changed = keeper.change(transaction, where, id, now, overlap_s=overlap_s, secret=given)
        _record(transaction, context, Event.WEBHOOK_CHANGED, id, shared_secret=1)
        return replace(changed, shared_secret=made)

    return context.write(work)


def previous_secret_until(webhook: Webhook, info: Info) -> int | None:
    """WebhookConfig.previousSecretUntil."""
    until = webhook.previous_until
    return None if until is None or until <= info.context.clock.seconds() else until * 1_000


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


def _secret(given: str | None) -> tuple[str, str | None]:
    """Returns the secret to keep, and the one to show: what somebody gave is known already."""
    if given:
        return given, None
    made = webhooks.new_secret()
    return made, made


def _record(transaction: Transaction, context: Context, event: Event, webhook_id: str, **details: str | int) -> None:
    act = audit.Act(event, actor(context.caller), context.organization_id, webhook_id, details=details)
    audit.record(transaction, act, context.clock.microseconds())


_OWN: Final[Mapping[str, Mapping[str, Resolver]]] = {
    "Query": {"webhooks": search, "webhook": one, "webhookEvents": events},
    "Mutation": {
        "createWebhookConfig": create,
        "updateWebhookConfig": update,
        "deleteWebhookConfig": delete,
        "addWebhook": add,
        "rotateWebhookSecret": rotate_secret,
    },
    "WebhookConfig": {"createdAt": moment("created_at"), "previousSecretUntil": previous_secret_until},
}
RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        kind: {**_OWN.get(kind, {}), **webhook_deliveries.RESOLVERS.get(kind, {})}
        for kind in (*_OWN, *(kind for kind in webhook_deliveries.RESOLVERS if kind not in _OWN))
    }
)
