"""The change feed: no change is lost, whatever the order of commits, and a process knows when it hears nothing."""

import threading
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, bindparam, select

from rxauth.domain.changes import KEPT_S, ChangeKind, Feed, Remembered, record
from rxauth.storage.database import Database, DatabaseUnavailableError, Transaction
from rxauth.storage.tables.access import changes
from rxauth.storage.tenancy import sql
from tests.storage.test_database import cut_off
from tests.world import NOW, World

AFTER = sql(select(changes.c.id, changes.c.subject_id).where(changes.c.id > bindparam("last")).order_by(changes.c.id))


class Ticks:
    """A monotonic clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Returns the moment at which it stands."""
        return self.now


class Open:
    """A transaction that a test commits by hand, as another process would in its own time."""

    def __init__(self, database: Database) -> None:
        self._connection: Connection = database.engines.writer.connect()
        self._connection.exec_driver_sql(database.engines.begin_write)
        self.transaction = Transaction(self._connection)

    def change(self, subject_id: str) -> None:
        """Records a change."""
        record(self.transaction, ChangeKind.CLIENT, subject_id, NOW)

    def end(self, how: str) -> None:
        """Commits or rolls back."""
        self._connection.exec_driver_sql(how)
        self._connection.close()


class NaiveReader:
    """What the feed must not be: it asks for rows with a higher number than the last one it saw."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = 0
        self.told: list[str] = []
        self.poll()
        self.told.clear()

    def poll(self) -> None:
        """Takes what it believes to be new."""
        for row in self._database.read(lambda tx: tx.all(AFTER, last=self._last)):
            self.told.append(row.subject_id)
            self._last = row.id


class Reader:
    """A process with a feed, and what it was told of the changes that a test made.

    It may be told of older ones too: another test's transaction, in another database, holds the mark back.
    """

    def __init__(self, database: Database, *ours: str) -> None:
        self.feed = Feed(database, 10)
        self.told: list[str] = []
        self.feed.on(ChangeKind.CLIENT, lambda subject_id: self.told.append(subject_id) if subject_id in ours else None)

    def poll(self) -> None:
        """Polls the feed."""
        self.feed.poll()


@pytest.fixture
def here(world: World) -> Iterator[Database]:
    """The database as the process that reads has it."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def there(world: World) -> Iterator[Database]:
    """The same database as a process that writes has it."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_change_that_commits_late_with_a_lower_number_is_not_lost(here: Database, there: Database) -> None:
    reader, naive = Reader(here, "early", "late"), NaiveReader(here)
    late, early = Open(there), Open(there)
    late.change("late")
    early.change("early")
    early.end("COMMIT")
    for one in (reader, naive):
        one.poll()
    late.end("COMMIT")
    for one in (reader, naive):
        one.poll()
        one.poll()
    assert reader.told == ["early", "late"]
    assert naive.told == ["early"]  # the history is one in which polling by number loses a revocation


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_change_of_a_transaction_that_began_first_and_wrote_last_is_not_lost(here: Database, there: Database) -> None:
    reader = Reader(here, "early", "late")
    late, early = Open(there), Open(there)
    late.transaction.connection.exec_driver_sql("SELECT pg_current_xact_id()")
    early.change("early")
    early.end("COMMIT")
    reader.poll()
    late.change("late")
    reader.poll()
    late.end("COMMIT")
    reader.poll()
    assert reader.told == ["early", "late"]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_change_under_way_when_the_process_starts_is_not_lost(here: Database, there: Database) -> None:
    late = Open(there)
    late.change("late")
    reader = Reader(here, "late")
    late.end("COMMIT")
    reader.poll()
    assert reader.told == ["late"]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_no_history_of_transactions_loses_a_change_or_tells_it_twice(here: Database, there: Database) -> None:
    steps = st.one_of(
        st.tuples(st.sampled_from(["change", "COMMIT", "ROLLBACK"]), st.integers(0, 2)), st.just(("poll", 0))
    )

    examples = count()

    @given(st.lists(steps, max_size=25))
    def check(history: list[tuple[str, int]]) -> None:
        example = next(examples)
        history = [*history, *(("COMMIT", who) for who in range(3)), ("poll", 0)]
        ours = [f"change {number} of example {example}" for number in range(len(history))]
        reader = Reader(here, *ours)
        under_way: dict[int, tuple[Open, list[str]]] = {}
        committed: list[str] = []
        for (step, who), name in zip(history, ours, strict=True):
            if step == "poll":
                reader.poll()
                assert Counter(reader.told) == Counter(committed)
            elif step == "change":
                if who not in under_way:
                    under_way[who] = (Open(there), [])
                under_way[who][0].change(name)
                under_way[who][1].append(name)
            elif who in under_way:
                transaction, changed = under_way.pop(who)
                transaction.end(step)
                committed += changed if step == "COMMIT" else []

    check()


def test_a_process_is_told_of_what_another_process_changed(here: Database, there: Database) -> None:
    reader = Reader(here, "one", "two", "a key")
    there.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))
    assert reader.told == []
    reader.poll()
    there.write(lambda tx: record(tx, ChangeKind.SIGNING_KEY, "a key", NOW))
    there.write(lambda tx: record(tx, ChangeKind.CLIENT, "two", NOW))
    reader.poll()
    reader.poll()
    assert reader.told == ["one", "two"]


def test_a_process_is_told_of_its_own_change_without_a_poll(here: Database) -> None:
    reader = Reader(here, "one")
    here.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))
    assert reader.told == ["one"]


def test_a_change_whose_listener_failed_is_told_again(here: Database, there: Database) -> None:
    reader = Reader(here)
    failures = [DatabaseUnavailableError("once")]

    def fail_once(_subject_id: str) -> None:
        if failures:
            raise failures.pop()

    reader.feed.on(ChangeKind.SIGNING_KEY, fail_once)
    told: list[str] = []
    reader.feed.on(ChangeKind.SIGNING_KEY, told.append)
    there.write(lambda tx: record(tx, ChangeKind.SIGNING_KEY, "a key", NOW))
    with pytest.raises(DatabaseUnavailableError):
        reader.poll()
    reader.poll()
    assert told == ["a key"]


def test_a_feed_polls_by_itself_until_it_is_stopped(here: Database, there: Database) -> None:
    told = threading.Event()
    feed = Feed(here, 10)
    feed.on(ChangeKind.CLIENT, lambda subject_id: told.set() if subject_id == "one" else None)
    threads_before = set(threading.enumerate())
    feed.start()
    there.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))
    assert told.wait(timeout=30)
    [polling] = [one for one in set(threading.enumerate()) - threads_before if one.name == "change-feed"]
    feed.stop()
    assert not polling.is_alive()


def test_a_feed_outlives_a_listener_that_fails_unexpectedly(here: Database, there: Database) -> None:
    told = threading.Event()
    failures = [ValueError("nobody expected it")]

    def fail_once(subject_id: str) -> None:
        if subject_id == "one" and failures:
            raise failures.pop()
        if subject_id == "one":
            told.set()

    feed = Feed(here, 10)
    feed.on(ChangeKind.CLIENT, fail_once)
    feed.start()
    there.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))
    assert told.wait(timeout=30)
    feed.stop()


def test_a_feed_is_fresh_for_as_long_as_the_bound_says(here: Database) -> None:
    ticks = Ticks()
    feed = Feed(here, 10, ticks)
    ticks.now += 10
    assert feed.is_fresh()
    ticks.now += 0.001
    assert not feed.is_fresh()
    feed.poll()
    assert feed.is_fresh()


def test_a_slow_answer_is_as_old_as_its_question(here: Database, there: Database) -> None:
    ticks = Ticks()
    feed = Feed(here, 10, ticks)

    def be_slow(subject_id: str) -> None:
        ticks.now += 10.001

    feed.on(ChangeKind.CLIENT, be_slow)
    there.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))
    feed.poll()
    assert not feed.is_fresh()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_process_cut_off_from_its_database_turns_stale_and_recovers(world: World, here: Database) -> None:
    ticks = Ticks()
    told: set[str] = set()
    feed = Feed(here, 10, ticks)
    feed.on(ChangeKind.CLIENT, told.add)
    there = world.open()
    there.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))
    there.close()
    with cut_off(world):
        ticks.now += 11
        with pytest.raises(DatabaseUnavailableError):
            feed.poll()
        assert not feed.is_fresh()
    feed.poll()
    assert feed.is_fresh()
    assert "one" in told


def test_a_process_that_stood_still_for_longer_than_rows_are_kept_forgets_all_it_remembered(world: World) -> None:
    """What it did not hear of may be gone from the feed: a revocation must not be missed for that."""
    database = world.open()
    feed = Feed(database, 5)
    remembered = Remembered(database, lambda _tx, identifier: identifier, 10)
    feed.on(ChangeKind.CLIENT, remembered.forget)
    remembered.fetch("one")
    feed.poll()
    assert remembered.peek("one") == "one"
    feed._heard_us -= (KEPT_S // 2 + 1) * 1_000_000
    feed.poll()
    assert remembered.peek("one") is None
    remembered.fetch("one")
    feed.poll()
    assert remembered.peek("one") == "one"
    database.close()
