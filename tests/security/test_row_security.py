"""Attacks on tenancy that get past the guard: PostgreSQL's row-level security is the second lock."""

import re
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, func, select, text, update

from rxauth.domain import clients as client_acts
from rxauth.domain import organizations
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.storage.database import Database, DatabaseUnavailableError, NotPermittedError, Transaction
from rxauth.storage.migrations import migrate
from rxauth.storage.migrations.row_security import see_everything
from rxauth.storage.revisions import MissingRoleError
from rxauth.storage.sight import ACROSS_ROLE
from rxauth.storage.tables import metadata
from rxauth.storage.tables.access import client_permissions, clients
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tables.metadata import is_tenant_table
from rxauth.storage.tenancy import Statement, insert_row, sql
from tests import postgres
from tests.storage.test_migrations import administer
from tests.world import NOW, World, postgres_socket

pytestmark = pytest.mark.parametrize("engine", ["postgresql"])

# None of these says whose rows it means: `sql` would refuse them.
OWNERS = Statement(select(patients.c.organization_id).distinct())
CHANGE = Statement(update(patients).values(gender="x"))
REMOVE = Statement(delete(client_permissions))
MOVE = Statement(update(clients).values(organization_id=bindparam("to")))
BRING_IN = Statement(insert_row(client_permissions).clause)

COUNT = sql(select(func.count()).select_from(patients).where(patients.c.organization_id == bindparam("owner")))
GRANTED = sql(select(client_permissions.c.permission).where(client_permissions.c.organization_id == bindparam("owner")))
EVERYBODY = sql(select(patients.c.organization_id).distinct(), across_tenants="a test counts them all")
MIGRATING = "(( SELECT current_setting('rxauth.migrating'::text, true) AS current_setting) = 'yes'::text)"
ONE_ORGANIZATION = (
    "CASE WHEN (organization_id = ( SELECT current_setting('rxauth.organization'::text, true) AS current_setting))"
    " THEN true ELSE (CURRENT_USER = 'rxauth_across'::name) END"
)
LOCKS = text(
    "SELECT relname, CASE WHEN relrowsecurity AND relforcerowsecurity THEN (SELECT array_agg("
    " ltrim(regexp_replace(pg_get_expr(polqual, polrelid), '\\s+', ' ', 'g')) ORDER BY polname) FROM pg_policy"
    " WHERE polrelid = pg_class.oid AND polcmd = '*' AND polpermissive AND polwithcheck IS NULL) END"
    " FROM pg_class WHERE relnamespace = CAST('public' AS regnamespace) AND relkind IN ('r', 'p')"
)
SHOWN = text("SELECT pg_backend_pid(), CURRENT_USER, current_setting('rxauth.organization', true)")


class ChangedMindError(Exception):
    """What work of these tests raises of its own."""


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """A world's database. One transaction after the other has the same connection."""
    opened = world.open()
    yield opened
    opened.close()


def owners(transaction: Transaction) -> set[str]:
    """Returns whose patients a statement without a condition sees."""
    return {row[0] for row in transaction.all(OWNERS)}


def shown(transaction: Transaction) -> tuple[Any, ...]:
    """Returns the connection, and the role and the organization that PostgreSQL goes by."""
    return tuple(transaction.connection.execute(SHOWN).one())


def locks(world: World) -> dict[Any, set[str]]:
    """Returns the tables by the conditions of their policies, as PostgreSQL has them; None: of those not locked."""
    owner = world.owner()
    with owner.connect() as connection:
        found = connection.execute(LOCKS).all()
    owner.dispose()
    tables: dict[Any, set[str]] = {}
    for table, shown_by in found:
        tables.setdefault(shown_by and tuple(shown_by), set()).add(table)
    return tables


def test_every_tenants_table_is_locked_and_for_its_owner_too(world: World) -> None:
    tenants = {name for name, table in metadata.tables.items() if is_tenant_table(table)}
    found = locks(world)
    assert tenants.isdisjoint(found.pop(None))
    assert found == {(MIGRATING, ONE_ORGANIZATION): tenants}
    assert len(tenants) > 30


def test_a_table_with_the_lock_of_an_older_version_gets_a_new_one_when_nobody_has_it(world: World) -> None:
    loose = "CASE WHEN CURRENT_USER = 'rxauth_across' THEN true ELSE organization_id = current_setting('x.y', true) END"
    owner, owner_url = world.owner(), str(world.settings.owner_database_url)
    before = locks(world)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"ALTER POLICY one_organization ON orders USING ({loose})")
        connection.exec_driver_sql(
            "ALTER POLICY migrations ON scim_groups USING (current_setting('x.y', true) = 'yes')"
        )
        connection.exec_driver_sql("ALTER TABLE patients NO FORCE ROW LEVEL SECURITY")
    assert len(locks(world)) == len(before) + 2
    with owner.begin() as connection:
        connection.exec_driver_sql("SELECT FROM orders")
        with pytest.raises(DatabaseUnavailableError, match="lock timeout"):
            migrate(owner_url, world.settings.database_url, attempts=1)
    owner.dispose()
    assert migrate(owner_url, world.settings.database_url) == []
    assert locks(world) == before


def test_every_tenants_table_shows_the_rows_of_one_organization(world: World, database: Database) -> None:
    every = [select(table.c.organization_id).distinct() for table in metadata.sorted_tables if is_tenant_table(table)]

    def seen(transaction: Transaction) -> list[set[str]]:
        return [set(transaction.connection.execute(one).scalars()) for one in every]

    owner = world.owner()
    with owner.begin() as connection:
        see_everything(connection)
        there = [set(connection.execute(one).scalars()) for one in every]
    owner.dispose()
    assert sum(world.birch.organization_id in one for one in there) > 3
    for of in (None, world.alder.organization_id, world.birch.organization_id):
        assert database.read(seen, organization_id=of) == [one & {of} for one in there]


def test_a_statement_without_its_condition_reads_no_other_organizations_rows(world: World, database: Database) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id
    assert database.read(owners) == set()
    assert database.read(owners, organization_id=alder) == {alder}
    assert database.write(owners, organization_id=birch) == {birch}


def test_a_statement_without_its_condition_changes_no_other_organizations_rows(
    world: World, database: Database
) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id
    of_alder, of_birch = (database.read(lambda tx, one=one: tx.all(GRANTED, owner=one)) for one in (alder, birch))  # type: ignore[misc]
    patients_of_alder = database.read(lambda tx: tx.first(COUNT, owner=alder)[0])
    assert database.write(lambda tx: tx.run(CHANGE), organization_id=alder) == patients_of_alder > 0
    assert database.write(lambda tx: tx.run(REMOVE), organization_id=alder) == len(of_alder) > 0
    assert database.read(lambda tx: tx.all(GRANTED, owner=birch)) == of_birch
    assert database.write(lambda tx: tx.run(REMOVE)) == 0


def test_a_row_is_not_given_to_another_organization(world: World, database: Database) -> None:
    alder, birch = world.alder, world.birch
    theirs = {"organization_id": birch.organization_id, "client_id": birch.client_id, "permission": "write:webhook"}
    for work in (
        lambda tx: tx.run(MOVE, to=birch.organization_id),
        lambda tx: tx.run(BRING_IN, **theirs),
        lambda tx: tx.run_many(BRING_IN, [theirs, theirs | {"permission": "read:webhook"}]),
    ):
        with pytest.raises(NotPermittedError):
            database.write(work, organization_id=alder.organization_id)


@pytest.mark.parametrize("name", ["' OR true --", "x'; SET ROLE rxauth_across; SET LOCAL x.y = '", "%s", "", "a\0b"])
def test_what_is_no_identifier_shows_nothing(database: Database, name: str) -> None:
    assert database.read(owners, organization_id=name) == set()
    assert database.read(lambda tx: (shown(tx)[1], owners(tx)), organization_id=name) == (postgres.SERVING, set())


def test_a_setting_does_not_leak_into_the_next_transaction(world: World, database: Database) -> None:
    alder = world.alder.organization_id

    def work(transaction: Transaction) -> Any:
        transaction.all(EVERYBODY)
        transaction.all(COUNT, owner=alder)
        transaction.all(EVERYBODY)
        return shown(transaction)

    def fail(transaction: Transaction) -> None:
        work(transaction)
        raise ChangedMindError

    for run in (database.read, database.write):
        connection, *during = run(work)
        assert during == [ACROSS_ROLE, alder]
        assert run(shown) == (connection, postgres.SERVING, "")
        with pytest.raises(ChangedMindError):
            run(fail, organization_id=alder)
        assert run(shown) == (connection, postgres.SERVING, "")
        assert run(owners) == set()


def test_what_an_attempt_saw_is_forgotten_with_it(world: World, database: Database) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id

    def fail(transaction: Transaction) -> None:
        transaction.all(COUNT, owner=birch)
        transaction.all(EVERYBODY)
        raise ChangedMindError

    def work(transaction: Transaction) -> None:
        transaction.all(COUNT, owner=alder)
        with pytest.raises(ChangedMindError):
            transaction.attempt(fail)
        assert owners(transaction) == {alder}
        assert transaction.first(COUNT, owner=birch)[0] > 0
        assert {row[0] for row in transaction.all(EVERYBODY)} == {alder, birch}

    database.write(work)


def test_parallel_transactions_see_their_own_organization(world: World, database: Database) -> None:
    met = threading.Barrier(2, timeout=30)

    def work(transaction: Transaction) -> set[str]:
        met.wait()
        seen = owners(transaction)
        met.wait()
        return seen

    both = (world.alder.organization_id, world.birch.organization_id)
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(database.write, work, organization_id=one) for one in both]
        assert [one.result() for one in done] == [{one} for one in both]


def test_the_organization_goes_to_postgresql_together_with_begin(
    world: World, database: Database, tmp_path: Path
) -> None:
    alder, file = world.alder.organization_id, tmp_path / "trace"
    database.read(shown)
    with database.engines.reader.connect() as connection:
        protocol: Any = connection.connection.driver_connection
    with file.open("w") as trace:
        protocol.pgconn.trace(trace.fileno())
        database.read(lambda tx: tx.first(COUNT, owner=alder), organization_id=alder)
        protocol.pgconn.untrace()
    asked = re.findall(r"^[^\t]*\tF\t\d+\t(Query|Execute|Sync)", file.read_text(), re.MULTILINE)
    assert asked == ["Query", "Execute", "Sync", "Query"]  # BEGIN, the statement, COMMIT


def test_a_serving_role_that_may_not_change_to_the_second_role_is_told_so(world: World) -> None:
    role = f"rxauth_other_{uuid.uuid4().hex[:8]}"
    administer(f"CREATE ROLE {role} LOGIN")
    owner_url = str(world.settings.owner_database_url)
    with pytest.raises(MissingRoleError, match=f"has to run this first: GRANT {ACROSS_ROLE} TO {role};"):
        migrate(owner_url, owner_url.replace(postgres.OWNER, role))
    administer(f"DROP ROLE {role}")


@pytest.mark.usefixtures("engine")
def test_an_owner_that_serves_is_locked_out_too() -> None:
    alone = f"rxauth_alone_{uuid.uuid4().hex[:8]}"
    administer(f"CREATE ROLE {alone} LOGIN")
    administer(f"GRANT {ACROSS_ROLE} TO {alone}")
    administer(f"CREATE DATABASE {alone} OWNER {alone} LOCALE 'C.UTF-8' TEMPLATE template0")
    url = postgres.url(postgres_socket(), alone, alone)
    migrate(url, url)
    database = Database(url)
    both = [database.write(lambda tx, one=name: organizations.create(tx, one, NOW)) for name in ("Alder", "Birch")]  # type: ignore[misc]
    for one in both:
        database.write(lambda tx, of=one.id: client_acts.create_machine_client(tx, of, "Backend", MACHINE_DEFAULT, NOW))  # type: ignore[misc]
    assert database.write(lambda tx: tx.run(REMOVE)) == 0
    assert database.write(lambda tx: tx.run(REMOVE), organization_id=both[0].id) == len(MACHINE_DEFAULT)
    assert len(database.read(client_acts.all_of_them)) == 2
    database.close()
    administer(f"DROP DATABASE {alone}")
    administer(f"DROP OWNED BY {alone}")
    administer(f"DROP ROLE {alone}")
