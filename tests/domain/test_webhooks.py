"""The outbox of webhooks: an event goes with its act, to those who want it, and is forgotten in time."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from rxauth.domain import webhook_deliveries, webhook_log, webhook_outbox, webhooks
from rxauth.domain.errors import AbsentError
from rxauth.domain.leases import Result
from rxauth.domain.webhook_log import KEPT_S, Delivery
from rxauth.domain.webhook_outbox import Happening
from rxauth.domain.webhooks import EVENTS
from rxauth.storage.database import Database, Transaction
from rxauth.storage.engines import parse_url
from rxauth.storage.months import LONGEST_MONTH_S
from tests.webhook_receiver import CREATED, SECRET, Post
from tests.world import NOW, StandingClock, World

URL = "https://receiver.example/hook"


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


def log(post: Post, organization_id: str | None = None) -> list[Delivery]:
    """Returns an organization's deliveries, oldest first."""
    return post.database.read(lambda tx: webhook_log.log(tx, organization_id or post.organization_id, 100))[::-1]


def test_an_event_goes_with_its_act_or_not_at_all(post: Post) -> None:
    post.webhook(URL)

    def fail(transaction: Transaction) -> None:
        webhook_outbox.emit(transaction, post.organization_id, Happening(CREATED, "ord_1", NOW * 1_000), dict)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        post.database.write(fail)
    assert log(post) == []
    post.happen("ord_1")
    assert [one.subject for one in log(post)] == ["ord_1"]


def test_only_those_hear_of_an_event_who_want_it_and_whose_it_is(post: Post) -> None:
    wanting, everything = post.webhook(URL, filters=(CREATED,)), post.webhook(URL)
    post.webhook(URL, filters=tuple(one for one in EVENTS if one != CREATED))
    post.happen("ord_1")
    assert {one.webhook_id for one in log(post)} == {wanting.id, everything.id}
    assert len(log(post)) == 2
    assert len({one.event_id for one in log(post)}) == 1
    assert log(post, post.world.birch.organization_id) == []
    with pytest.raises(AbsentError):
        post.database.write(lambda tx: webhooks.delete(tx, post.world.birch.organization_id, wanting.id, NOW))


def test_nothing_is_made_of_an_event_that_nobody_wants(post: Post) -> None:
    def data() -> dict[str, str]:
        raise AssertionError("asked for what nobody wants")

    happened = Happening(CREATED, "ord_1", NOW * 1_000)
    post.database.write(lambda tx: webhook_outbox.emit(tx, post.organization_id, happened, data))
    assert log(post) == []


def test_a_deleted_webhook_hears_of_nothing_any_more(post: Post) -> None:
    webhook = post.webhook(URL)
    post.happen("ord_1")
    post.database.write(lambda tx: webhooks.delete(tx, post.organization_id, webhook.id, NOW))
    post.happen("ord_2")
    assert [(one.subject, one.state, one.outcome) for one in log(post)] == [("ord_1", "dead", "webhook_deleted")]
    assert not post.database.read(lambda tx: webhook_deliveries.is_due(tx, [], NOW))
    for reference in (webhook.id, log(post)[0].id, "dlv_nothing"):
        with pytest.raises(AbsentError):
            post.database.write(lambda tx, one=reference: webhook_log.redeliver(tx, one, NOW))  # type: ignore[misc]


def test_what_is_over_is_forgotten_in_time_and_what_waits_is_not(post: Post, clock: StandingClock) -> None:
    post.webhook(URL)
    for subject in ("ord_1", "ord_2"):
        post.happen(subject)
    claimed = post.database.write(lambda tx: webhook_deliveries.claim(tx, [], NOW))
    assert claimed is not None
    taken = Result("http_200", is_taken=True, is_final=False, ended_at=NOW, took_ms=1)
    post.database.write(lambda tx: webhook_deliveries.settle(tx, claimed, taken))
    kept_s = KEPT_S if post.database.engines.is_sqlite else KEPT_S + LONGEST_MONTH_S
    post.database.write(lambda tx: webhook_log.forget(tx, NOW + kept_s))
    assert len(log(post)) == 2
    overdue = [post.database.read(partial(webhook_log.overdue_s, now=NOW + kept_s + late_s)) for late_s in (0, 7)]
    assert overdue == [0, 7]
    post.database.write(lambda tx: webhook_log.forget(tx, NOW + kept_s + 1))
    assert [one.subject for one in log(post)] == ["ord_2"]
    assert post.database.read(partial(webhook_log.overdue_s, now=NOW + kept_s + 7)) == 0


def test_no_secret_is_in_the_database_or_in_a_printed_record(sqlite_world: World, clock: StandingClock) -> None:
    database = sqlite_world.open()
    post = Post(sqlite_world, clock, database)
    made = post.webhook(URL)
    post.happen("ord_1")
    claimed = database.write(lambda tx: webhook_deliveries.claim(tx, [], NOW))
    database.close()
    assert claimed is not None
    assert claimed.secrets(sqlite_world.settings.sealing_key, webhooks.purpose(made.id)) == [SECRET]
    files = Path(str(parse_url(sqlite_world.settings.database_url).database))
    kept = b"".join(path.read_bytes() for path in files.parent.glob(f"{files.name}*"))
    assert SECRET.encode() not in kept
    for text in (SECRET, "receiver.example", 'ord_1"'):
        assert text not in f"{made!r} {claimed!r} {post.keeper()!r} {webhooks.Wanted(URL, secret=SECRET)!r}"
