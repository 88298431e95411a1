"""Deliveries to webhooks over real HTTP: signed as published, in order, at least once, and never given up quietly."""

import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from rxauth.domain import webhook_deliveries, webhook_log
from rxauth.domain.leases import LEASE_S, Result
from rxauth.domain.webhook_deliveries import PATIENCE
from rxauth.domain.webhook_log import Delivery
from rxauth.domain.webhooks import OVERLAP_S
from rxauth.edge.webhook_sender import AT_ONCE_TO_ONE
from rxauth.storage.database import Database, Transaction
from tests.webhook_receiver import SECRET, Got, Post, Receiver
from tests.world import NOW, StandingClock, World


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def post(world: World, database: Database, clock: StandingClock) -> Post:
    """The webhooks of a world."""
    return Post(world, clock, database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything, until a test says otherwise."""
    running = Receiver()
    yield running
    running.stop()


def deliveries(post: Post) -> list[Delivery]:
    """Returns the log of deliveries, oldest first."""
    return post.database.read(lambda tx: webhook_log.log(tx, post.organization_id, 100))[::-1]


def states(post: Post) -> list[tuple[str, str, int, str | None]]:
    """Returns what the log says of each delivery, oldest first."""
    return [(one.subject, one.state, one.attempts, one.outcome) for one in deliveries(post)]


def test_an_event_arrives_once_signed_and_in_the_published_form(post: Post, receiver: Receiver) -> None:
    post.webhook(receiver.url)
    post.happen("ord_1", name="Älder", quantity=30)
    assert [post.deliver(), post.deliver()] == [1, 0]
    [got] = receiver.got
    assert got.path == "/hook"
    assert got.is_signed_with(SECRET)
    assert got.headers["content-type"] == "application/cloudevents-batch+json"
    assert got.headers["x-photon-timestamp"] == str(NOW * 1_000)
    head = '"type":"photon:order:created","specversion":"1.0","datacontenttype":"application/json"'
    time = '"time":"2026-11-23T12:00:00.000Z"'
    tail = f'"subject":"ord_1","source":"org:{post.organization_id}","data":{{"name":"Älder","quantity":30}}'
    assert got.body.decode() == f'{{"id":"{got.event["id"]}",{head},{time},{tail}}}'
    assert states(post) == [("ord_1", "delivered", 1, "http_200")]


def test_a_subjects_events_wait_for_each_other_and_nobody_elses_do(
    post: Post, receiver: Receiver, clock: StandingClock
) -> None:
    post.webhook(receiver.url)
    is_down = True
    receiver.judge = lambda got: 503 if is_down and got.event["subject"] == "ord_1" else 200
    for number in range(3):
        post.happen("ord_1", number=number)
    post.happen("ord_2")
    assert post.deliver() == 1
    assert sorted(receiver.subjects()) == ["ord_1", "ord_2"]  # both were sent at once
    clock.advance(PATIENCE.first_pause_s)
    is_down = False
    receiver.got.clear()
    assert post.deliver() == 3
    assert [got.event["data"]["number"] for got in receiver.got] == [0, 1, 2]


def test_what_may_be_taken_later_is_tried_again(post: Post, receiver: Receiver) -> None:
    statuses = {f"ord_{status}": status for status in (301, 307, 408, 429, 500, 503)}
    post.webhook(receiver.url)
    receiver.judge = lambda got: statuses[got.event["subject"]]
    for subject in statuses:
        post.happen(subject)
    post.deliver()
    assert states(post) == [(subject, "waiting", 1, f"http_{status}") for subject, status in statuses.items()]


def test_what_is_refused_is_dead_until_somebody_sends_it_again(post: Post, receiver: Receiver) -> None:
    webhook = post.webhook(receiver.url)
    receiver.judge = lambda _got: 400
    post.happen("ord_1")
    post.happen("ord_1")
    post.deliver()
    assert states(post) == [("ord_1", "dead", 1, "http_400")] * 2
    receiver.judge = lambda _got: 204
    first = deliveries(post)[0].id
    assert post.database.write(lambda tx: webhook_log.redeliver(tx, first, NOW)) == (post.organization_id, 1)
    assert post.database.write(lambda tx: webhook_log.redeliver(tx, webhook.id, NOW)) == (post.organization_id, 1)
    assert post.deliver() == 2
    assert [got.event["id"] for got in receiver.got[2:]] == [got.event["id"] for got in receiver.got[:2]]
    tried = post.database.read(lambda tx: webhook_log.attempts_of(tx, post.organization_id, first))
    assert [(one.attempt, one.outcome) for one in tried] == [(1, "http_400"), (2, "http_204")]


def test_pauses_grow_over_days_and_then_the_event_is_dead(post: Post, database: Database, clock: StandingClock) -> None:
    post.webhook("http://127.0.0.1:1/hook")
    post.happen("ord_1")
    pauses: list[int] = []

    def fail(transaction: Transaction) -> None:
        claimed = webhook_deliveries.claim(transaction, [], clock.seconds())
        assert claimed is not None
        result = Result("http_500", is_taken=False, is_final=False, ended_at=clock.seconds(), took_ms=1)
        webhook_deliveries.settle(transaction, claimed, result)

    while True:
        database.write(fail)
        [one] = deliveries(post)
        if one.state != "waiting":
            break
        pauses.append(one.next_attempt_at - clock.seconds())
        clock.advance(pauses[-1])
    assert (pauses[0], pauses[-1], pauses) == (PATIENCE.first_pause_s, PATIENCE.longest_pause_s, sorted(pauses))
    gave_up_after_s = clock.seconds() - NOW
    assert PATIENCE.given_up_after_s <= gave_up_after_s < PATIENCE.given_up_after_s + PATIENCE.longest_pause_s
    assert states(post) == [("ord_1", "dead", len(pauses) + 1, "http_500")]
    assert len(pauses) < 30


def test_nobody_listening_and_no_such_name_are_tried_again(post: Post, receiver: Receiver) -> None:
    receiver.stop()
    post.webhook(receiver.url)
    post.webhook("https://receiver.invalid/hook")
    post.happen("ord_1")
    post.deliver()
    assert states(post) == [("ord_1", "waiting", 1, "no_answer")] * 2


def test_during_a_rotation_receivers_with_either_secret_take_the_event(
    post: Post, receiver: Receiver, clock: StandingClock
) -> None:
    webhook = post.webhook(receiver.url)
    post.database.write(
        lambda tx: post.keeper().change(tx, post.organization_id, webhook.id, clock.seconds(), secret="the-new-one")
    )
    taken = []
    for known in (SECRET, "the-new-one"):
        receiver.judge = lambda got, known=known: 200 if got.is_signed_with(known) else 401  # type: ignore[misc]
        post.happen(f"ord_{known}")
        taken.append(post.deliver())
    assert taken == [1, 1]
    clock.advance(OVERLAP_S)
    receiver.judge = lambda got: 200 if got.is_signed_with(SECRET) else 401
    post.happen("ord_late")
    assert post.deliver() == 0
    assert states(post)[-1] == ("ord_late", "dead", 1, "http_401")


def test_a_claimed_delivery_is_nobody_elses_until_its_lease_is_up(post: Post, database: Database) -> None:
    """Two claims, the first held open by hand: on PostgreSQL the second passes it by, on SQLite it waits."""
    post.webhook("http://127.0.0.1:1/hook")
    post.happen("ord_1")
    post.happen("ord_1")
    other, seen = post.world.open(), []

    def work(transaction: Transaction) -> object:
        mine = webhook_deliveries.claim(transaction, [], NOW)
        if not database.engines.is_sqlite:
            seen.append(other.write(lambda tx: webhook_deliveries.claim(tx, [], NOW)))
        return mine

    first = database.write(work)
    seen.append(other.write(lambda tx: webhook_deliveries.claim(tx, [], NOW + LEASE_S - 1)))
    other.close()
    assert isinstance(first, webhook_deliveries.Claimed)
    assert seen == [None] * len(seen)
    again = database.write(lambda tx: webhook_deliveries.claim(tx, [], NOW + LEASE_S))
    assert again is not None
    assert (again.id, again.attempt) == (first.id, 2)
    # Whoever had it before decides nothing any more, and what it saw is in the log.
    late = Result("http_400", is_taken=False, is_final=True, ended_at=NOW + LEASE_S, took_ms=1)
    database.write(lambda tx: webhook_deliveries.settle(tx, first, late))
    assert states(post)[0] == ("ord_1", "waiting", 2, None)


def test_a_slow_receiver_does_not_hold_up_the_others(post: Post, receiver: Receiver) -> None:
    held, quick = threading.Event(), Receiver()
    receiver.judge = lambda _got: 200 if held.wait(10) else 500
    post.webhook(receiver.url)
    post.webhook(quick.url)
    for number in range(AT_ONCE_TO_ONE + 2):
        post.happen(f"ord_{number}")
    seen: list[int] = []

    def judge(_got: Got) -> int:
        if len(quick.got) == AT_ONCE_TO_ONE + 2:
            seen.append(len(receiver.got))
            held.set()
        return 200

    quick.judge = judge
    assert post.deliver() == 2 * (AT_ONCE_TO_ONE + 2)
    quick.stop()
    assert seen == [AT_ONCE_TO_ONE]


def test_no_log_line_has_a_url_a_secret_or_anything_of_an_event(post: Post, receiver: Receiver) -> None:
    post.webhook(f"{receiver.url}?token=in-the-url")
    receiver.judge = lambda _got: 500 if len(receiver.got) == 1 else 200
    post.happen("ord_1", name="Wilhelmina")
    post.happen("ord_2")
    with capture_logs() as logged:
        post.deliver()
    assert {line["event"] for line in logged} == {"webhook_delivered", "webhook_not_delivered"}
    for text in ("in-the-url", "127.0.0.1", SECRET, "Wilhelmina"):
        assert text not in str(logged)
