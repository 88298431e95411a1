"""The watch: hints end its wait, and whoever lost its connection listens again."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from rxauth.domain.changes import ChangeKind, Feed, record
from rxauth.storage import postgres as storage_postgres
from rxauth.storage.database import Database
from rxauth.storage.postgres import BoundedConnection
from tests.storage.test_database import disconnect
from tests.world import NOW, World, postgres_socket

LONG_S = 60.0


@pytest.fixture
def here(world: World) -> Iterator[Database]:
    """The database as the process that waits has it, once it has looked."""
    opened = world.open()
    Feed(opened, 10).poll()
    opened.watch.wait(0.1)
    yield opened
    opened.close()


@pytest.fixture
def there(world: World) -> Iterator[Database]:
    """The same database as another process has it."""
    opened = world.open()
    yield opened
    opened.close()


def change(database: Database) -> None:
    """Commits a change."""
    database.write(lambda tx: record(tx, ChangeKind.CLIENT, "one", NOW))


def waited_s(database: Database) -> float:
    """Waits for a hint; returns the seconds that it took."""
    began = time.monotonic()
    database.watch.wait(LONG_S)
    return time.monotonic() - began


def test_a_change_of_another_process_ends_the_wait(here: Database, there: Database) -> None:
    for _ in range(3):
        change(there)
        assert waited_s(here) < LONG_S / 2


def test_a_hint_that_comes_while_somebody_looks_is_not_lost(here: Database, there: Database) -> None:
    here.look(lambda _tx: change(there))
    here.look(lambda _tx: None)
    assert waited_s(here) < LONG_S / 2


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_watch_that_was_cut_off_listens_again(world: World, here: Database, there: Database) -> None:
    disconnect(world)
    Feed(here, 10).poll()
    change(there)
    assert waited_s(here) < LONG_S / 2


def test_a_watch_is_woken(here: Database) -> None:
    threading.Timer(0.05, here.watch.wake).start()
    assert waited_s(here) < LONG_S / 2


def test_the_delay_of_a_change_is_measured_by_the_clock_of_the_database(here: Database, there: Database) -> None:
    feed = Feed(here, 10)
    change(there)
    time.sleep(0.05)
    feed.poll()
    assert feed.delays.changes >= 1
    assert 0.02 <= feed.delays.longest_s < LONG_S
    assert 0 < feed.delays.total_s / feed.delays.changes <= feed.delays.longest_s


def test_a_watch_that_is_closed_twice_closes_nobody_elses_file(world: World) -> None:
    opened = world.open()
    opened.close()
    files = [os.pipe() for _ in range(8)]  # take the numbers that were given back
    opened.close()
    opened.watch.wake()
    for reads, writes in files:
        os.write(writes, b"ours")
        assert os.read(reads, 100) == b"ours"
        os.close(reads)
        os.close(writes)


def test_a_watch_hears_among_thousands_of_connections(world: World, there: Database) -> None:
    """select() would refuse what is numbered above 1023, and a process that reconnects is numbered so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    opened = world.open()
    try:
        Feed(opened, 10).poll()
        opened.watch.wait(0.1)
        change(there)
        assert waited_s(opened) < LONG_S / 2
    finally:
        opened.close()
        for one in files:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_machine_that_stood_still_did_not_wait_for_postgresql_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every statement that is under way when a machine goes on is given up."""
    waited: list[float] = []
    at_s = iter([0.0, 0.1, 3_600.1, 3_600.2])
    here, monotonic = threading.get_ident(), time.monotonic  # servers of other tests end beside this one
    told = SimpleNamespace(monotonic=lambda: next(at_s) if threading.get_ident() == here else monotonic())
    monkeypatch.setattr(storage_postgres, "time", told)
    with BoundedConnection.connect(f"host={postgres_socket()} user=postgres dbname=postgres") as connection:
        connection.is_in_vain = lambda waited_s: bool(waited.append(waited_s))  # type: ignore[func-returns-value]
        steps = connection._bounded(_nothing_comes())
        next(steps)
        for _ in range(3):
            steps.send(Ready.NONE)
        connection.is_in_vain = lambda _waited_s: False
        monkeypatch.undo()
    assert waited == pytest.approx([0.1, 0.6, 0.7])


def _nothing_comes() -> PQGen[None]:
    while True:
        yield Wait.R
