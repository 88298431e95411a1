"""Rotating and revoking secrets by command while servers run, and looking for a secret after it was shown."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import MetaData, make_url, select

from rxauth.domain import clients
from rxauth.domain.errors import ExistsError
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables import metadata
from tests.live import PATIENCE_S, Live, run
from tests.world import NOW, StandingClock, Tenant, World, postgres_socket

HOUR_S = 3_600
MARGIN_S = 300  # more than the commands can take
READ = "{ patients { id } }"


@pytest.fixture
def now() -> StandingClock:
    """A clock that stands where the command line's own clock is."""
    return StandingClock(int(time.time()))


@pytest.fixture
def rotating(sqlite_world: World, now: StandingClock) -> Iterator[Live]:
    """A server on the command line's time."""
    running = Live(sqlite_world, now)
    yield running
    running.stop()


def rotate(live: Live, *options: str) -> subprocess.CompletedProcess[str]:
    """Rotates the first organization's secret by command."""
    return run(live.world.settings, "clients", "rotate-secret", live.world.alder.client_id, *options)


def rotated(live: Live, *options: str) -> Tenant:
    """Rotates the first organization's secret by command; returns the new credentials."""
    done = rotate(live, *options)
    assert done.returncode == 0, done.stderr
    found = re.search(r"client secret  (rxs_\w{49})$", done.stdout, re.MULTILINE)
    assert found is not None
    return replace(live.world.alder, secret=found[1])


def soon(condition: Callable[[], bool]) -> bool:
    """Waits until a condition holds that another process brought about."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_old_secret_works_for_the_overlap_and_ends_with_it(rotating: Live, now: StandingClock) -> None:
    old = rotating.world.alder
    new = rotated(rotating, "--overlap", "1")

    assert rotating.exchange(new).status_code == 200
    assert rotating.exchange(old).status_code == 200
    now.advance(HOUR_S - MARGIN_S)
    assert rotating.exchange(old).status_code == 200
    now.advance(2 * MARGIN_S)
    assert rotating.exchange(old).json()["error"] == "invalid_client"
    assert rotating.exchange(new).status_code == 200


def test_a_second_rotation_inside_the_overlap_is_refused_and_changes_nothing(rotating: Live) -> None:
    old = rotating.world.alder
    new = rotated(rotating)

    again = rotate(rotating)

    assert again.returncode == 1
    assert "two secrets work already" in again.stderr
    assert "client secret" not in again.stdout
    assert rotating.exchange(old).status_code == 200
    assert rotating.exchange(new).status_code == 200


def test_without_an_overlap_the_old_secret_ends_at_once(rotating: Live, now: StandingClock) -> None:
    old = rotating.world.alder
    assert rotating.exchange(old).status_code == 200

    new = rotated(rotating, "--overlap", "0")
    now.advance(MARGIN_S)

    assert rotating.exchange(new).status_code == 200
    assert rotating.exchange(old).status_code == 401
    rotated(rotating, "--overlap", "0")


@pytest.mark.parametrize("overlap", ["-1", "721"])
def test_an_overlap_without_bounds_is_refused(rotating: Live, overlap: str) -> None:
    done = rotate(rotating, "--overlap", overlap)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: the overlap is 0 to 720 hours (30 days)\n"
    assert rotating.exchange(rotating.world.alder).status_code == 200


@pytest.fixture
def servers(world: World, now: StandingClock) -> Iterator[list[Live]]:
    """Three servers on one database."""
    running: list[Live] = []
    try:
        running.extend(Live(world, now) for _ in range(3))
        yield running
    finally:
        for one in running:
            one.stop()


def test_a_revoked_secret_and_its_tokens_are_refused_by_every_server(servers: list[Live]) -> None:
    world = servers[0].world
    tenant = world.alder
    token = servers[0].token(tenant)
    assert {one.graphql(token, READ).status_code for one in servers} == {200}
    assert {one.exchange(tenant).status_code for one in servers} == {200}

    done = run(world.settings, "clients", "revoke-secret", tenant.client_id, tenant.secret_id)

    assert done.returncode == 0, done.stderr
    assert soon(lambda: {one.exchange(tenant).status_code for one in servers} == {401})
    assert soon(lambda: {one.graphql(token, READ).status_code for one in servers} == {401})


def waits(world: World) -> bool:
    """Tells whether somebody waits for a lock of somebody else; on SQLite a second writer always does."""
    url = make_url(world.settings.database_url)
    if url.drivername == "sqlite":
        return True
    with psycopg.connect(f"host={postgres_socket()} user=postgres dbname=postgres") as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", (url.database,)
        )
        return found.fetchone() is not None


@pytest.fixture
def databases(world: World) -> Iterator[tuple[Database, Database]]:
    """The same database, opened twice as by two processes."""
    opened = world.open(), world.open()
    yield opened
    for one in opened:
        one.close()


def test_two_rotations_at_once_leave_two_live_secrets_and_no_more(
    world: World, databases: tuple[Database, Database]
) -> None:
    def rotate_in(transaction: Transaction) -> object:
        return clients.rotate_secret(transaction, world.alder.client_id, HOUR_S, NOW)

    with ThreadPoolExecutor(1) as threads:

        def holding(transaction: Transaction) -> Future[object]:
            rotate_in(transaction)
            other = threads.submit(databases[1].write, rotate_in)
            while not other.done() and not waits(world):
                time.sleep(0.005)
            return other

        refused = databases[0].write(holding).exception()
    client = databases[0].read(lambda tx: clients.load(tx, world.alder.client_id))

    assert isinstance(refused, ExistsError)
    assert client is not None
    assert sum(secret.is_live(NOW) for secret in client.secrets) == 2


def test_no_table_holds_a_secret_after_it_was_shown(live: Live) -> None:
    world, database = live.world, live.server.database
    new = database.write(lambda tx: clients.rotate_secret(tx, world.alder.client_id, HOUR_S, NOW))
    token = live.token(replace(world.alder, secret=new.text))
    live.exchange(replace(world.birch, secret=new.text))

    found = MetaData()
    engine = world.owner()
    found.reflect(engine)
    with engine.connect() as connection:
        values = [
            value if isinstance(value, bytes) else str(value).encode()
            for name, table in found.tables.items()
            if name in metadata.tables  # and no part of one, which nobody reads by itself
            for row in connection.execute(select(table))
            for value in row
        ]
    engine.dispose()

    assert any(new.id.encode() in value for value in values)
    for secret in (world.alder.secret, world.birch.secret, new.text, token, token.rpartition(".")[2]):
        assert not any(secret.encode() in value for value in values)


def test_no_command_shows_a_secret_again(rotating: Live) -> None:
    new = rotated(rotating)

    shown = run(rotating.world.settings, "clients", "list")

    assert new.client_id in shown.stdout
    for secret in (new.secret, rotating.world.alder.secret, rotating.world.birch.secret):
        assert secret not in shown.stdout + shown.stderr


def test_a_secret_does_not_print_itself(sqlite_live: Live) -> None:
    database, client_id = sqlite_live.server.database, sqlite_live.world.alder.client_id
    made = database.write(lambda tx: clients.rotate_secret(tx, client_id, 0, NOW))
    client = database.read(lambda tx: clients.load(tx, client_id))

    assert made.text not in repr(made)
    assert "digest" not in repr(client)
