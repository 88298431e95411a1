"""What became of a webhook's events, over the API: the log, sending again, a test, and a secret that changes."""

from collections.abc import Iterator
from typing import Any

import pytest

from rxauth.domain import webhook_outbox, webhook_states
from rxauth.domain.webhook_outbox import Happening
from rxauth.domain.webhooks import EVENTS, OVERLAP_LIMIT_S, Keeper
from rxauth.edge.webhook_sender import WebhookSender
from rxauth.policy.roles import Role
from tests.api.answers import code, every_page, the_error
from tests.api.management.people import Clinic
from tests.live import Live
from tests.webhook_receiver import CREATED, LOOPBACK, SECRET, Receiver

DELIVERY = """
fragment Whole on WebhookDelivery {
  id webhookId eventId event subject state createdAt nextAttemptAt settledAt attemptCount
  attempts { number endedAt tookMs statusCode error }
}"""
WEBHOOK = f"""{DELIVERY}
fragment Shown on WebhookConfig {{
  id name url filters createdAt previousSecretUntil sharedSecret state waiting dead lastDelivery {{ ...Whole }}
}}"""
ONE = f"{WEBHOOK} query($id: ID!) {{ webhook(id: $id) {{ ...Shown }} }}"
ALL = f"{WEBHOOK} query {{ webhooks {{ ...Shown }} }}"
LOG = f"""{DELIVERY} query($webhookId: ID!, $state: WebhookDeliveryState, $after: ID, $first: Int) {{
  webhookDeliveries(webhookId: $webhookId, state: $state, after: $after, first: $first) {{ ...Whole }}
}}"""
DELIVERED = f"{DELIVERY} query($id: ID!) {{ webhookDelivery(id: $id) {{ ...Whole }} }}"
ADD = f"""{WEBHOOK} mutation($url: String!, $filters: [String!], $sharedSecret: String) {{
  addWebhook(url: $url, filters: $filters, sharedSecret: $sharedSecret) {{ ...Shown }}
}}"""
ROTATE = f"""{WEBHOOK} mutation($id: ID!, $sharedSecret: String, $overlapHours: Int) {{
  rotateWebhookSecret(id: $id, sharedSecret: $sharedSecret, overlapHours: $overlapHours) {{ ...Shown }}
}}"""
TEST = f"{DELIVERY} mutation($id: ID!) {{ sendTestWebhook(id: $id) {{ ...Whole }} }}"
AGAIN = f"{DELIVERY} mutation($deliveryId: ID!) {{ redeliverWebhook(deliveryId: $deliveryId) {{ ...Whole }} }}"
ALL_AGAIN = "mutation($webhookId: ID!) { redeliverDeadWebhooks(webhookId: $webhookId) }"
DELETE = "mutation($id: String!) { deleteWebhookConfig(id: $id) }"


class Post:
    """A clinic whose developer keeps webhooks that may lead to this machine, and a receiver there."""

    def __init__(self, live: Live) -> None:
        live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
        self.live = live
        self.clinic = Clinic(live)
        self.developer = self.clinic.somebody(Role.DEVELOPER)
        self.receiver = Receiver()

    def ask(self, document: str, **variables: Any) -> Any:
        """Sends what must succeed; returns the only root field's answer."""
        [found] = self.live.data(self.developer.token, document, variables).values()
        return found

    def refused(self, document: str, **variables: Any) -> Any:
        """Sends what must be refused; returns what stands beside the message."""
        return the_error(self.live.graphql(self.developer.token, document, variables))["extensions"]

    def add(self, **variables: Any) -> Any:
        """Adds a webhook."""
        return self.ask(ADD, **({"url": self.receiver.url} | variables))

    def happen(self, subject: str, event: str = CREATED, **data: Any) -> None:
        """Has something happen."""
        happened = Happening(event, subject, self.live.clock.milliseconds())
        organization_id = self.clinic.holders.organization_id
        self.clinic.holders.write(lambda tx: webhook_outbox.emit(tx, organization_id, happened, lambda: data))

    def deliver(self) -> int:
        """Delivers what is due."""
        server = self.live.server
        return WebhookSender(server.database, self.live.clock, server.sealing_key, LOOPBACK).deliver()


@pytest.fixture
def post(live: Live) -> Iterator[Post]:
    """A clinic with webhooks on each engine."""
    made = Post(live)
    yield made
    made.receiver.stop()


@pytest.fixture
def lone_post(sqlite_live: Live) -> Iterator[Post]:
    """A clinic with webhooks on one engine, for what does not depend on it."""
    made = Post(sqlite_live)
    yield made
    made.receiver.stop()


def test_a_test_is_a_signed_event_whatever_the_webhook_wants_and_the_log_has_it(post: Post) -> None:
    made = post.add(filters=[EVENTS[0]])
    assert made["sharedSecret"].startswith("rxw_")
    webhook_id = made["id"]
    before = post.ask(ONE, id=webhook_id)
    assert before == made | {"sharedSecret": None}
    assert (before["state"], before["waiting"], before["dead"], before["lastDelivery"]) == ("UNTRIED", 0, 0, None)
    assert before["createdAt"] == "2026-11-23T12:00:00.000Z"

    sent = post.ask(TEST, id=webhook_id)

    assert sent == {
        "id": sent["id"],
        "webhookId": webhook_id,
        "eventId": sent["eventId"],
        "event": webhook_states.TEST,
        "subject": webhook_id,
        "state": "WAITING",
        "createdAt": "2026-11-23T12:00:00.000Z",
        "nextAttemptAt": "2026-11-23T12:00:00.000Z",
        "settledAt": None,
        "attemptCount": 0,
        "attempts": [],
    }
    assert post.ask(ONE, id=webhook_id)["waiting"] == 1
    assert post.refused(TEST, id=webhook_id) == {"code": "CONFLICT", "field": "id"}
    assert post.deliver() == 1
    [got] = post.receiver.got
    assert got.is_signed_with(made["sharedSecret"])
    assert {name: got.event[name] for name in ("id", "type", "subject", "data")} == {
        "id": sent["eventId"],
        "type": "rxauth:webhook:test",
        "subject": webhook_id,
        "data": {"id": webhook_id},
    }
    [shown] = post.ask(LOG, webhookId=webhook_id)
    [attempt] = shown["attempts"]
    assert shown == sent | {
        "state": "DELIVERED",
        "nextAttemptAt": None,
        "settledAt": "2026-11-23T12:00:00.000Z",
        "attemptCount": 1,
        "attempts": [
            {
                "number": 1,
                "endedAt": "2026-11-23T12:00:00.000Z",
                "tookMs": attempt["tookMs"],
                "statusCode": 200,
                "error": None,
            }
        ],
    }
    assert post.ask(DELIVERED, id=sent["id"]) == shown
    after = post.ask(ONE, id=webhook_id)
    assert (after["state"], after["waiting"], after["lastDelivery"]) == ("WORKING", 0, shown)
    assert post.ask(TEST, id=webhook_id)["id"] != sent["id"]
    [one, _] = post.clinic.recorded("webhook.tested")
    assert (one["actorId"], one["target"]) == (post.developer.id, webhook_id)


def test_what_is_dead_is_counted_and_sent_again_with_its_own_identifier(post: Post) -> None:
    webhook_id = post.add()["id"]
    post.receiver.judge = lambda _got: 410
    post.happen("ord_1")
    post.deliver()
    [dead] = post.ask(LOG, webhookId=webhook_id, state="DEAD")
    assert [one["statusCode"] for one in dead["attempts"]] == [410]
    [listed] = post.ask(ALL)
    assert (listed["state"], listed["dead"], listed["waiting"], listed["lastDelivery"]) == ("FAILING", 1, 0, dead)

    again = post.ask(AGAIN, deliveryId=dead["id"])

    assert (again["state"], again["settledAt"], again["nextAttemptAt"]) == ("WAITING", None, dead["createdAt"])
    assert post.refused(AGAIN, deliveryId=dead["id"]) == {"code": "CONFLICT", "field": "deliveryId"}
    assert post.refused(AGAIN, deliveryId="dlv_nothing") == {"code": "NOT_FOUND", "field": "deliveryId"}
    post.receiver.judge = lambda _got: 204
    assert post.deliver() == 1
    [delivered] = post.ask(LOG, webhookId=webhook_id)
    assert delivered["state"] == "DELIVERED"
    assert [one["statusCode"] for one in delivered["attempts"]] == [410, 204]
    assert {got.event["id"] for got in post.receiver.got} == {dead["eventId"]}
    assert (post.ask(ONE, id=webhook_id)["state"], post.ask(ONE, id=webhook_id)["dead"]) == ("WORKING", 0)
    [record] = post.clinic.recorded("webhook.redelivered")
    assert (record["actorId"], record["target"]) == (post.developer.id, dead["id"])


def test_all_that_is_dead_is_sent_again_the_oldest_first(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_states, "REDELIVERED_AT_ONCE", 2)
    webhook_id, other = post.add()["id"], post.add()["id"]
    post.receiver.judge = lambda _got: 400
    for number in range(3):
        post.happen(f"ord_{number}")
    post.deliver()
    assert [post.ask(ALL_AGAIN, webhookId=webhook_id) for _ in range(3)] == [2, 1, 0]
    assert [post.ask(ONE, id=one)["dead"] for one in (webhook_id, other)] == [0, 3]
    records = post.clinic.recorded("webhook.redelivered")
    assert [(one["target"], one["details"]) for one in records] == [
        (webhook_id, {"deliveries": "2"}),
        (webhook_id, {"deliveries": "1"}),
    ]
    post.ask(DELETE, id=other)
    assert post.refused(ALL_AGAIN, webhookId=other) == {"code": "NOT_FOUND", "field": "webhookId"}
    assert post.refused(TEST, id=other) == {"code": "NOT_FOUND", "field": "id"}
    gone = post.ask(LOG, webhookId=other)
    assert len(gone) == 3
    assert post.refused(AGAIN, deliveryId=gone[0]["id"]) == {"code": "CONFLICT", "field": "deliveryId"}


def test_a_page_of_the_log_begins_after_the_last_one_seen(post: Post) -> None:
    webhook_id, elsewhere = post.add(filters=[CREATED])["id"], post.add(filters=[EVENTS[1]])["id"]
    post.receiver.judge = lambda got: 400 if got.event["subject"] in {"ord_1", "ord_3"} else 200
    for number in range(5):
        post.happen(f"ord_{number}")
    post.deliver()
    post.happen("ord_5")

    def shown(state: str | None) -> list[str]:
        subjects: dict[str, str] = {}

        def fetch(seen: list[str]) -> list[str]:
            found = post.ask(LOG, webhookId=webhook_id, state=state, after=seen[-1] if seen else None, first=2)
            subjects.update({one["id"]: one["subject"] for one in found})
            return [one["id"] for one in found]

        return [subjects[one] for one in every_page(fetch)]

    assert shown(None) == [f"ord_{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert shown("DEAD") == ["ord_3", "ord_1"]
    assert shown("DELIVERED") == ["ord_4", "ord_2", "ord_0"]
    assert shown("WAITING") == ["ord_5"]
    assert post.ask(LOG, webhookId=elsewhere) == []
    assert post.ask(LOG, webhookId="whk_nothing") == []
    for after in ("dlv_nothing", "\x7f\x7f", "' OR 1=1 --", "é" * 1_000):
        assert post.ask(LOG, webhookId=webhook_id, after=after) == []
    assert post.refused(LOG, webhookId=webhook_id, first=0)["code"] == "BAD_USER_INPUT"


def test_the_log_says_why_nobody_answered_and_nothing_of_what_the_event_said(lone_post: Post) -> None:
    lone_post.add(url="http://127.0.0.1:1/hook")
    lone_post.happen("ord_1", name="Wilhelmina")
    lone_post.deliver()
    [webhook] = lone_post.ask(ALL)
    assert webhook["state"] == "FAILING"
    [attempt] = webhook["lastDelivery"]["attempts"]
    assert (attempt["statusCode"], attempt["error"]) == (None, "no_answer")
    assert webhook["lastDelivery"]["nextAttemptAt"] == "2026-11-23T12:00:05.000Z"
    assert "Wilhelmina" not in str(webhook)


def test_a_new_secret_is_shown_once_and_the_one_before_is_good_for_as_long_as_asked(post: Post) -> None:
    webhook_id = post.add(sharedSecret=SECRET)["id"]
    assert post.ask(ONE, id=webhook_id)["sharedSecret"] is None

    def taken_by(secret: str) -> int:
        post.receiver.judge = lambda got: 200 if got.is_signed_with(secret) else 401
        post.happen(f"ord_{secret}")
        return post.deliver()

    made = post.ask(ROTATE, id=webhook_id)
    assert made["sharedSecret"].startswith("rxw_")
    assert made["previousSecretUntil"] == "2026-11-24T12:00:00.000Z"
    assert post.ask(ONE, id=webhook_id) == post.ask(ALL)[0]
    assert [taken_by(SECRET), taken_by(made["sharedSecret"])] == [1, 1]

    given = post.ask(ROTATE, id=webhook_id, sharedSecret="given", overlapHours=0)
    assert (given["sharedSecret"], given["previousSecretUntil"]) == (None, None)
    assert [taken_by("given"), taken_by(made["sharedSecret"])] == [1, 0]

    for hours in (-1, OVERLAP_LIMIT_S // 3_600 + 1, 2**31 - 1):
        refused = post.refused(ROTATE, id=webhook_id, overlapHours=hours)
        assert refused == {"code": "BAD_USER_INPUT", "field": "overlapHours"}
    assert post.refused(ROTATE, id=webhook_id, sharedSecret="with a space")["field"] == "sharedSecret"
    assert post.refused(ROTATE, id="whk_nothing") == {"code": "NOT_FOUND", "field": "id"}
    assert taken_by("given") == 1
    records = post.clinic.recorded("webhook.changed")
    assert [one["details"] for one in records] == [{"shared_secret": "1"}] * 2
    assert not any(text in str(records) for text in (made["sharedSecret"], "given", "127.0.0.1"))


def test_a_secret_that_was_shown_is_not_shown_to_a_repeat(lone_post: Post) -> None:
    """M-20, M-21."""
    for document, variables in ((ADD, {"url": lone_post.receiver.url}), (ROTATE, {"id": lone_post.add()["id"]})):
        first, second = (
            lone_post.live.graphql(
                lone_post.developer.token, document, variables, **{"Idempotency-Key": f"key-{len(document)}"}
            )
            for _ in "ab"
        )
        [made] = first.json()["data"].values()
        assert the_error(second)["extensions"]["reason"] == "answer_not_kept"
        assert made["sharedSecret"] not in second.text
    assert len(lone_post.ask(ALL)) == 2


def test_the_events_that_there_are_can_be_asked_for(lone_post: Post) -> None:
    assert lone_post.ask("{ webhookEvents }") == list(EVENTS)


def test_another_organizations_webhooks_and_deliveries_are_not_there(post: Post) -> None:
    """M-10."""
    webhook_id = post.add()["id"]
    sent = post.ask(TEST, id=webhook_id)
    post.receiver.judge = lambda _got: 400
    post.deliver()
    birch = post.live.world.birch.organization_id
    theirs = post.clinic.somebody(Role.DEVELOPER, organization_id=birch).token
    for document, name, real, absent in (
        (ONE, "id", webhook_id, "whk_nothing"),
        (LOG, "webhookId", webhook_id, "whk_nothing"),
        (LOG, "after", sent["id"], "dlv_nothing"),
        (DELIVERED, "id", sent["id"], "dlv_nothing"),
        (ROTATE, "id", webhook_id, "whk_nothing"),
        (TEST, "id", webhook_id, "whk_nothing"),
        (AGAIN, "deliveryId", sent["id"], "dlv_nothing"),
        (ALL_AGAIN, "webhookId", webhook_id, "whk_nothing"),
    ):
        base = {"webhookId": webhook_id} if name == "after" else {}
        answers = [post.live.graphql(theirs, document, base | {name: one}) for one in (real, absent)]
        assert answers[0].json() == answers[1].json(), document
        assert sent["eventId"] not in answers[0].text
    assert post.live.data(theirs, ALL) == {"webhooks": []}
    assert post.ask(ONE, id=webhook_id)["dead"] == 1
    assert len(post.receiver.got) == 1


def test_who_keeps_webhooks_and_who_does_not(lone_post: Post) -> None:
    """Decision 23: a machine that was given the permissions keeps webhooks too."""
    live, clinic = lone_post.live, lone_post.clinic
    webhook_id = lone_post.add()["id"]
    asked: dict[str, dict[str, Any]] = {
        ONE: {"id": webhook_id},
        LOG: {"webhookId": webhook_id},
        DELIVERED: {"id": "dlv_nothing"},
        "{ webhookEvents }": {},
        ADD: {"url": lone_post.receiver.url},
        ROTATE: {"id": webhook_id},
        TEST: {"id": webhook_id},
        AGAIN: {"deliveryId": "dlv_nothing"},
        ALL_AGAIN: {"webhookId": webhook_id},
    }
    machine = live.token(live.world.alder)
    people = {role: clinic.somebody(role).token for role in Role}
    keepers = {people.pop(Role.ADMINISTRATOR), people.pop(Role.DEVELOPER)}
    keepers.add(clinic.machine("read:webhook_config", "write:webhook_config"))
    for document, variables in asked.items():
        for token in (*people.values(), machine):
            assert code(live.graphql(token, document, variables)) == "FORBIDDEN", document
        for token in keepers:
            assert "FORBIDDEN" not in live.graphql(token, document, variables).text
