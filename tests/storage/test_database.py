"""Transactions: what is kept, what is undone, what is tried again, and what a caller is told when it fails."""

import contextlib
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import bindparam, event, select, update
from sqlalchemy.exc import DBAPIError

from rxauth.domain import organizations
from rxauth.domain.organizations import Organization
from rxauth.storage import alone, bounds, postgres
from rxauth.storage.database import ConflictError, Database, DatabaseUnavailableError, OutcomeUnknownError, Transaction
from rxauth.storage.engines import UnsupportedDatabaseError, parse_url
from rxauth.storage.tables.access import clients
from rxauth.storage.tables.access import organizations as table
from rxauth.storage.tables.audit import audit_reports
from rxauth.storage.tenancy import TenancyError, insert_row, sql
from tests.storage.test_migrations import administer
from tests.world import NOW, World

ADD_CLIENT = insert_row(clients)
ADD_DAY = insert_row(audit_reports)
DAYS = sql(select(audit_reports.c.day).order_by(audit_reports.c.day))
RENAME = sql(update(table).where(table.c.id == bindparam("the_id")).values(name=bindparam("the_name")))

MACHINE = sql(select(clients.c.id).where(clients.c.organization_id == bindparam("owner")))


class ChangedMindError(Exception):
    """What work of these tests raises of its own."""


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """A database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def other(world: World) -> Iterator[Database]:
    """The same database, as another process has it."""
    opened = world.open()
    yield opened
    opened.close()


def names(transaction: Transaction) -> list[str]:
    """Returns the names of the organizations."""
    return sorted(one.name for one in organizations.all_of_them(transaction))


def days(transaction: Transaction) -> list[int]:
    """Returns the days that something was reported of."""
    return [row.day for row in transaction.all(DAYS)]


def add_cedar(transaction: Transaction) -> Organization:
    """Adds an organization."""
    return organizations.create(transaction, "Cedar Clinic", NOW)


def test_what_is_written_is_there_for_another_process_when_write_returns(database: Database, other: Database) -> None:
    made = database.write(add_cedar)
    assert made in other.read(organizations.all_of_them)


def test_work_that_raises_leaves_nothing(database: Database) -> None:
    def work(transaction: Transaction) -> None:
        add_cedar(transaction)
        raise ChangedMindError

    with pytest.raises(ChangedMindError):
        database.write(work)
    assert database.read(names) == ["Alder Clinic", "Birch Clinic"]
    database.write(add_cedar)  # the connection is as good as new
    assert len(database.read(names)) == 3


def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises((DBAPIError, DatabaseUnavailableError)):
        database.read(add_cedar)
    assert database.read(names) == ["Alder Clinic", "Birch Clinic"]


def test_a_transaction_of_one_organization_takes_no_statement_for_another(world: World, database: Database) -> None:
    for run in (database.read, database.write):
        with pytest.raises(TenancyError):
            run(
                lambda tx: tx.all(MACHINE, owner=world.birch.organization_id),
                organization_id=world.alder.organization_id,
            )


def test_a_read_sees_one_unchanging_view(database: Database, other: Database) -> None:
    def work(transaction: Transaction) -> tuple[list[str], list[str]]:
        before = names(transaction)
        other.write(add_cedar)
        return before, names(transaction)

    before, after = database.read(work)
    assert before == after
    assert "Cedar Clinic" in database.read(names)


def test_a_constraint_that_refuses_is_named_without_the_values(world: World, database: Database) -> None:
    owner = world.alder.organization_id
    second = {
        "id": "a-client",
        "organization_id": owner,
        "name": "A second one",
        "app_type": "non_interactive",
        "created_at": NOW,
        "disabled_at": None,
        "tokens_valid_after": 0,
        "third_party": False,
        "any_organization": False,
        "backchannel_logout_uri": None,
    }
    with pytest.raises(ConflictError) as refused:
        database.write(lambda tx: tx.run(ADD_CLIENT, **second))
    assert re.fullmatch(r"uq_clients_one_machine_client|.*clients\.organization_id", str(refused.value))
    assert refused.value.__cause__ is None
    assert owner not in str(refused.value)


def test_a_listener_hears_of_a_change_once_it_is_committed(database: Database, other: Database) -> None:
    heard: list[tuple[list[tuple[str, str]], list[str]]] = []
    database.listen(lambda announced: heard.append((list(announced), other.read(names))))

    def work(transaction: Transaction) -> None:
        add_cedar(transaction)
        transaction.announce("client", "one")
        transaction.announce("client", "two")

    database.write(work)
    assert heard == [([("client", "one"), ("client", "two")], ["Alder Clinic", "Birch Clinic", "Cedar Clinic"])]


def test_a_listener_hears_nothing_of_what_was_undone(database: Database) -> None:
    heard: list[object] = []
    database.listen(heard.append)

    def work(transaction: Transaction) -> None:
        transaction.announce("client", "one")
        raise ChangedMindError

    with pytest.raises(ChangedMindError):
        database.write(work)
    assert heard == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_deadlock_is_tried_again_and_both_commit(world: World, database: Database, other: Database) -> None:
    met = threading.Barrier(2, timeout=30)
    runs: list[str] = []

    def swap(who: str, first: str, second: str) -> None:
        def work(transaction: Transaction) -> None:
            runs.append(who)
            transaction.run(RENAME, the_id=first, the_name=who)
            if runs.count(who) == 1:
                met.wait()  # each holds the row that the other wants next
            transaction.run(RENAME, the_id=second, the_name=who)

        (database if who == "one" else other).write(work)

    alder, birch = world.alder.organization_id, world.birch.organization_id
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(swap, "one", alder, birch), threads.submit(swap, "two", birch, alder)]
        for one in done:
            one.result()
    assert set(runs) == {"one", "two"}
    assert len(runs) > 2  # whoever is tried again can be the first at the row once more, and meet the other again
    assert len(set(database.read(names))) == 1


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_database_that_refuses_every_attempt_is_unavailable(database: Database) -> None:
    runs: list[None] = []

    def work(transaction: Transaction) -> None:
        runs.append(None)
        transaction.connection.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(DatabaseUnavailableError, match="kept refusing"):
        database.write(work)
    assert len(runs) == 5


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_writer_waits_for_another_process(database: Database, other: Database) -> None:
    with ThreadPoolExecutor(1) as thread:

        def work(transaction: Transaction) -> None:
            add_cedar(transaction)
            waiting.append(thread.submit(other.write, lambda tx: organizations.create(tx, "Dogwood Clinic", NOW)))
            with pytest.raises(TimeoutError):
                waiting[0].result(timeout=0.2)

        waiting: list[Future[Organization]] = []
        database.write(work)
        waiting[0].result()
    assert database.read(names)[-2:] == ["Cedar Clinic", "Dogwood Clinic"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_readers_do_not_wait_for_a_writer(world: World, database: Database) -> None:
    with holding_the_write_lock(world):
        assert database.read(names) == ["Alder Clinic", "Birch Clinic"]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_connections_that_broke_while_idle_are_replaced_unnoticed(world: World, database: Database) -> None:
    together = threading.Barrier(3, timeout=30)

    def work(transaction: Transaction) -> list[str]:
        together.wait()
        return names(transaction)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: database.write(work), range(3)))
    disconnect(world)
    database.write(add_cedar)
    assert len(database.read(names)) == 3


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_connection_that_breaks_after_a_while_is_not_tried_anew(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stands still: another connection to it would wait for as long."""
    database.write(names)
    disconnect(world)
    monkeypatch.setattr(bounds, "AT_ONCE_S", -1.0)

    with pytest.raises(DatabaseUnavailableError):
        database.write(names)
    assert len(database.write(names)) == 2


def test_a_database_may_be_closed_twice(world: World) -> None:
    opened = world.open()
    opened.read(names)
    opened.close()
    opened.close()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_connection_that_breaks_inside_a_transaction_leaves_nothing(world: World, database: Database) -> None:
    def work(transaction: Transaction) -> None:
        add_cedar(transaction)
        disconnect(world)

    with pytest.raises(DatabaseUnavailableError):
        database.write(work)
    assert database.read(names) == ["Alder Clinic", "Birch Clinic"]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_connection_that_breaks_at_commit_leaves_unknown_what_was_kept(world: World, database: Database) -> None:
    for work in (add_cedar, names):
        with broken_at_commit(world, database), pytest.raises(DatabaseUnavailableError) as failed:
            database.write(work)
        assert isinstance(failed.value, OutcomeUnknownError)
    with broken_at_commit(world, database), pytest.raises(DatabaseUnavailableError) as failed:
        database.read(names)
    assert not isinstance(failed.value, OutcomeUnknownError)


def test_a_statement_alone_is_committed_once_or_refused(database: Database, other: Database) -> None:
    database.write_one(ADD_DAY, day=1, seq=1)
    assert other.read(days) == [1]
    with pytest.raises(ConflictError):
        database.write_one(ADD_DAY, day=1, seq=2)
    database.write_one(ADD_DAY, day=2, seq=2)
    assert other.read(days) == [1, 2]


def test_a_statement_alone_is_of_no_organization(database: Database) -> None:
    with pytest.raises(ValueError, match="row-level security"):
        database.write_one(MACHINE, owner="org_1")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_statement_alone_waits_for_another_writer(world: World, database: Database, other: Database) -> None:
    with ThreadPoolExecutor(1) as thread:
        with holding_the_write_lock(world):
            waiting = thread.submit(database.write_one, ADD_DAY, day=1, seq=1)
            while not database.connections_in_use()["writer"]:
                time.sleep(0.001)
            assert other.read(days) == []
        waiting.result()
    assert other.read(days) == [1]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_statement_alone_does_not_wait_for_ever(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "BUSY_TIMEOUT_S", 0.01)
    with holding_the_write_lock(world), pytest.raises(DatabaseUnavailableError):
        database.write_one(ADD_DAY, day=1, seq=1)
    assert database.times_unavailable == 1
    database.write_one(ADD_DAY, day=2, seq=2)
    assert database.read(days) == [2]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_statement_alone_outlives_its_connection_unless_nobody_knows_what_came_of_it(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.write_one(ADD_DAY, day=1, seq=1)
    disconnect(world)
    database.write_one(ADD_DAY, day=2, seq=2)
    disconnect(world)
    with pytest.raises(OutcomeUnknownError):
        database.write_one(ADD_DAY, day=2, seq=2)
    disconnect(world)
    monkeypatch.setattr(alone, "AT_ONCE_S", -1.0)
    with pytest.raises(OutcomeUnknownError):
        database.write_one(ADD_DAY, day=3, seq=3)
    assert database.read(days) == [1, 2]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_work_that_goes_on_after_its_connection_broke_ends_as_unavailable(world: World, database: Database) -> None:
    """As an operation does of whose fields one could not be read."""

    def work(transaction: Transaction) -> None:
        disconnect(world)
        with contextlib.suppress(DatabaseUnavailableError):
            names(transaction)

    for run in (database.read, database.write):
        with pytest.raises(DatabaseUnavailableError):
            run(work)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_database_that_takes_no_connections_is_unavailable(world: World, database: Database) -> None:
    with cut_off(world):
        for run in (database.read, database.write):
            with pytest.raises(DatabaseUnavailableError):
                run(names)
    assert database.read(names) == ["Alder Clinic", "Birch Clinic"]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_process_that_stops_inside_a_transaction_holds_nobody_up_and_can_commit_nothing_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "IDLE_TIMEOUT_MS", 100)
    lock = "SELECT id FROM organizations ORDER BY id FOR UPDATE"

    with contextlib.closing(world.open()) as stopped, contextlib.closing(world.open()) as second:

        def hold(transaction: Transaction) -> None:
            add_cedar(transaction)
            transaction.connection.exec_driver_sql(lock)
            second.write(lambda tx: tx.connection.exec_driver_sql(lock).all())  # waits until the server takes it away

        with pytest.raises(DatabaseUnavailableError):
            stopped.write(hold)
        assert second.read(names) == ["Alder Clinic", "Birch Clinic"]


def test_commits_are_durable_on_both_engines(database: Database) -> None:
    asked = "PRAGMA synchronous" if database.engines.is_sqlite else "SHOW synchronous_commit"
    found = database.write(lambda tx: tx.connection.exec_driver_sql(asked).scalar_one())
    assert found == (2 if database.engines.is_sqlite else "on")  # 2 is FULL


def test_every_connection_to_sqlite_checks_foreign_keys(sqlite_world: World) -> None:
    opened = sqlite_world.open()
    for run in (opened.read, opened.write):
        assert run(lambda tx: tx.connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one()) == 1
    opened.close()


def test_values_stay_out_of_what_the_drivers_say(database: Database) -> None:
    with database.engines.writer.connect() as connection, pytest.raises(DBAPIError) as failed:
        connection.execute(RENAME.clause, {"the_id": "x", "the_name": object()})
    assert "[SQL parameters hidden" in str(failed.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "rxauth.sqlite",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "mysql://root@localhost/rxauth",
        "postgresql:",
    ],
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UnsupportedDatabaseError):
        parse_url(url)


@contextlib.contextmanager
def holding_the_write_lock(world: World) -> Iterator[None]:
    """Keeps every other writer out of an SQLite database."""
    holder = sqlite3.connect(str(parse_url(world.settings.database_url).database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def database_name(world: World) -> str:
    """Returns the name of a world's database in the cluster."""
    return str(parse_url(world.settings.database_url).database)


def disconnect(world: World) -> None:
    """Ends every connection to a world's database, as a restart of PostgreSQL does."""
    name = database_name(world)
    administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


@contextlib.contextmanager
def cut_off(world: World) -> Iterator[None]:
    """Lets nobody connect to a world's database."""
    name = database_name(world)
    administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    disconnect(world)
    try:
        yield
    finally:
        administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@contextlib.contextmanager
def broken_at_commit(world: World, database: Database) -> Iterator[None]:
    """Ends the connections of a world when somebody is about to commit."""

    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement == "COMMIT":
            disconnect(world)

    both = (database.engines.reader, database.engines.writer)
    for engine in both:
        event.listen(engine, "before_cursor_execute", end)
    try:
        yield
    finally:
        for engine in both:
            event.remove(engine, "before_cursor_execute", end)
