"""The pages of webhooks: added, tested, read, sent again, changed and removed, each by whoever may, once."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from rxauth.domain import webhook_outbox, webhooks
from rxauth.domain.webhook_outbox import Happening
from rxauth.domain.webhooks import EVENTS, Keeper, Wanted, Webhook
from rxauth.edge.settings.webhooks import PATH, ROWS
from rxauth.edge.webhook_sender import WebhookSender
from rxauth.policy.roles import Role
from tests.edge.settings.desk import HOSTILE, Desk
from tests.live import Live
from tests.webhook_receiver import CREATED, LOOPBACK, SECRET, Receiver
from tests.world import NOW

URL: Final = "https://receiver.example/hook"
Open = Callable[..., Desk]


@pytest.fixture
def desk(sqlite_live: Live) -> Iterator[Open]:
    """Opens a desk for somebody with some roles, where webhooks may lead to this machine."""
    sqlite_live.edge.api.keeper = Keeper(sqlite_live.server.sealing_key, LOOPBACK)
    opened: list[Desk] = []

    def make(*roles: Role, **options: Any) -> Desk:
        opened.append(Desk(sqlite_live, *roles, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything, until a test says otherwise."""
    running = Receiver()
    yield running
    running.stop()


def added(live: Live, url: str = URL, organization_id: str | None = None) -> str:
    """Adds a webhook; returns its identifier."""
    keeper, where = Keeper(live.server.sealing_key, LOOPBACK), organization_id or live.world.alder.organization_id
    wanted = Wanted(url, secret=SECRET)
    return live.server.database.write(lambda tx: keeper.create(tx, where, wanted, NOW)).id


def kept(live: Live) -> list[Webhook]:
    """Returns the first organization's webhooks."""
    where = live.world.alder.organization_id
    return live.server.database.read(lambda tx: webhooks.all_of(tx, where))


def happen(live: Live, subject: str) -> None:
    """Has something happen."""
    happened = Happening(CREATED, subject, live.clock.milliseconds())
    where = live.world.alder.organization_id
    live.server.database.write(lambda tx: webhook_outbox.emit(tx, where, happened, lambda: {"notes": "Wilhelmina"}))


def deliver(live: Live) -> int:
    """Delivers what is due."""
    return WebhookSender(live.server.database, live.clock, live.server.sealing_key, LOOPBACK).deliver()


def test_a_webhook_is_added_tested_changed_and_removed(desk: Open, receiver: Receiver) -> None:
    one = desk(Role.DEVELOPER)
    assert one.open(PATH) == "Webhooks"
    assert "Add your first webhook" in one.text
    assert one.open(f"{PATH}/new") == "New webhook"
    one.do("add_webhook", url="http://10.0.0.1/hook", name="EMR", filters=EVENTS[0])
    assert one.status == 422
    assert "leads to an address that nothing is sent to" in one.text
    assert one.fields("add_webhook")["name"] == "EMR"
    assert one.fields("add_webhook")["filters"] == EVENTS[0]

    sent = one.fields("add_webhook") | {"url": receiver.url}
    assert one.do("add_webhook", url=receiver.url) == "The webhook was added"
    secret = one.part("shared-secret")
    assert secret.startswith("rxw_")
    assert one.browser.page.headers["cache-control"] == "no-store"
    again = one.browser.send("POST", f"{PATH}/new", data=sent)
    assert (again.status_code, secret in again.text, len(kept(one.live))) == (409, False, 1)

    [webhook] = kept(one.live)
    path = f"{PATH}/{webhook.id}"
    assert one.open(path) == "EMR"
    assert "Not tried yet" in one.text
    assert secret not in one.text
    one.do("test_webhook")
    assert "A test is on its way" in one.text
    one.do("test_webhook")
    assert (one.status, "A test is under way already" in one.text) == (409, True)
    assert deliver(one.live) == 1
    assert receiver.got[0].is_signed_with(secret)
    one.open(path)
    assert "Answered 200" in one.text
    assert "Works" in one.text

    one.do("change_webhook", name="", url="https://receiver.example/hook")
    assert "The webhook was changed." in one.text
    [changed] = kept(one.live)
    assert (changed.name, changed.url, changed.filters) == (None, "https://receiver.example/hook", (EVENTS[0],))
    assert one.open(f"{path}/remove") == "Remove the webhook?"
    assert one.do("remove_webhook") == "Webhooks"
    assert "The webhook was removed." in one.text
    assert kept(one.live) == []
    one.open(path)
    assert one.status == 404


def test_what_was_given_up_is_read_and_sent_again(desk: Open, receiver: Receiver) -> None:
    one = desk()
    path = f"{PATH}/{added(one.live, receiver.url)}"
    receiver.judge = lambda _got: 410
    for number in range(ROWS + 1):
        happen(one.live, f"ord_{number:02}")
    deliver(one.live)
    one.open(path)
    assert "ord_00" not in one.text
    assert f"ord_{ROWS:02}" in one.text
    assert "Answered 410" in one.text
    onward = next(part for part in one.text.split('"') if "?after=" in part)
    one.open(onward)
    assert "ord_00" in one.text
    one.open(f"{path}?state=delivered")
    assert "None is delivered." in one.text
    one.open(f"{path}?state=dead")
    delivery = next(part for part in one.text.split('"') if "/deliveries/" in part)
    assert one.open(delivery) == "Order created"
    assert "Answered 410" in one.text
    assert "Wilhelmina" not in one.text
    one.do("redeliver_one")
    assert "The event is sent again." in one.text
    assert "Waiting" in one.text
    receiver.judge = lambda _got: 200
    one.open(path)
    one.do("redeliver_dead")
    assert "are sent again" in one.text
    assert deliver(one.live) == ROWS + 1
    one.open(path)
    one.do("redeliver")
    assert deliver(one.live) == 1
    one.open(f"{path}?state=eaten")
    assert one.status == 200


def test_the_secret_is_changed_and_shown_once(desk: Open) -> None:
    one = desk()
    path = f"{PATH}/{added(one.live)}"
    assert one.open(f"{path}/secret") == "Change the secret"
    assert one.do("rotate_webhook") == "The secret was changed"
    first = one.part("shared-secret")
    assert "Until " in one.text
    one.open(f"{path}/secret")
    assert "A change is under way" in one.text
    one.do("rotate_webhook", shared_secret="with a space")
    assert (one.status, one.fields("rotate_webhook")["shared_secret"]) == (422, "with a space")
    one.do("rotate_webhook", shared_secret="mine-alone", overlap_hours="0")
    assert "signed with the secret that you entered" in one.text
    assert "signs nothing any more" in one.text
    one.open(path)
    assert not any(secret in one.text for secret in (first, "mine-alone"))


def test_a_stale_form_changes_nothing(desk: Open) -> None:
    one = desk()
    path = f"{PATH}/{added(one.live)}"
    one.open(path)
    stale = one.fields("change_webhook") | {"name": "Mine"}
    one.open(path)
    one.do("change_webhook", name="Theirs")
    assert one.browser.send("POST", path, data=stale).status_code == 409
    assert [webhook.name for webhook in kept(one.live)] == ["Theirs"]


def test_whatever_is_typed_is_shown_as_text(desk: Open) -> None:
    one = desk()
    webhook_id = added(one.live, "https://receiver.example/?a='<b>&")
    for path in (PATH, f"{PATH}/{webhook_id}"):
        one.open(path)
        assert "?a='<b>&" in one.text
        assert "<b>" not in one.browser.page.text
    one.do("change_webhook", name="x" * 10_000)
    assert (one.status, one.fields("change_webhook")["name"]) == (422, "x" * 10_000)
    one.do("change_webhook", name=HOSTILE, url=HOSTILE)
    assert one.status == 422
    one.do("change_webhook", url=URL)
    for path in (PATH, f"{PATH}/{webhook_id}", f"{PATH}/{webhook_id}/secret", f"{PATH}/{webhook_id}/remove"):
        one.open(path)
        assert HOSTILE in one.text
        assert "<script>alert" not in one.browser.page.text


def test_each_page_is_for_those_who_may(desk: Open) -> None:
    live = desk(Role.STAFF).live
    webhook_id = added(live)
    pages = [PATH, f"{PATH}/new", *(f"{PATH}/{webhook_id}{rest}" for rest in ("", "/secret", "/remove"))]
    for role in Role:
        one = desk(role) if role is not Role.STAFF else desk(Role.STAFF, Role.SUPPORT)
        may = role in {Role.ADMINISTRATOR, Role.DEVELOPER}
        for path in pages:
            one.open(path)
            assert one.status == (200 if may else 403), (role, path)
        if not may:
            answer = one.browser.send("POST", f"{PATH}/{webhook_id}/remove", data={"act": "remove_webhook"})
            assert answer.status_code == 403
    assert len(kept(live)) == 1


def test_another_organizations_webhook_is_not_there(desk: Open, receiver: Receiver) -> None:
    """M-10."""
    one = desk()
    birch = one.live.world.birch.organization_id
    theirs, mine = added(one.live, receiver.url, birch), added(one.live)
    there = desk(organization_id=birch)
    there.open(f"{PATH}/{theirs}")
    there.do("test_webhook")
    delivery = next(part for part in there.text.split('"') if "/deliveries/" in part).rpartition("/")[2]
    for path in ("", "/secret", "/remove", f"/deliveries/{delivery}"):
        one.open(f"{PATH}/{theirs}{path}")
        assert (one.status, receiver.url in one.text) == (404, False)
    one.open(f"{PATH}/{mine}/deliveries/{delivery}")
    assert one.status == 404
    one.open(f"{PATH}/{mine}")
    sent = one.fields("test_webhook")
    for act in ("test_webhook", "change_webhook", "redeliver", "redeliver_dead"):
        fields = sent | {"act": act, "webhook_id": theirs, "delivery_id": delivery, "url": URL, "once": act}
        one.browser.send("POST", f"{PATH}/{theirs}", data=fields)
        assert one.status in {403, 404}
        one.browser.send("POST", f"{PATH}/{mine}", data=fields)
    assert deliver(one.live) == 1
    [found] = one.live.server.database.read(lambda tx: webhooks.all_of(tx, birch))
    assert found.url == receiver.url


def test_the_lines_that_check_a_signature_take_what_is_genuine_and_nothing_else(desk: Open, receiver: Receiver) -> None:
    one = desk()
    webhook_id = added(one.live, receiver.url)
    one.open(f"{PATH}/{webhook_id}")
    written: dict[str, Any] = {}
    exec(one.part("snippet-python"), written)
    one.do("test_webhook")
    deliver(one.live)
    [got] = receiver.got
    assert written["is_genuine"](got.body, got.headers, SECRET)
    assert not written["is_genuine"](got.body, got.headers, "another")

    one.open(f"{PATH}/{webhook_id}")
    script = f"""{one.part("snippet-node")}
        const headers = {{ "x-photon-signature": process.argv[1] }};
        const body = Buffer.from(process.argv[2], "base64");
        console.log(isGenuine(body, headers, process.argv[3]), isGenuine(body, headers, "another"));
        console.log(isGenuine(body, {{}}, process.argv[3]));
    """
    signature, body = got.headers["x-photon-signature"], base64.b64encode(got.body).decode()
    command = ["node", "--input-type=module", "-e", script, signature, body, SECRET]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.split() == ["true", "false", "false"]
