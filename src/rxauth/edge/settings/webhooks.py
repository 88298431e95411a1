"""The settings' pages of webhooks: where the organization hears of its events, what became of each, and the secret."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/developers/webhooks"
_ONE_PATH: Final = f"{PATH}/{{webhook_id}}"
_READ: Final = ("read:webhook_config",)
_WRITE: Final = ("write:webhook_config",)
# What the log can be narrowed to, by the word for it in the URL.
STATES: Final = MappingProxyType({"waiting": "WAITING", "delivered": "DELIVERED", "dead": "DEAD"})
ROWS: Final = 25
_DELIVERY: Final = """
  id eventId event subject state createdAt nextAttemptAt settledAt attemptCount
  attempts { number endedAt tookMs statusCode error }
"""
_WEBHOOK: Final = f"id name url filters createdAt previousSecretUntil state waiting dead lastDelivery {{ {_DELIVERY} }}"
_LIST: Final = f"query Webhooks {{ webhooks {{ {_WEBHOOK} }} }}"
_NEW: Final = "query NewWebhook { webhookEvents }"
_ADD: Final = """
mutation AddWebhook($url: String!, $name: String, $filters: [String!], $sharedSecret: String) {
  addWebhook(url: $url, name: $name, filters: $filters, sharedSecret: $sharedSecret) { id url sharedSecret }
}
"""
_ONE: Final = f"""
query Webhook($id: ID!, $state: WebhookDeliveryState, $after: ID) {{
  webhook(id: $id) {{ {_WEBHOOK} }}
  webhookDeliveries(webhookId: $id, state: $state, after: $after, first: {ROWS}) {{ {_DELIVERY} }}
  webhookEvents
}}
"""
_CHANGE: Final = """
mutation ChangeWebhook($id: ID!, $name: String, $url: String, $filters: [String]) {
  updateWebhookConfig(id: $id, name: $name, url: $url, filters: $filters) { id }
}
"""
_TEST: Final = "mutation TestWebhook($id: ID!) { sendTestWebhook(id: $id) { id } }"
_AGAIN: Final = "mutation RedeliverWebhook($deliveryId: ID!) { redeliverWebhook(deliveryId: $deliveryId) { id } }"
_ALL_AGAIN: Final = "mutation RedeliverDeadWebhooks($webhookId: ID!) { redeliverDeadWebhooks(webhookId: $webhookId) }"
_DELIVERED: Final = f"""
query WebhookDelivery($id: ID!) {{ webhookDelivery(id: $id) {{ webhookId {_DELIVERY} }} }}
"""
_BEFORE: Final = "query Webhook($id: ID!) { webhook(id: $id) { id name url waiting previousSecretUntil } }"
_ROTATE: Final = """
mutation RotateWebhookSecret($id: ID!, $sharedSecret: String, $overlapHours: Int) {
  rotateWebhookSecret(id: $id, sharedSecret: $sharedSecret, overlapHours: $overlapHours) {
    id url sharedSecret previousSecretUntil
  }
}
"""
_REMOVE: Final = "mutation RemoveWebhook($id: String!) { deleteWebhookConfig(id: $id) }"


def _id(fields: Fields) -> Variables:
    return {"id": fields.text("webhook_id")}


def _wanted(fields: Fields) -> dict[str, Any]:
    return {"url": fields.text("url"), "name": fields.optional("name"), "filters": fields.all("filters")}


def _add(fields: Fields) -> Variables:
    return {**_wanted(fields), "sharedSecret": fields.optional("shared_secret")}


def _change(fields: Fields) -> Variables:
    return {**_id(fields), **_wanted(fields)}


def _log(fields: Fields) -> Variables:
    return {**_id(fields), "state": STATES.get(fields.text("state")), "after": fields.optional("after")}


def _again(fields: Fields) -> Variables:
    return {"deliveryId": fields.text("delivery_id")}


def _all_again(fields: Fields) -> Variables:
    return {"webhookId": fields.text("webhook_id")}


def _delivery(fields: Fields) -> Variables:
    return {"id": fields.text("delivery_id")}


def _rotate(fields: Fields) -> Variables:
    return {
        **_id(fields),
        "sharedSecret": fields.optional("shared_secret"),
        "overlapHours": fields.number("overlap_hours"),
    }


def _shown(data: Data) -> object:
    return [data["webhook"][name] for name in ("url", "name", "filters")]


def _narrowed(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns what the log is narrowed to, and where its next page begins."""
    found = data.get("webhookDeliveries") or []
    return {
        "chosen": fields.text("state") if fields.text("state") in STATES else "",
        "after": found[-1]["id"] if len(found) == ROWS else None,
    }


def _to_the_list(_data: Data, _fields: Fields) -> str:
    return PATH


SECTIONS: Final = (
    Section(PATH, "webhooks", "settings_webhooks.html", _LIST, _READ),
    Section(
        path=f"{PATH}/new",
        tab="webhooks",
        template="settings_webhook_new.html",
        query=_NEW,
        opens=_WRITE,
        acts={"add_webhook": Act(_ADD, _add, page="settings_webhook_secret.html")},
    ),
    Section(
        path=_ONE_PATH,
        tab="webhooks",
        template="settings_webhook.html",
        query=_ONE,
        opens=_READ,
        variables=_log,
        values=_narrowed,
        required="webhook",
        acts={
            "change_webhook": Act(_CHANGE, _change, "The webhook was changed.", rests_on=_shown),
            "test_webhook": Act(_TEST, _id, "A test is on its way. Load this page again to see what came of it."),
            "redeliver": Act(_AGAIN, _again, "The event is sent again."),
            "redeliver_dead": Act(_ALL_AGAIN, _all_again, "The events that were given up are sent again."),
        },
    ),
    Section(
        path=f"{_ONE_PATH}/deliveries/{{delivery_id}}",
        tab="webhooks",
        template="settings_webhook_delivery.html",
        query=_DELIVERED,
        opens=_READ,
        variables=_delivery,
        required="webhookDelivery",
        acts={"redeliver_one": Act(_AGAIN, _again, "The event is sent again.")},
    ),
    Section(
        path=f"{_ONE_PATH}/secret",
        tab="webhooks",
        template="settings_webhook_rotate.html",
        query=_BEFORE,
        opens=_WRITE,
        variables=_id,
        required="webhook",
        acts={"rotate_webhook": Act(_ROTATE, _rotate, page="settings_webhook_secret.html")},
    ),
    Section(
        path=f"{_ONE_PATH}/remove",
        tab="webhooks",
        template="settings_webhook_remove.html",
        query=_BEFORE,
        opens=_WRITE,
        variables=_id,
        required="webhook",
        acts={"remove_webhook": Act(_REMOVE, _id, "The webhook was removed.", leads_to=_to_the_list)},
    ),
)
