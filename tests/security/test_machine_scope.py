"""Every road by which a machine could come to write prescriptions, and where each one ends."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from rxauth.domain import clients, organizations
from rxauth.domain.errors import InvalidError
from rxauth.edge.guards import FailureLimiter
from rxauth.oauth import tokens
from rxauth.policy import decide
from rxauth.policy.permissions import BY_NAME, PERMISSIONS, Machine
from rxauth.policy.subjects import Caller
from rxauth.storage.database import Database
from tests.conftest import make_world
from tests.live import Live, decode, run
from tests.world import NOW, StandingClock, Template, Tenant, World

NAMES = tuple(permission.name for permission in PERMISSIONS)
GRANTABLE = tuple(permission.name for permission in PERMISSIONS if permission.machine is not Machine.NEVER)
NEVER = tuple(permission.name for permission in PERMISSIONS if permission.machine is Machine.NEVER)
JUNK = ("write:Prescription", "write:prescription ", "*", "admin", "")
FORCED = text(
    "INSERT INTO client_permissions (organization_id, client_id, permission) "
    "VALUES (:organization_id, :client_id, :permission)"
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """One server on each engine for the whole module; every test makes machines of its own."""
    world = make_world(request.param, templates, tmp_path_factory)
    running = Live(world, StandingClock(), limiter=FailureLimiter(1_000_000))
    yield running
    running.stop()


def made(database: Database, *permissions: str) -> Tenant:
    """Makes an organization whose machine has exactly these permissions."""

    def work(transaction: Any) -> Tenant:
        organization = organizations.create(transaction, "A clinic", NOW)
        secret = clients.create_machine_client(transaction, organization.id, "Backend", permissions, NOW)
        return Tenant(organization.id, secret.client_id, secret.id, secret.text)

    return database.write(work)


def force(world: World, tenant: Tenant, permission: str, *before: str) -> None:
    """Writes a permission into the table behind the server's back, after some statements of the attacker's own."""
    owner = world.owner()
    values = {"organization_id": tenant.organization_id, "client_id": tenant.client_id, "permission": permission}
    try:
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in before:
                connection.execute(text(statement))
            connection.execute(FORCED, values)
    finally:
        owner.dispose()


def judged(live: Live, tenant: Tenant, claims: Mapping[str, Any]) -> Caller:
    """Says what a token signed with the server's own key lets its bearer use."""
    now = live.clock.seconds()
    verified = tokens.verify(live.server, live.sign(dict(claims)), now)
    client = live.server.clients.fetch(tenant.client_id)
    assert client is not None
    return decide.caller(verified.permissions, client.subject, verified.client_id, verified.jti, now)


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_can_be_given_what_the_table_says_and_nothing_else(shared: Live, name: str) -> None:
    database = shared.server.database
    if BY_NAME[name].machine is Machine.NEVER:
        before = len(database.read(organizations.all_of_them))
        with pytest.raises(InvalidError, match=name):
            made(database, "read:patient", name)
        assert len(database.read(organizations.all_of_them)) == before
    else:
        assert shared.exchange(made(database, name)).json()["scope"] == name


@pytest.mark.parametrize("name", JUNK)
def test_a_machine_cannot_be_given_what_is_no_permission(shared: Live, name: str) -> None:
    with pytest.raises(InvalidError):
        made(shared.server.database, "read:patient", name)


@given(st.frozensets(st.sampled_from(GRANTABLE)), st.lists(st.sampled_from(NAMES), max_size=5))
def test_no_permissions_and_no_scope_together_put_write_prescription_into_a_token(
    shared: Live, given_it: frozenset[str], asked: list[str]
) -> None:
    answer = shared.exchange(made(shared.server.database, *given_it), scope=" ".join(asked))

    if set(asked) <= given_it:
        claims = decode(answer.json()["access_token"])[1]
        expected = [name for name in NAMES if name in (asked or given_it)]
        assert claims["permissions"] == claims["scope"].split() == answer.json()["scope"].split() == expected
        assert "write:prescription" not in claims["permissions"]
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@given(st.lists(st.sampled_from([*NAMES, *JUNK]), max_size=8))
def test_no_list_with_a_forbidden_permission_in_it_makes_a_machine(shared: Live, names: list[str]) -> None:
    database = shared.server.database
    if set(names) <= set(GRANTABLE):
        assert set(shared.exchange(made(database, *names)).json()["scope"].split()) == set(names)
    else:
        with pytest.raises(InvalidError):
            made(database, *names)


def test_the_table_itself_refuses_a_machine_that_writes_prescriptions(shared: Live) -> None:
    database = shared.server.database
    tenant = made(database, "read:patient")

    with pytest.raises(IntegrityError, match="no_machine_writes_prescriptions"):
        force(shared.world, tenant, "write:prescription")
    owner = shared.world.owner()
    with owner.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text("UPDATE client_permissions SET permission = 'write:prescription'"))
    owner.dispose()

    assert shared.exchange(tenant).json()["scope"] == "read:patient"


@pytest.mark.parametrize("name", [*(name for name in NEVER if name != "write:prescription"), *JUNK])
def test_a_row_forced_into_the_table_does_not_reach_a_token(shared: Live, name: str) -> None:
    tenant = made(shared.server.database, "read:patient")
    force(shared.world, tenant, name)

    answer = shared.exchange(tenant)

    assert decode(answer.json()["access_token"])[1]["permissions"] == ["read:patient"]
    assert shared.exchange(tenant, scope=name or "*").json()["error"] == "invalid_scope"


def test_write_prescription_forced_past_the_table_does_not_reach_a_token(world: World, clock: StandingClock) -> None:
    """Every line of defence but policy is taken away: the database is the attacker's."""
    past_the_check = (
        "PRAGMA ignore_check_constraints = ON"
        if world.settings.database_url.startswith("sqlite")
        else "ALTER TABLE client_permissions DROP CONSTRAINT ck_client_permissions_no_machine_writes_prescriptions"
    )
    force(world, world.alder, "write:prescription", past_the_check)
    live = Live(world, clock)
    try:
        token = live.token(world.alder)
        assert "write:prescription" not in decode(token)[1]["permissions"]
        assert live.exchange(world.alder, scope="write:prescription").json()["error"] == "invalid_scope"

        forged = live.claims(world.alder, permissions=["write:prescription"], scope="write:prescription")
        assert judged(live, world.alder, forged).permissions == frozenset()
    finally:
        live.stop()


@given(st.frozensets(st.sampled_from(NAMES)))
def test_a_token_forged_with_the_servers_own_key_is_worth_no_more_than_its_machine_holds(
    shared: Live, claimed: frozenset[str]
) -> None:
    tenant = shared.world.alder
    held = {"read:patient", "write:patient", "read:prescription", "read:order", "write:order"}
    names = sorted(claimed | {"write:prescription"})

    caller = judged(shared, tenant, shared.claims(tenant, permissions=names, scope=" ".join(names)))

    assert caller.permissions == claimed & held
    refused = decide.require(caller, ("write:prescription",), NOW)
    assert refused is not None
    assert refused.refusal.code == "machine"


def test_a_forged_permission_opens_no_field_of_the_api(shared: Live) -> None:
    tenant = made(shared.server.database, "read:order")
    forged = shared.sign(shared.claims(tenant, permissions=list(NAMES), scope=" ".join(NAMES)))

    assert shared.data(forged, "{ orders { id } }") == {"orders": []}
    error = shared.graphql(forged, "{ patients { id } }").json()["errors"][0]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["requiredPermission"] == "read:patient"


def test_no_command_gives_a_machine_write_prescription(sqlite_world: World) -> None:
    with closing(sqlite_world.open()) as database:
        organization = database.write(lambda tx: organizations.create(tx, "A clinic", NOW))

    done = run(sqlite_world.settings, "clients", "create", organization.id, "--permission", "write:prescription")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: a machine client cannot be given 'write:prescription'\n"
    with closing(sqlite_world.open()) as database:
        assert organization.id not in {client.organization_id for client in database.read(clients.all_of_them)}
