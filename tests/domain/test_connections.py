"""Connections: what may be one, whose it is, and that each message and each request to a provider counts once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rxauth.crypto import secrets
from rxauth.domain import connections, group_roles, upstream_logouts, upstream_messages, upstream_requests
from rxauth.domain.connection_settings import ClientAuthentication, Joining, Mapping, OpenIdSettings, SamlSettings
from rxauth.domain.connections import Connection, Wanted
from rxauth.domain.errors import AbsentError, DomainError, ExistsError, InvalidError
from rxauth.domain.upstream_requests import Sent
from rxauth.policy.roles import Role
from rxauth.storage.database import Database
from tests.world import NOW, World

KEY = bytes(range(32))
WANTED = Wanted(
    "alder-entra",
    "Alder's directory",
    Joining.JUST_IN_TIME,
    OpenIdSettings("https://login.alder.example/v2", "rxauth", ClientAuthentication.SECRET_BASIC),
    Mapping(groups="groups", second_factor=("mfa",)),
    secret="s3cret-of-alder",
)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def add(database: Database, organization_id: str, wanted: Wanted = WANTED) -> Connection:
    """Adds a connection."""
    return database.write(lambda tx: connections.create(tx, organization_id, wanted, KEY, NOW))


def test_a_connection_is_its_organization_s_and_is_found_by_its_name_everywhere(
    world: World, database: Database
) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id
    made = add(database, alder)
    assert (made.settings, made.mapping, made.secret(KEY)) == (WANTED.settings, WANTED.mapping, WANTED.secret)
    assert "s3cret" not in repr(made) + repr(WANTED)
    assert database.read(lambda tx: connections.named(tx, "alder-entra")) == made
    assert database.read(lambda tx: connections.find(tx, made.id)) == made
    assert database.read(lambda tx: connections.all_of(tx, birch)) == []
    with pytest.raises(AbsentError):
        database.read(lambda tx: connections.require(tx, birch, made.id))
    with pytest.raises(ExistsError):
        add(database, birch)


def test_a_connection_is_changed_and_keeps_its_secret_its_name_and_its_kind(world: World, database: Database) -> None:
    made = add(database, world.alder.organization_id)
    wanted = replace(WANTED, display_name="Entra", secret=None)
    changed = database.write(lambda tx: connections.change(tx, made, wanted, KEY, NOW + 1))
    assert (changed.display_name, changed.secret(KEY), changed.changed_at) == ("Entra", WANTED.secret, NOW + 1)
    off = database.write(lambda tx: connections.switch(tx, changed, NOW + 2, on=False))
    assert (off.disabled_at, off.secret(KEY)) == (NOW + 2, WANTED.secret)
    assert database.write(lambda tx: connections.switch(tx, off, NOW + 3, on=True)).disabled_at is None
    saml = SamlSettings("https://idp.example", "https://idp.example/sso", "redirect", ("MIIB",))
    for other in (replace(wanted, name="another"), replace(wanted, settings=saml)):
        with pytest.raises(InvalidError):
            database.write(lambda tx, one=other: connections.change(tx, made, one, KEY, NOW))  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "Alder", "-alder", "alder-", "a b", "a" * 64, "alder\n"])
def test_a_name_that_is_none_is_refused(world: World, database: Database, name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        add(database, world.alder.organization_id, replace(WANTED, name=name))
    assert refused.value.field == "name"


def test_a_group_stands_for_roles_and_never_for_an_authority_to_prescribe(world: World, database: Database) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id
    wanted = {"nurses": {Role.MEDICAL_OPERATIONS, Role.STAFF}, "it": {Role.DEVELOPER}}
    database.write(lambda tx: group_roles.replace(tx, alder, "con_1", wanted))
    assert database.read(lambda tx: group_roles.of_source(tx, alder, "con_1")) == wanted
    found = database.read(lambda tx: group_roles.roles_of(tx, alder, "con_1", ["nurses", "others"]))
    assert found == wanted["nurses"]
    for organization_id, source in ((birch, "con_1"), (alder, "con_2")):
        asked = (organization_id, source, ["nurses"])
        assert not database.read(lambda tx, one=asked: group_roles.roles_of(tx, *one))  # type: ignore[misc]
    refused: list[dict[str, set[Role]]] = [{"doctors": {Role.PRESCRIBER}}, {" ": {Role.STAFF}}, {"x" * 257: set()}]
    for one in refused:
        with pytest.raises(DomainError):
            database.write(lambda tx, one=one: group_roles.replace(tx, alder, "con_1", one))  # type: ignore[misc]
    assert database.read(lambda tx: group_roles.of_source(tx, alder, "con_1")) == wanted


def test_a_message_and_an_answer_are_taken_once(world: World, database: Database) -> None:
    made = add(database, world.alder.organization_id)
    alder = made.organization_id
    assert database.write(lambda tx: upstream_messages.take(tx, alder, made.id, "_assertion", NOW))
    assert not database.write(lambda tx: upstream_messages.take(tx, alder, made.id, "_assertion", NOW))
    sent = Sent("state", "nonce", "verifier")
    digest = secrets.digest("handle")
    database.write(
        lambda tx: upstream_requests.begin(tx, made, sent, KEY, NOW, browser_digest=digest, sign_in_id="sin_1")
    )
    found = database.read(lambda tx: upstream_requests.find(tx, "state"))
    assert found is not None
    assert (found.connection_id, found.answers_to, found.verifier(KEY)) == (made.id, "nonce", "verifier")
    late = NOW + upstream_requests.LIFETIME_S
    assert not database.write(lambda tx: upstream_requests.use(tx, found, late))
    assert database.write(lambda tx: upstream_requests.use(tx, found, late - 1))
    assert not database.write(lambda tx: upstream_requests.use(tx, found, NOW))
    assert database.read(lambda tx: upstream_requests.find(tx, "other")) is None


def test_a_logout_leads_on_once_and_in_time_and_through_its_connection(world: World, database: Database) -> None:
    made, other = (add(database, world.alder.organization_id, replace(WANTED, name=name)) for name in ("one", "two"))
    url, late = "https://app.example/bye", NOW + upstream_logouts.LIFETIME_S

    def take(connection: Connection, now: int) -> str | None:
        return database.write(lambda tx: upstream_logouts.take(tx, connection, "state", KEY, now=now))

    database.write(lambda tx: upstream_logouts.begin(tx, made, "state", url, KEY, now=NOW))
    assert take(other, NOW) is None
    assert take(made, late) is None
    assert take(made, late - 1) == url
    assert take(made, NOW) is None
