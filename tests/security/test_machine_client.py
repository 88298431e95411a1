"""What a machine client is: one for an organization, never a person, and allowed one grant."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.domain import client_secrets, clients, organizations
from rxauth.domain.errors import ExistsError
from rxauth.ids import Kind, is_client_id, is_id, new_client_id, new_id
from rxauth.oauth.claims import machine_subject
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.endpoints import token
from rxauth.oauth.errors import UnauthorizedClientError
from rxauth.oauth.grants.client_credentials import GRANT
from rxauth.oauth.requests import TokenRequest
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.storage.database import ConflictError, Database, DatabaseUnavailableError, Transaction
from tests.live import Live, credentials
from tests.security.test_client_secrets import waits
from tests.world import NOW, World

PARALLEL = 20
USER = "usr_01JD9X8V4M0000000000000000"
READ = "{ patients { id } }"


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The world's database, not served."""
    opened = world.open()
    yield opened
    opened.close()


def test_twenty_machine_clients_made_at_once_for_an_organization_are_one(database: Database) -> None:
    organization = database.write(lambda tx: organizations.create(tx, "A clinic", NOW))
    together = threading.Barrier(PARALLEL)

    def attempt(number: int) -> str | None:
        together.wait()
        try:
            made = database.write(
                lambda tx: clients.create_machine_client(tx, organization.id, f"{number}", MACHINE_DEFAULT, NOW)
            )
        except (ConflictError, ExistsError, DatabaseUnavailableError):  # the last: it waited too long for its turn
            return None
        return made.client_id

    with ThreadPoolExecutor(PARALLEL) as threads:
        won = [client_id for client_id in threads.map(attempt, range(PARALLEL)) if client_id is not None]
    kept = [client.id for client in database.read(clients.all_of_them) if client.organization_id == organization.id]

    assert len(won) == 1
    assert kept == won


def test_a_machine_client_made_while_another_is_being_made_is_refused(world: World, database: Database) -> None:
    """Held open by hand: the second has looked, and seen none, before the first commits."""
    organization = database.write(lambda tx: organizations.create(tx, "A clinic", NOW))

    def make(transaction: Transaction) -> client_secrets.NewSecret:
        return clients.create_machine_client(transaction, organization.id, "Backend", MACHINE_DEFAULT, NOW)

    with ThreadPoolExecutor(1) as threads, closing(world.open()) as elsewhere:

        def holding(transaction: Transaction) -> Future[client_secrets.NewSecret]:
            make(transaction)
            other = threads.submit(elsewhere.write, make)
            while not other.done() and not waits(world):
                time.sleep(0.005)
            return other

        refused = database.write(holding).exception()

    assert isinstance(refused, (ConflictError, ExistsError))


def test_a_second_machine_client_is_refused_and_leaves_nothing_behind(world: World, database: Database) -> None:
    before = database.read(clients.all_of_them)

    with pytest.raises(ExistsError, match=world.alder.client_id):
        database.write(
            lambda tx: clients.create_machine_client(tx, world.alder.organization_id, "Second", MACHINE_DEFAULT, NOW)
        )

    assert database.read(clients.all_of_them) == before


def test_a_client_of_another_kind_may_not_use_the_machines_grant(sqlite_live: Live) -> None:
    """RFC 6749 §5.2."""
    tenant = sqlite_live.world.alder
    found = sqlite_live.server.clients.fetch(tenant.client_id)
    assert found is not None
    request = TokenRequest(credentials(tenant), None, "127.0.0.1", "request")

    other = replace(found, app_type="regular_web")
    with pytest.raises(UnauthorizedClientError):
        token.answer(sqlite_live.server, request, Authenticated(other, None), GRANT, lambda _client: None)


@given(st.integers(0, 2**47))
def test_no_machine_is_named_like_a_person(at_ms: int) -> None:
    """RFC 9068 §5."""
    client_id = new_client_id()

    assert not is_id(Kind.USER, client_id)
    assert not is_id(Kind.USER, machine_subject(client_id))
    assert not is_client_id(new_id(Kind.USER, at_ms))


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "usr_01JD9X8V4M0000000000000000"},
        {"sub": "usr_01JD9X8V4M0000000000000000@clients"},
        {"client_id": "usr_01JD9X8V4M0000000000000000", "sub": "usr_01JD9X8V4M0000000000000000@clients"},
        {"gty": "authorization_code"},
        {"gty": "password", "sub": "usr_01JD9X8V4M0000000000000000"},
        {"sub": "@clients"},
    ],
)
def test_a_token_that_mixes_the_marks_of_machine_and_person_is_refused(
    sqlite_live: Live, claims: dict[str, str]
) -> None:
    token = sqlite_live.sign(sqlite_live.claims(sqlite_live.world.alder, **claims))

    answer = sqlite_live.graphql(token, READ)

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_TOKEN"
