"""The access log's writer: never in an answer's way, in groups, bounded, and nothing lost in silence."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from rxauth.domain import access_records
from rxauth.domain.access_records import Access, Rows
from rxauth.domain.audit import Event
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.edge import access_log
from rxauth.edge.access_log import AccessLog
from rxauth.storage.database import Database, DatabaseUnavailableError, Transaction
from rxauth.storage.engines import parse_url
from tests.domain.test_audit import entries
from tests.live import Live
from tests.storage.test_database import holding_the_write_lock
from tests.world import NOW, StandingClock, TickingClock, World

EVERY_ONE = Page(1_000, FROM_THE_START)


def access(world: World, number: int = 0, patients: int = 1) -> Access:
    """Returns an operation that is to be recorded."""
    return Access(
        NOW * 1_000 + number,
        world.alder.organization_id,
        "client",
        world.alder.client_id,
        world.alder.client_id,
        "a-token",
        f"number{number}",
        ("patients",),
        "success",
        (),
        None,
        "request",
        frozenset(f"pat_{one}" for one in range(patients)),
    )


def names(database: Database, world: World) -> list[str | None]:
    """Returns the names of the operations that the log has, oldest first."""
    found = database.read(lambda tx: access_records.search(tx, world.alder.organization_id, EVERY_ONE))
    return [one.operation for one in found[::-1]]


def numbers(until: int, start: int = 0) -> list[str]:
    """Returns the names of so many operations."""
    return [f"number{number}" for number in range(start, until)]


@contextlib.contextmanager
def nobody_writes(world: World) -> Iterator[None]:
    """Has whatever writes into the access log wait; reading goes on."""
    url = parse_url(world.settings.owner_database_url or world.settings.database_url)
    if url.drivername == "sqlite":
        with holding_the_write_lock(world):
            yield
        return
    owner = create_engine(url)
    with owner.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE access_records IN SHARE ROW EXCLUSIVE MODE")
        yield
        connection.rollback()
    owner.dispose()


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The world's database."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def clock() -> StandingClock:
    """A clock by which the records have an order."""
    return TickingClock()


def make(world: World, database: Database, limit: int = 100) -> AccessLog:
    """Returns a writer that works when a test says so."""
    return AccessLog(database, StandingClock(), world.settings.sealing_key, limit)


def test_answers_leave_while_no_record_can_be_written_and_all_are_written_later(live: Live) -> None:
    token = live.token(live.world.alder)
    with nobody_writes(live.world):
        for number in range(20):
            live.data(token, f"query number{number} {{ orders {{ id }} }}")
        assert names(live.server.database, live.world) == []
    deadline = time.monotonic() + 20
    while names(live.server.database, live.world) != numbers(20):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_database_that_is_away_fails_no_answer_and_what_waited_is_written(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make(world, database)
    for number in range(3):
        writer.note(access(world, number))
    with monkeypatch.context() as away:
        away.setattr(database, "write", _unavailable)
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError):
                writer.write()
        writer.note(access(world, 3))
    writer.write()

    assert names(database, world) == numbers(4)


def test_what_does_not_fit_is_counted_and_the_number_is_a_record(world: World, database: Database) -> None:
    writer = make(world, database, limit=10)
    for number in range(8):
        writer.note(access(world, number))
    writer.write()
    for number in range(8, 10):
        writer.note(access(world, number))
    writer.write()

    assert names(database, world) == [*numbers(5), *numbers(10, 8)]
    [lost] = entries(world, Event.ACCESS_RECORDS_LOST)
    assert (lost["organization_id"], lost["count"], lost["reason"]) == (
        *(world.alder.organization_id, 3, "too_many_waited"),
    )


def test_a_group_whose_commit_was_not_heard_of_is_written_once(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, write = make(world, database), database.write
    writer.note(access(world))

    def unheard(work: object) -> None:
        write(work)  # type: ignore[arg-type]
        raise DatabaseUnavailableError("the connection broke")

    with monkeypatch.context() as broken:
        broken.setattr(database, "write", unheard)
        with pytest.raises(DatabaseUnavailableError):
            writer.write()
    writer.note(access(world, 1))
    writer.write()

    assert names(database, world) == numbers(2)


def test_many_are_written_in_groups_of_a_bounded_size(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "GROUP_ROWS", 10)
    writer = make(world, database, limit=1_000)
    sizes: list[int] = []
    add = access_records.add

    def counted(transaction: Transaction, rows: Rows) -> None:
        sizes.append(len(rows.records) + len(rows.patients))
        add(transaction, rows)

    monkeypatch.setattr(access_records, "add", counted)
    for number in range(12):
        writer.note(access(world, number, patients=30 if number == 5 else 2))
    writer.write()

    assert names(database, world) == numbers(12)
    assert sizes == [9, 6, 31, 9, 9]


def test_stopping_writes_what_is_left(world: World, database: Database) -> None:
    writer = make(world, database)
    writer.start()
    writer.note(access(world))
    writer.stop()

    assert names(database, world) == numbers(1)
    assert not [one for one in threading.enumerate() if one.name == "access-log" and one is writer._thread]


def test_a_server_that_is_stopped_leaves_no_record_behind(live: Live) -> None:
    token = live.token(live.world.alder)
    for number in range(3):
        live.data(token, f"query number{number} {{ orders {{ id }} }}")
    live.stop()

    database = live.world.open()
    assert names(database, live.world) == numbers(3)
    database.close()


def test_records_that_are_lost_when_a_process_ends_are_a_line_of_its_log(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    database = sqlite_world.open()
    writer = make(sqlite_world, database, limit=3)
    monkeypatch.setattr(database, "write", _unavailable)
    for number in range(4):
        writer.note(access(sqlite_world, number))
    writer.stop()
    database.close()

    printed = capfd.readouterr()
    assert "access_records_lost" in printed.out + printed.err
    assert "pat_0" not in printed.out + printed.err


def _unavailable(_work: object) -> None:
    raise DatabaseUnavailableError("it is away")
