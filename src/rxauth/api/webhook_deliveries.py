"""The resolvers of webhooks' deliveries: how they fare, what is sent again, and a test."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import actor
from rxauth.api.management.shown import moment, of
from rxauth.api.schema import Resolver
from rxauth.domain import audit, webhook_states, webhooks
from rxauth.domain.audit import Event
from rxauth.domain.paging import page
from rxauth.domain.webhook_log import Attempt, Delivery
from rxauth.domain.webhook_states import Summary
from rxauth.domain.webhooks import Webhook
from rxauth.storage.database import Transaction

_TAKEN: Final = "http_2"
_STATUS: Final = "http_"


def search(
    _root: None,
    info: Info,
    webhook_id: str,
    state: str | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Delivery]:
    """Query.webhookDeliveries: newest first."""
    context = info.context
    wanted, asked = page(after, first), None if state is None else state.lower()
    found = context.read(lambda tx: webhook_states.search(tx, context.organization_id, webhook_id, asked, wanted))
    context.want(webhook_states.attempts_of, [one.id for one in found])
    return found


def one(_root: None, info: Info, id: str) -> Delivery | None:  # noqa: A002  # the contract's name
    """Query.webhookDelivery."""
    context = info.context
    return context.read(lambda tx: webhook_states.find(tx, context.organization_id, id))


def send_test(_root: None, info: Info, id: str) -> Delivery:  # noqa: A002  # the contract's name
    """Mutation.sendTestWebhook."""
    context = info.context

    def work(transaction: Transaction) -> Delivery:
        sent = webhook_states.send_test(transaction, context.organization_id, id, context.clock.milliseconds())
        _record(transaction, context, Event.WEBHOOK_TESTED, id)
        return sent

    return context.write(work)


def redeliver(_root: None, info: Info, delivery_id: str) -> Delivery:
    """Mutation.redeliverWebhook."""
    context = info.context

    def work(transaction: Transaction) -> Delivery:
        now = context.clock.seconds()
        sent = webhook_states.redeliver(transaction, context.organization_id, delivery_id, now)
        _record(transaction, context, Event.WEBHOOK_REDELIVERED, delivery_id)
        return sent

    return context.write(work)


def redeliver_dead(_root: None, info: Info, webhook_id: str) -> int:
    """Mutation.redeliverDeadWebhooks."""
    context = info.context

    def work(transaction: Transaction) -> int:
        where = context.organization_id
        webhooks.require(transaction, where, webhook_id, "webhookId")
        count = webhook_states.redeliver_dead(transaction, where, webhook_id, context.clock.seconds())
        if count:
            _record(transaction, context, Event.WEBHOOK_REDELIVERED, webhook_id, deliveries=count)
        return count

    return context.write(work)


def last_delivery(webhook: Webhook, info: Info) -> Delivery | None:
    """WebhookConfig.lastDelivery."""
    return _summary(webhook, info).last


def state(webhook: Webhook, info: Info) -> str:
    """WebhookConfig.state."""
    last = _summary(webhook, info).last
    if last is None:
        return "UNTRIED"
    return "WORKING" if (last.outcome or "").startswith(_TAKEN) else "FAILING"


def waiting(webhook: Webhook, info: Info) -> int:
    """WebhookConfig.waiting."""
    return _summary(webhook, info).waiting


def dead(webhook: Webhook, info: Info) -> int:
    """WebhookConfig.dead."""
    return _summary(webhook, info).dead


def delivery_state(delivery: Delivery, _info: Info) -> str:
    """WebhookDelivery.state."""
    return delivery.state.upper()


def next_attempt_at(delivery: Delivery, _info: Info) -> int | None:
    """WebhookDelivery.nextAttemptAt."""
    return delivery.next_attempt_at * 1_000 if delivery.settled_at is None else None


def attempts(delivery: Delivery, info: Info) -> Sequence[Attempt]:
    """WebhookDelivery.attempts: of all deliveries of a page at once."""
    return info.context.get(webhook_states.attempts_of, delivery.id) or ()


def status_code(attempt: Attempt, _info: Info) -> int | None:
    """WebhookAttempt.statusCode."""
    return int(attempt.outcome.removeprefix(_STATUS)) if attempt.outcome.startswith(_STATUS) else None


def error(attempt: Attempt, _info: Info) -> str | None:
    """WebhookAttempt.error."""
    return None if attempt.outcome.startswith(_STATUS) else attempt.outcome


def _summary(webhook: Webhook, info: Info) -> Summary:
    found: Summary = info.context.get(webhook_states.summaries, webhook.id, meet=_meet) or Summary()
    return found


def _meet(context: Context, found: Sequence[Summary]) -> None:
    """Has the attempts of all last deliveries fetched together."""
    context.want(webhook_states.attempts_of, [one.last.id for one in found if one.last is not None])


def _record(transaction: Transaction, context: Context, event: Event, target: str, **details: Any) -> None:
    act = audit.Act(event, actor(context.caller), context.organization_id, target, details=details)
    audit.record(transaction, act, context.clock.microseconds())


RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"webhookDeliveries": search, "webhookDelivery": one},
        "Mutation": {
            "sendTestWebhook": send_test,
            "redeliverWebhook": redeliver,
            "redeliverDeadWebhooks": redeliver_dead,
        },
        "WebhookConfig": {"lastDelivery": last_delivery, "state": state, "waiting": waiting, "dead": dead},
        "WebhookDelivery": {
            "event": of("type"),
            "state": delivery_state,
            "createdAt": moment("created_at"),
            "nextAttemptAt": next_attempt_at,
            "settledAt": moment("settled_at"),
            "attemptCount": of("attempts"),
            "attempts": attempts,
        },
        "WebhookAttempt": {
            "number": of("attempt"),
            "endedAt": moment("ended_at"),
            "statusCode": status_code,
            "error": error,
        },
    }
)
