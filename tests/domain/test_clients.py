"""Clients: secrets and how they end, what no machine may hold, and two changes at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from rxauth.crypto import secrets
from rxauth.domain import clients, organizations
from rxauth.domain.changes import ChangeKind, Feed, Remembered
from rxauth.domain.client_secrets import NewSecret
from rxauth.domain.clients import Client
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.policy.permissions import MACHINE_DEFAULT, PERMISSIONS, Machine
from rxauth.storage.database import ConflictError, Database, Transaction
from rxauth.storage.engines import parse_url
from rxauth.storage.tables.access import client_permissions
from rxauth.storage.tenancy import insert_row
from tests.world import NOW, World

DAY = 86_400
ADD_PERMISSION = insert_row(client_permissions)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def found(database: Database, client_id: str) -> Client:
    """Returns a client that is there."""
    client = database.read(lambda tx: clients.load(tx, client_id))
    assert client is not None
    return client


def rotated(database: Database, client_id: str, overlap_s: int, now: int) -> NewSecret:
    """Returns a new secret of a client."""
    return database.write(lambda tx: clients.rotate_secret(tx, client_id, overlap_s, now))


def live_at(client: Client, now: int) -> list[str]:
    """Returns the identifiers of the secrets that work."""
    return [secret.id for secret in client.secrets if secret.is_live(now)]


def test_a_rotated_secret_works_until_the_overlap_ends(world: World, database: Database) -> None:
    tenant = world.alder
    new = rotated(database, tenant.client_id, DAY, NOW)
    client = found(database, tenant.client_id)
    assert sorted(live_at(client, NOW + DAY - 1)) == sorted([tenant.secret_id, new.id])
    assert live_at(client, NOW + DAY) == [new.id]
    for text, at, works in (
        (tenant.secret, NOW + DAY - 1, True),
        (tenant.secret, NOW + DAY, False),
        (new.text, NOW, True),
        (new.text, NOW + 400 * DAY, True),
    ):
        assert (client.live_secret(secrets.digest(text), at) is not None) is works


def test_no_overlap_ends_the_old_secret_at_once(world: World, database: Database) -> None:
    new = rotated(database, world.alder.client_id, 0, NOW)
    assert live_at(found(database, world.alder.client_id), NOW) == [new.id]


def test_a_third_secret_waits_until_one_of_two_ended(world: World, database: Database) -> None:
    tenant = world.alder
    second = rotated(database, tenant.client_id, DAY, NOW)
    with pytest.raises(ExistsError, match="two secrets work already") as refused:
        rotated(database, tenant.client_id, DAY, NOW + DAY - 1)
    assert all(secret_id in str(refused.value) for secret_id in (tenant.secret_id, second.id))
    third = rotated(database, tenant.client_id, 60, NOW + DAY)
    client = found(database, tenant.client_id)
    assert sorted(live_at(client, NOW + DAY)) == sorted([second.id, third.id])
    assert live_at(client, NOW + DAY + 60) == [third.id]


@pytest.mark.parametrize("overlap_s", [-1, 30 * DAY + 1])
def test_an_overlap_is_at_most_thirty_days(world: World, database: Database, overlap_s: int) -> None:
    with pytest.raises(InvalidError):
        rotated(database, world.alder.client_id, overlap_s, NOW)
    assert len(found(database, world.alder.client_id).secrets) == 1


def test_two_rotations_at_once_never_leave_three_live_secrets(world: World, database: Database) -> None:
    """The first transaction is held open by hand, after it made its secret and before it commits."""
    client_id, other = world.alder.client_id, world.open()
    with ThreadPoolExecutor(1) as thread:
        second: list[Future[NewSecret]] = []

        def work(transaction: Transaction) -> None:
            clients.rotate_secret(transaction, client_id, DAY, NOW)
            second.append(thread.submit(rotated, other, client_id, DAY, NOW))
            with pytest.raises(TimeoutError):
                second[0].result(timeout=0.3)  # it waits for this one

        database.write(work)
        with pytest.raises(ExistsError):
            second[0].result()
    other.close()
    assert len(live_at(found(database, client_id), NOW)) == 2


def test_a_revoked_secret_is_dead_at_once_and_cannot_be_revoked_again(world: World, database: Database) -> None:
    tenant = world.alder
    database.write(lambda tx: clients.revoke_secret(tx, tenant.client_id, tenant.secret_id, NOW))
    assert live_at(found(database, tenant.client_id), NOW) == []
    with pytest.raises(AbsentError):
        database.write(lambda tx: clients.revoke_secret(tx, tenant.client_id, tenant.secret_id, NOW + 1))
    secret = found(database, tenant.client_id).secret(tenant.secret_id)
    assert secret is not None
    assert secret.revoked_at == NOW


def test_a_secret_is_revoked_through_its_own_client_only(world: World, database: Database) -> None:
    with pytest.raises(AbsentError):
        database.write(lambda tx: clients.revoke_secret(tx, world.birch.client_id, world.alder.secret_id, NOW))
    assert live_at(found(database, world.alder.client_id), NOW) == [world.alder.secret_id]


def test_tokens_of_the_second_in_which_they_are_revoked_end_too(world: World, database: Database) -> None:
    database.write(lambda tx: clients.revoke_tokens(tx, world.alder.client_id, NOW))
    assert found(database, world.alder.client_id).tokens_valid_after == NOW + 1
    assert found(database, world.birch.client_id).tokens_valid_after == 0


def test_a_client_is_disabled_alone_or_with_its_organization(world: World, database: Database) -> None:
    database.write(lambda tx: clients.disable(tx, world.alder.client_id, NOW))
    assert (found(database, world.alder.client_id).disabled, found(database, world.birch.client_id).disabled) == (
        True,
        False,
    )
    database.write(lambda tx: organizations.disable(tx, world.birch.organization_id, NOW))
    assert found(database, world.birch.client_id).disabled


@pytest.mark.parametrize("change", ["rotate_secret", "revoke_secret", "revoke_tokens", "disable", "organization"])
def test_every_change_to_a_client_is_announced_with_it(world: World, database: Database, change: str) -> None:
    tenant = world.alder
    acts = {
        "rotate_secret": lambda tx: clients.rotate_secret(tx, tenant.client_id, 0, NOW),
        "revoke_secret": lambda tx: clients.revoke_secret(tx, tenant.client_id, tenant.secret_id, NOW),
        "revoke_tokens": lambda tx: clients.revoke_tokens(tx, tenant.client_id, NOW),
        "disable": lambda tx: clients.disable(tx, tenant.client_id, NOW),
        "organization": lambda tx: organizations.disable(tx, tenant.organization_id, NOW),
    }
    here, there = world.open(), database
    told: list[str] = []
    feed = Feed(here, 10)
    feed.on(ChangeKind.CLIENT, told.append)
    there.write(acts[change])
    feed.poll()
    here.close()
    assert tenant.client_id in told


def test_what_is_absent_cannot_be_changed(database: Database) -> None:
    acts = (clients.disable, clients.revoke_tokens)
    for act in acts:
        with pytest.raises(AbsentError):
            database.write(lambda tx, act=act: act(tx, "nobody", NOW))  # type: ignore[misc]
    for change in (
        lambda tx: clients.rotate_secret(tx, "nobody", 0, NOW),
        lambda tx: clients.revoke_secret(tx, "nobody", "sec_nothing", NOW),
        lambda tx: organizations.disable(tx, "nobody", NOW),
    ):
        with pytest.raises(AbsentError):
            database.write(change)
    assert database.read(lambda tx: clients.load(tx, "nobody")) is None


@pytest.mark.parametrize(
    "permission",
    [*(one.name for one in PERMISSIONS if one.machine is Machine.NEVER), "write:everything", "", "WRITE:PRESCRIPTION"],
)
def test_no_machine_client_is_made_with_what_machines_may_not_hold(database: Database, permission: str) -> None:
    def work(transaction: Transaction) -> None:
        organization = organizations.create(transaction, "Cedar Clinic", NOW)
        clients.create_machine_client(transaction, organization.id, "Backend", [*MACHINE_DEFAULT, permission], NOW)

    with pytest.raises(InvalidError):
        database.write(work)
    assert len(database.read(organizations.all_of_them)) == 2


def test_the_database_itself_refuses_a_machine_that_writes_prescriptions(world: World, database: Database) -> None:
    tenant = world.alder
    with pytest.raises(ConflictError):
        database.write(
            lambda tx: tx.run(
                ADD_PERMISSION,
                organization_id=tenant.organization_id,
                client_id=tenant.client_id,
                permission="write:prescription",
            )
        )
    assert "write:prescription" not in found(database, tenant.client_id).subject.permissions


def test_two_machine_clients_made_at_once_leave_one(world: World, database: Database) -> None:
    """The first transaction is held open by hand; the unique index has the second wait for it, and refuses it."""
    other = world.open()
    organization = database.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW))

    def make(transaction: Transaction) -> NewSecret:
        return clients.create_machine_client(transaction, organization.id, "Backend", MACHINE_DEFAULT, NOW)

    with ThreadPoolExecutor(1) as thread:
        second: list[Future[NewSecret]] = []

        def work(transaction: Transaction) -> None:
            make(transaction)
            second.append(thread.submit(other.write, make))
            with pytest.raises(TimeoutError):
                second[0].result(timeout=0.3)

        database.write(work)
        with pytest.raises((ConflictError, ExistsError)):
            second[0].result()
    other.close()
    assert [one.organization_id for one in database.read(clients.all_of_them)].count(organization.id) == 1


def test_a_secret_is_nowhere_in_the_database_and_in_no_printed_record(sqlite_world: World) -> None:
    database = sqlite_world.open()
    new = rotated(database, sqlite_world.alder.client_id, DAY, NOW)
    client = found(database, sqlite_world.alder.client_id)
    database.close()
    file = Path(str(parse_url(sqlite_world.settings.database_url).database))
    for text in (new.text, sqlite_world.alder.secret):
        assert text.encode() not in file.read_bytes()
        assert text not in f"{new!r} {client!r}"
        assert str(secrets.digest(text)) not in repr(client)


def test_a_record_that_changed_while_it_was_read_is_not_kept(world: World, database: Database) -> None:
    read, go = threading.Event(), threading.Event()

    def load(transaction: Transaction, client_id: str) -> Client | None:
        found = clients.load(transaction, client_id)
        read.set()
        assert go.wait(timeout=30)
        return found

    remembered = Remembered(database, load, 10)
    Feed(database, 10).on(ChangeKind.CLIENT, remembered.forget)
    tenant = world.alder
    with ThreadPoolExecutor(1) as thread:
        fetched = thread.submit(remembered.fetch, tenant.client_id)
        assert read.wait(timeout=30)
        database.write(lambda tx: clients.revoke_secret(tx, tenant.client_id, tenant.secret_id, NOW))
        go.set()
        old = fetched.result()
    assert old is not None
    assert [secret.revoked_at for secret in old.secrets] == [None]
    assert remembered.peek(tenant.client_id) is None
    new = remembered.fetch(tenant.client_id)
    assert new is not None
    assert [secret.revoked_at for secret in new.secrets] == [NOW]
    assert remembered.peek(tenant.client_id) == new


def test_memory_is_bounded_and_what_is_absent_takes_no_place(sqlite_world: World) -> None:
    database = sqlite_world.open()
    remembered = Remembered(database, lambda _tx, name: None if name.startswith("absent") else name.upper(), 2)
    assert [remembered.fetch(name) for name in ("one", "two")] == ["ONE", "TWO"]
    assert [remembered.fetch(f"absent {number}") for number in range(5)] == [None] * 5
    assert [remembered.peek(name) for name in ("one", "two", "absent 0")] == ["ONE", "TWO", None]
    remembered.fetch("three")
    assert [remembered.peek(name) for name in ("one", "two", "three")] == [None, "TWO", "THREE"]
    remembered.forget("two")
    assert remembered.peek("two") is None
    database.close()
