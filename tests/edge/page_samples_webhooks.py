"""Samples of the pages of webhooks."""

from typing import Any, Final

from rxauth.domain.webhook_states import TEST
from rxauth.domain.webhooks import EVENTS
from tests.edge.page_sample import Values, settings


def _attempt(number: int, at: str, status: int | None, error: str | None = None) -> Values:
    return {
        "number": number,
        "endedAt": f"2026-11-23T{at}:00.000Z",
        "tookMs": 120 * number,
        "statusCode": status,
        "error": error,
    }


def _delivery(number: int, event: str, state: str, *attempts: Values) -> Values:
    return {
        "id": f"dlv_01J9ZQ3X4Y5Z6A7B8C9D0E1F2{number}",
        "webhookId": "whk_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
        "eventId": f"01J9ZQ3X4Y5Z6A7B8C9D0E1F2{number}",
        "event": event,
        "subject": f"ord_01J9ZQ3X4Y5Z6A7B8C9D0E1F2{number}",
        "state": state,
        "createdAt": "2026-11-23T10:58:00.000Z",
        "nextAttemptAt": "2026-11-23T12:04:00.000Z" if state == "WAITING" else None,
        "settledAt": None if state == "WAITING" else "2026-11-23T11:00:00.000Z",
        "attemptCount": len(attempts),
        "attempts": list(attempts),
    }


_TAKEN: Final = _delivery(0, EVENTS[0], "DELIVERED", _attempt(1, "11:00", 503), _attempt(2, "11:05", 200))
_WAITING: Final = _delivery(1, EVENTS[7], "WAITING", _attempt(1, "11:58", None, "timeout"))
_DEAD: Final = _delivery(2, EVENTS[5], "DEAD", _attempt(1, "11:00", 410))
_FRESH: Final = _delivery(3, TEST, "WAITING")
_WORKS: Final[dict[str, Any]] = {
    "id": "whk_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
    "name": "EMR",
    "url": "https://emr.alder.example/hooks/rx",
    "filters": None,
    "createdAt": "2026-11-01T09:00:00.000Z",
    "previousSecretUntil": None,
    "state": "WORKING",
    "waiting": 0,
    "dead": 0,
    "lastDelivery": _TAKEN,
}
_FAILS: Final = _WORKS | {
    "name": None,
    "url": "https://reports.alder.example/hooks/photon",
    "filters": list(EVENTS[:3]),
    "previousSecretUntil": "2026-11-24T09:00:00.000Z",
    "state": "FAILING",
    "waiting": 1,
    "dead": 1_204,
    "lastDelivery": _WAITING,
}
_UNTRIED: Final = _WORKS | {"name": "Test server", "filters": [EVENTS[0]], "state": "UNTRIED", "lastDelivery": None}


def _one(name: str, webhook: dict[str, Any], deliveries: list[Values], **changes: Any) -> Any:
    data = {"webhook": webhook, "webhookDeliveries": deliveries, "webhookEvents": list(EVENTS)}
    return settings(name, "webhook", "webhooks", data, **({"chosen": "", "after": None} | changes))


_NEW: Final[Values] = {"webhookEvents": list(EVENTS)}
_MADE: Final = _WORKS | {"sharedSecret": "rxw_3KfQ9mZtW1yXcB7uRoPsLd5VhJ8nEaGqT2wUi0YkMzN"}
_ROTATED: Final = _MADE | {"previousSecretUntil": "2026-11-24T12:00:00.000Z"}
SAMPLES: Final = (
    settings("webhooks", "webhooks", "webhooks", {"webhooks": [_WORKS, _FAILS, _UNTRIED]}),
    settings("webhooks-empty", "webhooks", "webhooks", {"webhooks": []}),
    settings("webhooks-read-empty", "webhooks", "webhooks", {"webhooks": []}, can=lambda _permission: False),
    settings("webhook-new", "webhook_new", "webhooks", _NEW),
    settings(
        "webhook-new-wrong",
        "webhook_new",
        "webhooks",
        _NEW,
        error="Url leads to an address that nothing is sent to: it is private, or this machine itself.",
        error_field="url",
    ),
    settings("webhook-made", "webhook_secret", "webhooks", {"addWebhook": _MADE}),
    settings("webhook-made-chosen", "webhook_secret", "webhooks", {"addWebhook": _MADE | {"sharedSecret": None}}),
    settings("webhook-rotated", "webhook_secret", "webhooks", {"rotateWebhookSecret": _ROTATED}),
    settings(
        "webhook-rotated-at-once",
        "webhook_secret",
        "webhooks",
        {"rotateWebhookSecret": _MADE | {"sharedSecret": None}},
    ),
    _one("webhook", _WORKS, [_TAKEN] * 2, after=_TAKEN["id"]),
    _one("webhook-failing", _FAILS, [_FRESH, _WAITING, _DEAD, _TAKEN]),
    _one("webhook-dead", _FAILS | {"dead": 1}, [_DEAD], chosen="dead", after=_DEAD["id"]),
    _one("webhook-none-waiting", _WORKS, [], chosen="waiting"),
    _one("webhook-untried", _UNTRIED, []),
    _one("webhook-read", _FAILS, [_DEAD], can=lambda permission: permission == "read:webhook_config"),
    settings("webhook-delivery", "webhook_delivery", "webhooks", {"webhookDelivery": _TAKEN}),
    settings("webhook-delivery-waiting", "webhook_delivery", "webhooks", {"webhookDelivery": _FRESH}),
    settings("webhook-rotate", "webhook_rotate", "webhooks", {"webhook": _WORKS}),
    settings("webhook-rotate-again", "webhook_rotate", "webhooks", {"webhook": _FAILS}),
    settings("webhook-remove", "webhook_remove", "webhooks", {"webhook": _FAILS}),
)
