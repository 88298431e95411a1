"""The operations of webhooks as the published SDK sends them, and the events that the API's own acts make."""

from typing import Any, Final

from rxauth.domain import webhook_log
from rxauth.domain.audit import Event
from rxauth.domain.webhooks import EVENTS, WEBHOOKS_LIMIT, Keeper
from rxauth.edge.webhook_sender import WebhookSender
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.domain.test_audit import entries
from tests.live import Live
from tests.prescribing import CANCEL, Practice
from tests.token_holders import Holders
from tests.webhook_receiver import LOOPBACK, SECRET, Receiver

FIELDS = "fragment WebhookFields on WebhookConfig { id name filters url }"
LIST = f"{FIELDS} query webhooks {{ webhooks {{ ...WebhookFields }} }}"
CREATE = f"""{FIELDS}
mutation createWebhook($name: String, $filters: [String], $sharedSecret: String, $url: String!) {{
  createWebhookConfig(name: $name, filters: $filters, sharedSecret: $sharedSecret, url: $url) {{ ...WebhookFields }}
}}"""
UPDATE = f"""{FIELDS}
mutation updateWebhook($id: ID!, $name: String, $filters: [String], $sharedSecret: String, $url: String) {{
  updateWebhookConfig(id: $id, name: $name, filters: $filters, sharedSecret: $sharedSecret, url: $url) {{
    ...WebhookFields
  }}
}}"""
DELETE = "mutation deleteWebhookConfig($id: String!) { deleteWebhookConfig(id: $id) }"
URL = "https://receiver.example/hook"
WRONG: Final[list[dict[str, Any]]] = [
    {"filters": ["photon:order:eaten"]},
    {"sharedSecret": "with a space"},
    {"sharedSecret": "s" * 257},
    {"name": " "},
    {"url": "http://receiver.example/hook"},
    {"url": "ftp://receiver.example/hook"},
    {"url": "https://user@receiver.example/hook"},
    {"url": "https://receiver.example/hook#here"},
    {"url": "https://receiver.example:0/hook"},
    {"url": "hook"},
]


def developer(live: Live, holders: Holders | None = None) -> str:
    """Returns the token of somebody who keeps webhooks, on a server that may call this machine."""
    live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
    holders = holders or Holders(live)
    return str(holders.tokens(holders.person(Role.DEVELOPER))["access_token"])


def create(live: Live, token: str, **values: Any) -> Any:
    """Makes a webhook."""
    return live.data(token, CREATE, {"url": URL, **values})["createWebhookConfig"]


def test_a_webhook_is_made_listed_changed_and_deleted_and_its_secret_is_never_shown(live: Live) -> None:
    token = developer(live)
    made = create(live, token, name="EMR", filters=[EVENTS[0], EVENTS[0]], sharedSecret=SECRET)
    assert made == {"id": made["id"], "name": "EMR", "filters": [EVENTS[0]], "url": URL}
    live.clock.advance(1)
    everything = create(live, token)
    assert everything == {"id": everything["id"], "name": None, "filters": None, "url": URL}
    assert live.data(token, LIST) == {"webhooks": [made, everything]}
    changed = live.data(token, UPDATE, {"id": made["id"], "sharedSecret": "another"})["updateWebhookConfig"]
    assert changed == made
    moved = live.data(token, UPDATE, {"id": made["id"], "url": f"{URL}/2", "filters": []})["updateWebhookConfig"]
    assert moved == made | {"url": f"{URL}/2", "filters": None}
    assert live.data(token, DELETE, {"id": made["id"]}) == {"deleteWebhookConfig": True}
    assert live.data(token, LIST) == {"webhooks": [everything]}
    assert code(live.graphql(token, DELETE, {"id": made["id"]})) == "NOT_FOUND"
    assert code(live.graphql(token, UPDATE, {"id": made["id"], "name": "EMR"})) == "NOT_FOUND"
    told = [entries(live.world, one) for one in (Event.WEBHOOK_CREATED, Event.WEBHOOK_CHANGED, Event.WEBHOOK_DELETED)]
    assert [[entry["target"] for entry in some] for some in told] == [
        [made["id"], everything["id"]],
        [made["id"]] * 2,
        [made["id"]],
    ]
    assert all(text not in str(told) for text in (SECRET, "another", "receiver.example"))


def test_what_no_webhook_can_be_is_refused_by_name(sqlite_live: Live) -> None:
    token = developer(sqlite_live)
    for wrong in WRONG:
        error = the_error(sqlite_live.graphql(token, CREATE, {"url": URL} | wrong))
        assert (wrong, error["extensions"]["code"]) == (wrong, "BAD_USER_INPUT")
        assert next(iter(wrong)) in error["message"]
    assert sqlite_live.data(token, LIST) == {"webhooks": []}


def test_an_organization_has_only_so_many(sqlite_live: Live) -> None:
    token = developer(sqlite_live)
    for _ in range(WEBHOOKS_LIMIT):
        create(sqlite_live, token)
    assert code(sqlite_live.graphql(token, CREATE, {"url": URL})) == "BAD_USER_INPUT"


def test_who_may_not_keep_webhooks_neither_sees_nor_changes_them(sqlite_live: Live) -> None:
    machine = sqlite_live.token(sqlite_live.world.alder)
    for document, values in ((LIST, {}), (CREATE, {"url": URL}), (DELETE, {"id": "whk_x"}), (UPDATE, {"id": "whk_x"})):
        assert code(sqlite_live.graphql(machine, document, values)) == "FORBIDDEN"


def test_a_prescription_that_is_written_and_canceled_is_heard_of_in_that_order(live: Live) -> None:
    practice, receiver = Practice(live), Receiver()
    create(live, developer(live, practice.holders), url=receiver.url, sharedSecret=SECRET)
    written = practice.create(externalId="emr-7", refillsAllowed=2, notes='Ünicode \u2028 "quoted"').json()
    prescription_id = written["data"]["createPrescription"]["id"]
    live.data(practice.token, CANCEL, {"id": prescription_id})
    assert code(live.graphql(practice.token, CANCEL, {"id": prescription_id})) == "BAD_USER_INPUT"  # says nothing more
    sender = WebhookSender(live.server.database, live.clock, live.server.sealing_key, LOOPBACK)
    assert sender.deliver() == 2
    receiver.stop()
    created, canceled = (got.event for got in receiver.got)
    assert [one["type"] for one in (created, canceled)] == [
        "photon:prescription:created",
        "photon:prescription:canceled",
    ]
    assert created["data"]["patient"]["id"] == practice.patients["NY"]
    assert created["data"]["id"] == prescription_id
    assert {name: created["data"][name] for name in ("externalId", "dispenseQuantity", "fillsAllowed")} == {
        "externalId": "emr-7",
        "dispenseQuantity": 30,
        "fillsAllowed": 3,
    }
    assert created["data"]["medicationId"] == created["data"]["treatmentId"] == practice.treatment
    assert created["data"]["prescriberId"] == practice.provider_id
    assert '"dispenseQuantity":30,' in receiver.got[0].body.decode()
    assert canceled["data"].keys() == {"id", "externalId", "patient"}


def test_what_was_refused_or_undone_is_never_heard_of(sqlite_live: Live) -> None:
    practice = Practice(sqlite_live)
    create(sqlite_live, developer(sqlite_live, practice.holders))
    refused = practice.create(sqlite_live.token(sqlite_live.world.alder))
    broken = practice.create(instructions=" ")
    assert "errors" in refused.json()
    assert "errors" in broken.json()
    database = sqlite_live.server.database
    assert database.read(lambda tx: webhook_log.log(tx, practice.organization_id, 10)) == []
