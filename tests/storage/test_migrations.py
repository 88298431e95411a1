"""Migrations: what they make on each engine, what the serving role may do there, and two of them at once."""

import contextlib
import inspect as inspection
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, create_engine, inspect, text

from rxauth.app import make_server, migrate_database
from rxauth.domain import organizations
from rxauth.settings import Settings
from rxauth.storage.database import ConflictError, Database, DatabaseUnavailableError
from rxauth.storage.engines import parse_url
from rxauth.storage.latest import latest_revision
from rxauth.storage.migrations import migrate
from rxauth.storage.revisions import NotMigratedError, require_tables
from rxauth.storage.tables import metadata
from tests import postgres
from tests.live import environment, free_port, rxauth_program
from tests.world import NOW, StandingClock, World, make_settings, postgres_socket

ALEMBIC = Config()
ALEMBIC.set_main_option("script_location", str(files("rxauth.storage.migrations")))
REVISIONS = [script.revision for script in ScriptDirectory.from_config(ALEMBIC).walk_revisions()][::-1]
APPEND_ONLY = (
    *("audit_outbox", "audit_log", "audit_keys", "audit_entries", "audit_reports", "audit_checkpoints"),
    *("audit_index", "audit_verifications", "access_records", "access_record_patients"),
)
READ_ONLY = ("alembic_version", "compatibility")
_SOMEBODY = "(SELECT min(id) FROM organizations)"
FIRST_THAT_SAYS = "0028"
TAKING_AWAY = ("drop_column", "drop_table", "rename_table", "alter_column", "DROP TABLE", "DROP COLUMN", "RENAME ")
PART = re.compile(r".*(_[0-9]{4}_[0-9]{2}|_rest|_past)|audit_entries_[01]")
LOCKED_OUT = (
    "CREATE TABLE more (id integer)",
    "ALTER TABLE clients ADD COLUMN more integer",
    "ALTER TABLE client_permissions DROP CONSTRAINT ck_client_permissions_no_machine_writes_prescriptions",
    "DROP TABLE audit_outbox",
    "DROP INDEX uq_clients_one_machine_client",
    "TRUNCATE audit_outbox",
    "UPDATE audit_outbox SET entry = ''",
    "DELETE FROM audit_outbox",
    "UPDATE alembic_version SET version_num = '9999'",
    "CREATE TRIGGER quiet BEFORE UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "TRUNCATE changes",
)


def unmigrated(engine: str, folder: Path) -> Settings:
    """Returns the settings of an installation whose database has no tables yet."""
    if engine == "sqlite":
        return make_settings(f"sqlite:///{folder / 'empty.sqlite'}", None)
    name = f"empty_{uuid.uuid4().hex[:12]}"
    administer(f"CREATE DATABASE {name} OWNER {postgres.OWNER} LOCALE 'C.UTF-8' TEMPLATE template0")
    urls = [postgres.url(postgres_socket(), role, name) for role in (postgres.SERVING, postgres.OWNER)]
    return make_settings(*urls)


@pytest.fixture
def empty(engine: str, tmp_path: Path) -> Settings:
    """The settings of an installation whose database has no tables yet."""
    return unmigrated(engine, tmp_path)


@pytest.fixture
def owner(world: World) -> Iterator[Engine]:
    """Connections of the owner of a world's tables."""
    connected = create_engine(parse_url(world.settings.owner_database_url or world.settings.database_url))
    yield connected
    connected.dispose()


def administer(statement: str, database: str = "postgres") -> None:
    """Runs a statement as PostgreSQL's superuser."""
    connection = psycopg.connect(host=postgres_socket(), user="postgres", dbname=database, autocommit=True)
    with connection:
        connection.execute(statement.encode())


def test_the_migrated_tables_are_those_of_the_metadata(owner: Engine) -> None:
    with owner.connect() as connection:
        options = {"compare_server_default": True, "include_name": lambda name, *_: not PART.fullmatch(name or "")}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_files_are_numbered_in_the_order_in_which_they_are_applied() -> None:
    assert [latest_revision(), *sorted(REVISIONS)] == [REVISIONS[-1], *REVISIONS]


def test_the_migrated_checks_are_those_of_the_metadata(owner: Engine) -> None:
    found = inspect(owner)
    made = {table: {check["name"] for check in found.get_check_constraints(table)} for table in metadata.tables}
    declared = {
        name: {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
        for name, table in metadata.tables.items()
    }
    assert made == declared
    assert sum(map(len, declared.values())) > 5


def test_the_migrated_tables_are_all_there_is(owner: Engine) -> None:
    made = {name for name in inspect(owner).get_table_names() if not PART.fullmatch(name)}
    assert made == {*metadata.tables, "alembic_version"}


@pytest.mark.parametrize("engine", ["postgresql"])
def test_every_text_sorts_by_code_point_on_postgresql(owner: Engine) -> None:
    asked = text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
    )
    with owner.connect() as connection:
        assert connection.execute(asked).all() == []


def test_migrating_again_applies_nothing_and_keeps_the_data(empty: Settings) -> None:
    assert migrate_database(empty) == REVISIONS
    database = Database(empty.database_url)
    made = database.write(lambda tx: organizations.create(tx, "Alder Clinic", NOW))
    assert migrate_database(empty) == []
    assert database.read(organizations.all_of_them) == [made]
    database.close()


def test_two_migrations_at_once_both_succeed(empty: Settings) -> None:
    # The first statement of each waits for a lock that this test holds, so that both find the database empty.
    with _nobody_makes_tables(empty):
        both = [
            subprocess.Popen(
                [rxauth_program(), "migrate"],
                env=environment(empty),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        _wait_until_all_wait(empty, both)
    said = sorted(one.communicate(timeout=60)[0] for one in both)
    assert said == [f"Applied: {', '.join(REVISIONS)}.\n", "The tables are up to date.\n"]
    assert [one.returncode for one in both] == [0, 0]


def test_a_server_on_a_database_without_tables_says_what_to_do(empty: Settings) -> None:
    done = subprocess.run(
        [rxauth_program(), "serve"],
        env=environment(empty) | {"RXAUTH_LISTEN_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"error: the database has no tables yet, this version needs {latest_revision()}: run `rxauth migrate`\n"
    )


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_server_that_does_not_start_leaves_no_connection_open(empty: Settings) -> None:
    with pytest.raises(NotMigratedError, match=r"has no tables yet.*run `rxauth migrate`"):
        make_server(empty, StandingClock())
    database = parse_url(empty.database_url).database
    with psycopg.connect(host=postgres_socket(), user="postgres", dbname="postgres") as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        assert connection.execute(asked, [database]).fetchone() == (0,)


def test_a_server_on_the_tables_of_another_version_says_what_to_do(world: World, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    database = world.open()
    with pytest.raises(NotMigratedError, match=r"has the tables of revision 0000.*run `rxauth migrate`"):
        require_tables(database)
    database.close()


@pytest.mark.parametrize("oldest_server", [latest_revision(), "9998"])
def test_a_server_serves_newer_tables_if_these_allow_it(world: World, owner: Engine, oldest_server: str) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE compatibility SET oldest_server = :oldest"), {"oldest": oldest_server})
    database = world.open()
    with contextlib.closing(database):
        if oldest_server == latest_revision():
            require_tables(database)
            return
        with pytest.raises(NotMigratedError, match=r"of revision 9999, which need .* 9998 or later.*install a newer"):
            require_tables(database)


@pytest.mark.parametrize("revision", [one for one in REVISIONS if one >= FIRST_THAT_SAYS])
def test_a_revision_that_takes_something_away_ends_the_service_of_older_servers(revision: str) -> None:
    """Columns and tables that an older server names must stay until no such server is left: then it says so."""
    module = ScriptDirectory.from_config(ALEMBIC).get_revision(revision).module
    assert hasattr(module, "oldest_server"), "say which is the oldest server that may serve these tables"
    assert module.oldest_server <= revision
    if module.oldest_server < revision:
        source = inspection.getsource(module)
        taken = [one for one in TAKING_AWAY if one in source]
        assert taken == [], f"older servers miss what {taken} takes: oldest_server = revision, or keep it"


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_migration_that_does_not_get_a_table_leaves_it_as_it_is(empty: Settings) -> None:
    with _nobody_makes_tables(empty), pytest.raises(DatabaseUnavailableError, match="lock timeout"):
        migrate(empty.owner_database_url or "", empty.database_url, attempts=2)
    assert migrate_database(empty) == REVISIONS


@pytest.mark.parametrize("engine", ["postgresql"])
def test_the_serving_role_owns_nothing(owner: Engine) -> None:
    asked = text("SELECT relname FROM pg_class WHERE relowner = CAST(:role AS regrole)")
    with owner.connect() as connection:
        assert connection.execute(asked, {"role": postgres.SERVING}).all() == []
        assert len(connection.execute(asked, {"role": postgres.OWNER}).all()) > len(metadata.tables)


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize("statement", LOCKED_OUT)
def test_the_serving_role_cannot_change_tables_or_the_audit_log(world: World, statement: str) -> None:
    database = world.open()
    with pytest.raises(DatabaseUnavailableError, match="InsufficientPrivilege"):
        database.write(lambda tx: tx.connection.exec_driver_sql(statement))
    database.close()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_the_serving_role_has_no_right_that_no_table_names(owner: Engine) -> None:
    asked = text(
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS rights"
        " FROM information_schema.role_table_grants WHERE grantee = :role GROUP BY table_name"
    )
    with owner.connect() as connection:
        rights = {row.table_name: row.rights for row in connection.execute(asked, {"role": postgres.SERVING})}
    assert {rights.pop(table) for table in APPEND_ONLY} == {"INSERT SELECT"}
    assert {rights.pop(table) for table in READ_ONLY} == {"SELECT"}
    assert rights == dict.fromkeys(set(metadata.tables) - {*APPEND_ONLY, *READ_ONLY}, "DELETE INSERT SELECT UPDATE")


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_sqlite_refuses_to_change_the_audit_log(world: World, table: str) -> None:
    database = world.open()
    values = {
        "audit_outbox": "'1', 2, NULL, 'x', 3",
        "audit_checkpoints": "1, 2, 'a', 'b', 3",
        "audit_keys": "'1', 'a', 'b'",
        "audit_reports": "1, 2",
        "access_records": f"{_SOMEBODY}, 'a', 1, 'b', 'c', 'd', 'e', NULL, 'f', 'g', 'h', 0, NULL, 'i'",
        "access_record_patients": f"{_SOMEBODY}, 'a', 'b'",
        "audit_verifications": "'1'",
        "audit_index": "'a', 'b', 'c'",
    }
    row = values.get(table, "1, 'a', 'b', 'c'")
    added = f"INSERT INTO {table} VALUES ({row})"
    database.write(lambda tx: tx.connection.exec_driver_sql(added))
    column = next(iter(metadata.tables[table].c)).name
    with pytest.raises(ConflictError):
        database.write(lambda tx: tx.connection.exec_driver_sql(f"DELETE FROM {table}"))
    with pytest.raises(ConflictError):
        database.write(lambda tx: tx.connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column}"))
    database.close()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_sqlite_file_is_its_owners_alone_and_has_a_write_ahead_log(empty: Settings) -> None:
    before = os.umask(0o022)
    try:
        migrate_database(empty)
    finally:
        os.umask(before)
    file = Path(str(parse_url(empty.database_url).database))
    database = Database(empty.database_url)
    mode = database.read(lambda tx: tx.connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
    made = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    database.close()
    assert mode == "wal"
    assert made == dict.fromkeys(["empty.sqlite", "empty.sqlite-wal", "empty.sqlite-shm"], 0o600)


@contextlib.contextmanager
def _nobody_makes_tables(settings: Settings) -> Iterator[None]:
    """Holds what every CREATE TABLE needs."""
    url = parse_url(settings.owner_database_url or settings.database_url)
    url = url if url.drivername == "sqlite" else url.set(username="postgres")
    connected = create_engine(url, isolation_level="AUTOCOMMIT")
    with connected.connect() as connection:
        if url.drivername == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("LOCK TABLE pg_class IN EXCLUSIVE MODE")
        yield
        connection.exec_driver_sql("ROLLBACK")
    connected.dispose()


def _wait_until_all_wait(settings: Settings, migrations: list[subprocess.Popen[str]]) -> None:
    """Returns when each migration stands before a lock; SQLite does not tell: then, soon after each opened the file."""
    url = parse_url(settings.owner_database_url or settings.database_url)
    if url.drivername == "sqlite":
        while not all(url.database in _open_files(one.pid) for one in migrations):
            assert all(one.poll() is None for one in migrations)
            time.sleep(0.02)
        time.sleep(0.5)
        return
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with psycopg.connect(host=postgres_socket(), user="postgres", dbname="postgres", autocommit=True) as connection:
        while connection.execute(asked, [url.database]).fetchone() != (len(migrations),):
            assert all(one.poll() is None for one in migrations)
            time.sleep(0.02)


def _open_files(process_id: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(str(link.readlink()))
    return found
