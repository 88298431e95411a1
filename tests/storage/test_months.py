"""Months on PostgreSQL: dividing a table loses nothing, nothing fails when nobody made a month, and old ones go."""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine

from rxauth.domain import (
    access_records,
    months,
    organizations,
    webhook_deliveries,
    webhook_log,
    webhook_outbox,
)
from rxauth.domain.access_records import Access
from rxauth.domain.leases import Result
from rxauth.domain.paging import page
from rxauth.domain.webhook_outbox import Happening
from rxauth.domain.webhooks import Keeper, Wanted
from rxauth.ids import new_ulid
from rxauth.storage import migrations
from rxauth.storage.database import Database, DatabaseUnavailableError, Transaction
from rxauth.storage.engines import parse_url
from rxauth.storage.migrations.months import AHEAD, WEBHOOKS_KEPT_DAYS
from rxauth.storage.migrations.row_security import grant_to_second_role
from rxauth.storage.tables import metadata
from tests.contract.test_docs import DOCS
from tests.domain.test_reference_plans import plans
from tests.postgres import binaries
from tests.storage.test_migrations import unmigrated
from tests.webhook_receiver import CREATED, LOOPBACK, SECRET, Post
from tests.world import StandingClock, World

DAY_MS = 86_400_000
BEFORE = "0031"  # the last revision without months
WEBHOOKS = ("webhook_events", "webhook_deliveries", "webhook_attempts")
ACCESSES = ("access_records", "access_record_patients")
KEY = b"key"


@pytest.fixture(params=["postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """SQLite keeps every month in one table."""
    return str(request.param)


@pytest.fixture
def owner(world: World) -> Iterator[Engine]:
    """Connections of the owner of a world's tables."""
    connected = world.owner()
    yield connected
    connected.dispose()


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def month(later: int) -> str:
    """Returns a month as the tables name it, so many after this one."""
    now = datetime.now(UTC)
    years, place = divmod(now.month - 1 + later, 12)
    return f"{now.year + years}_{place + 1:02}"


def parts(owner: Engine, table: str) -> dict[str, int]:
    """Returns what a table is divided into, with how many rows each part has."""
    asked = f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass"
    with owner.connect() as connection:
        names = [row[0] for row in connection.exec_driver_sql(asked)]
        return {
            name.removeprefix(f"{table}_"): connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in names
        }


def run(owner: Engine, *statements: str) -> None:
    """Runs statements as the owner of the tables."""
    with owner.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def access(organization_id: str, at_ms: int) -> Access:
    """Returns an operation that touched a patient."""
    who = ("person", "usr_1", "c" * 32, "token")
    return Access(at_ms, organization_id, *who, None, ("patients",), "success", (), None, "r", frozenset(["pat_1"]))


def note(transaction: Transaction, organization_id: str, at_ms: int) -> None:
    """Adds a record to the access log."""
    access_records.add(transaction, access_records.rows([access(organization_id, at_ms)], KEY))


def seen(database: Database, organization_id: str) -> list[int]:
    """Lists when somebody saw the patient, by both ways to ask."""
    patient = access_records.digest(KEY, organization_id, "pat_1")
    ways: list[Callable[[Transaction], Any]] = [
        lambda tx: access_records.search(tx, organization_id, page(None, None)),
        lambda tx: access_records.of_patient(tx, organization_id, patient, page(None, None)),
    ]
    first, second = ([one.at_ms for one in database.read(way)] for way in ways)
    assert first == second
    return first


def test_what_a_table_has_is_found_after_it_is_divided_and_numbers_go_on(tmp_path_factory: Any) -> None:
    settings = unmigrated("postgresql", tmp_path_factory.mktemp("divided"))
    connected, clock = create_engine(parse_url(settings.owner_database_url or "")), StandingClock(now() // 1_000)
    with connected.begin() as connection:
        config = migrations._config()
        config.attributes.update(connection=connection, applied=[])
        command.upgrade(config, BEFORE)
        grant_to_second_role(connection)
    old = Database(settings.owner_database_url or "")

    def fill(tx: Transaction) -> str:
        of = organizations.create(tx, "Alder Clinic", clock.seconds()).id
        Keeper(settings.sealing_key, LOOPBACK).create(tx, of, Wanted("http://127.0.0.1/", secret=SECRET), 1)
        for at_ms in (now() - 400 * DAY_MS, now()):
            webhook_outbox.emit(tx, of, Happening(CREATED, f"ord_{at_ms}", at_ms), dict)
            note(tx, of, at_ms)
        return of

    of = old.write(fill)
    claimed = old.write(lambda tx: webhook_deliveries.claim(tx, [], clock.seconds() + 1))
    assert claimed is not None
    taken = Result("http_200", is_taken=True, is_final=False, ended_at=clock.seconds(), took_ms=1)
    old.write(lambda tx: webhook_deliveries.settle(tx, claimed, taken))
    before = old.read(lambda tx: (webhook_log.log(tx, of, 9), webhook_log.attempts_of(tx, of, claimed.id)))
    times = seen(old, of)
    old.close()

    migrations.migrate(settings.owner_database_url or "", settings.database_url)

    with closing(Database(settings.database_url)) as new:
        assert new.read(lambda tx: (webhook_log.log(tx, of, 9), webhook_log.attempts_of(tx, of, claimed.id))) == before
        assert seen(new, of) == times
        new.write(lambda tx: webhook_outbox.emit(tx, of, Happening(CREATED, "ord_3", now()), dict))
        newest, *_ = new.read(lambda tx: webhook_log.log(tx, of, 9))
        assert newest.number == before[0][0].number + 1
    assert parts(connected, "access_records")[f"until_{month(0)}"] == 2
    connected.dispose()


def now() -> int:
    """Returns the time, UTC milliseconds: months are made by the database's clock."""
    return int(datetime.now(UTC).timestamp() * 1_000)


def test_months_are_made_ahead_and_nothing_fails_when_nobody_made_one(
    world: World, database: Database, owner: Engine
) -> None:
    of = world.alder.organization_id
    ahead = [month(later) for later in range(1, AHEAD)]
    for table in (*WEBHOOKS, *ACCESSES):
        assert set(ahead) < set(parts(owner, table)), table
    post = Post(world, StandingClock(now() // 1_000), database)
    made = post.webhook("http://127.0.0.1/")
    times = [now() - 4_000 * DAY_MS, now(), beginning(month(1)) + 10 * DAY_MS, now() + 400 * DAY_MS]
    for at_ms in times:
        happened = Happening(CREATED, f"ord_{at_ms}", at_ms)
        database.write(lambda tx, one=happened: webhook_outbox.emit(tx, of, one, dict))  # type: ignore[misc]
        database.write(lambda tx, at_ms=at_ms: note(tx, of, at_ms))  # type: ignore[misc]
    later = times[-1] // 1_000
    subjects = []
    while (claimed := database.write(lambda tx: webhook_deliveries.claim(tx, [], later))) is not None:
        assert claimed.webhook_id == made.id
        subjects.append(claimed.subject)
    assert subjects == [f"ord_{at_ms}" for at_ms in times]
    assert seen(database, of) == times[::-1]
    assert parts(owner, "access_records")["rest"] == 1

    # What is in the rest when the months after it are made at last is in its month then.
    run(owner, *(_with_nothing_ahead(owner, table) for table in ACCESSES))
    assert parts(owner, "access_records")["rest"] == 2
    database.write(lambda tx: months.make_ahead(tx, 0))
    assert parts(owner, "access_records")["rest"] == 1
    assert seen(database, of) == times[::-1]


def _with_nothing_ahead(owner: Engine, table: str) -> str:
    """Returns what puts the months ahead back into the rest, as if nobody had made them."""
    key = "record_id" if table == "access_record_patients" else "id"
    ahead = [month(later) for later in range(1, AHEAD)]
    end = new_ulid(beginning(month(1)))[:10]
    rest = f"{table}_rest"
    moved = " ".join(f"INSERT INTO strays SELECT * FROM {table}_{one}; DROP TABLE {table}_{one};" for one in ahead)
    return (
        f"CREATE TABLE strays (LIKE {table}); {moved} INSERT INTO strays SELECT * FROM {rest}; DROP TABLE {rest};"
        f"CREATE TABLE {rest} PARTITION OF {table} FOR VALUES FROM ('{end}') TO (MAXVALUE);"
        f"INSERT INTO {table} SELECT * FROM strays ORDER BY {key}; DROP TABLE strays;"
    )


def beginning(name: str) -> int:
    """Returns when a month begins, UTC milliseconds."""
    year, number = (int(part) for part in name.split("_"))
    return int(datetime(year, number, 1, tzinfo=UTC).timestamp() * 1_000)


def test_a_month_of_webhooks_goes_when_it_is_old_and_nothing_in_it_waits(
    world: World, database: Database, owner: Engine
) -> None:
    clock = StandingClock(now() // 1_000)
    post = Post(world, clock, database)
    post.webhook("http://127.0.0.1/")
    post.happen("ord_1")
    database.write(lambda tx: note(tx, world.alder.organization_id, now()))

    def left() -> list[int]:
        database.write(lambda tx: months.drop_old(tx, 0))
        return [sum(parts(owner, table).values()) for table in (*WEBHOOKS, *ACCESSES)]

    assert left() == [1, 1, 0, 1, 1]
    run(owner, *(f"ALTER TABLE {name}_until_{month(0)} RENAME TO {name}_until_{month(-3)}" for name in WEBHOOKS))
    assert left() == [1, 1, 0, 1, 1], "one waits"
    claimed = database.write(lambda tx: webhook_deliveries.claim(tx, [], clock.seconds()))
    assert claimed is not None
    taken = Result("http_200", is_taken=True, is_final=False, ended_at=clock.seconds(), took_ms=1)
    database.write(lambda tx: webhook_deliveries.settle(tx, claimed, taken))
    with _somebody_reads(database):
        assert left() == [1, 1, 1, 1, 1], "it gives up at once"
    assert left() == [0, 0, 0, 1, 1]
    assert f"until_{month(-3)}" not in parts(owner, "webhook_events")
    post.happen("ord_2")  # by a clock that is in a month that is gone
    assert parts(owner, "webhook_events")["past"] == 1


class _somebody_reads:  # noqa: N801
    """Somebody reads webhooks' events for as long as the block lasts."""

    def __init__(self, database: Database) -> None:
        self._reading, self._enough = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=database.read, args=(self._read,))

    def _read(self, transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql("SELECT count(*) FROM webhook_events")
        self._reading.set()
        self._enough.wait(30)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._reading.wait(30)

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()


@pytest.mark.parametrize("name", ["access_records", "webhook_events"])
def test_the_serving_role_can_drop_no_month_by_itself(database: Database, name: str) -> None:
    ahead = f"{name}_{month(1)}"
    for attack in (f"DROP TABLE {ahead}", f"ALTER TABLE {name} DETACH PARTITION {ahead}", f"DELETE FROM {ahead}"):
        with pytest.raises(DatabaseUnavailableError, match="InsufficientPrivilege"):
            database.write(lambda tx, one=attack: tx.connection.exec_driver_sql(one))  # type: ignore[misc]


def test_a_list_by_time_reads_the_months_of_that_time_alone(world: World, database: Database) -> None:
    of, start = world.alder.organization_id, datetime.now(UTC).replace(day=1, hour=0, minute=0)
    last_year = int(start.timestamp() * 1_000) - 400 * DAY_MS
    with plans(database) as found:
        database.read(lambda tx: access_records.search(tx, of, page(None, None), until_ms=last_year))
        database.read(lambda tx: access_records.search(tx, of, page(None, None), since_ms=now() + 400 * DAY_MS))
    assert [_months(plan) for plan in found] == [{f"until_{month(0)}"}, {"rest"}]
    with plans(database) as found:
        database.read(lambda tx: access_records.search(tx, of, page(None, None)))
    assert "Sort" not in found[0], "months are read one after the other, until the page is full"
    with plans(database) as found:
        database.read(lambda tx: webhook_log.attempts_of(tx, of, f"dlv_{new_ulid(last_year)}"))
    assert [_months(plan) for plan in found] == [{f"until_{month(0)}"}]


def _months(plan: str) -> set[str]:
    tables = (*ACCESSES, *WEBHOOKS)
    words = [word for word in plan.replace("(", " ").split() if word.startswith(tables)]
    parted = {word.removeprefix(table).lstrip("_") for word in words for table in tables if word.startswith(table)}
    return {word for word in parted if word.startswith(("until", "rest", "past", "20")) and not word.endswith("key")}


def test_a_month_is_kept_for_as_long_as_a_row_where_there_are_no_months() -> None:
    assert webhook_log.KEPT_S == WEBHOOKS_KEPT_DAYS * 86_400
    assert set(metadata.tables) >= {*WEBHOOKS, *ACCESSES}


def test_the_oldest_month_of_the_access_log_is_taken_out_as_the_guide_says(
    world: World, owner: Engine, database: Database, tmp_path: Path
) -> None:
    guide = (DOCS / "guides" / "data-retention.md").read_text().replace("2027_01", f"until_{month(0)}")
    (out, drop), [keep] = (re.findall(rf"```{kind}\n(.*?)```", guide, re.DOTALL) for kind in ("sql", "sh"))
    of, later_ms = world.alder.organization_id, now() + 32 * DAY_MS
    for at_ms in (now(), later_ms):
        database.write(lambda tx, at_ms=at_ms: note(tx, of, at_ms))  # type: ignore[misc]
    run(owner, out)
    assert seen(database, of) == [later_ms]
    with pytest.raises(DatabaseUnavailableError, match="InsufficientPrivilege"):
        database.write(lambda tx: tx.connection.exec_driver_sql(f"DELETE FROM access_records_until_{month(0)}"))
    url = owner.url
    where = {
        "PGHOST": str(url.query["host"]),
        "PGUSER": str(url.username),
        "PATH": f"{binaries()}:{os.environ['PATH']}",
    }
    command_line = keep.replace(" rxauth > ", f" {url.database} > ")
    subprocess.run(["sh", "-euc", command_line], env=where, cwd=tmp_path, check=True)
    [kept] = tmp_path.iterdir()
    assert kept.read_text().count(of) == 2
    run(owner, drop)
    database.write(lambda tx: note(tx, of, later_ms + 1))
    assert seen(database, of) == [later_ms + 1, later_ms]
