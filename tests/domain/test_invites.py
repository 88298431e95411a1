"""M-22: invites, and links to them that are forged, used again, for another organization or for another address."""

from collections.abc import Callable, Iterator

import pytest

from rxauth.crypto import passwords as hashes
from rxauth.domain import invites, memberships, organization_settings, organizations, passwords, users
from rxauth.domain.errors import AbsentError, DomainError, ExistsError, InvalidError
from rxauth.domain.invites import LIFETIME_S, NOT_FOUND, Asked, Invite
from rxauth.domain.names import Name
from rxauth.domain.sessions import Limits
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.people import CHEAP, add_person, letters, link_written, one_after_the_other, outbox
from tests.world import NOW, World

ADA = "ada@alder.example"
NAME = Name("Ada", "Marsh")
HASH = hashes.new_hash("ferry quilt under glass", CHEAP)
STAFF = frozenset({Role.STAFF, Role.MEDICAL_OPERATIONS})


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def invited(
    database: Database, world: World, email: str = ADA, roles: frozenset[Role] = STAFF, organization: str | None = None
) -> tuple[Invite, str]:
    """Invites somebody; returns the invite and what its link holds."""
    owner = organization or world.alder.organization_id
    token = link_written(database, world, lambda tx: invites.create(tx, owner, Asked(email, roles), outbox(world), NOW))
    invite = database.read(lambda tx: invites.find(tx, token, NOW))
    assert invite is not None
    return invite, token


def roles_of(database: Database, user_id: str) -> dict[str, frozenset[Role]]:
    """Returns the roles of a person, by organization."""
    found = database.read(lambda tx: memberships.of_person(tx, user_id))
    return {one.organization_id: one.roles for one in found}


def test_a_new_person_joins_with_a_name_a_password_and_a_verified_address(world: World, database: Database) -> None:
    invite, token = invited(database, world)
    assert database.read(lambda tx: invites.find(tx, token, NOW)) == invite
    accepted, user = database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW + 60))
    assert (accepted.id, accepted.accepted_at) == (invite.id, NOW + 60)
    assert database.read(lambda tx: users.find_by_email(tx, ADA)) == user
    assert (user.name, user.email_verified_at) == (NAME, NOW + 60)
    assert database.read(lambda tx: passwords.stored_hash(tx, user.id)) == HASH
    assert roles_of(database, user.id) == {world.alder.organization_id: STAFF}
    assert database.read(lambda tx: invites.of_organization(tx, world.alder.organization_id)) == []


def test_somebody_of_another_organization_joins_and_keeps_the_password(world: World, database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, "Ada@Alder.example"))
    birch = world.birch.organization_id
    database.write(lambda tx: memberships.add(tx, birch, ada.id, [Role.SUPPORT], NOW))
    before = database.read(lambda tx: passwords.stored_hash(tx, ada.id))
    _, token = invited(database, world)
    database.write(lambda tx: invites.accept(tx, token, ada.id, NOW))
    assert roles_of(database, ada.id) == {birch: {Role.SUPPORT}, world.alder.organization_id: STAFF}
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) == before


def test_who_became_a_member_meanwhile_keeps_the_roles_and_gets_those_of_the_invite(
    world: World, database: Database
) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    _, token = invited(database, world)
    alder = world.alder.organization_id
    database.write(lambda tx: memberships.add(tx, alder, ada.id, [Role.ADMINISTRATOR], NOW))
    database.write(lambda tx: invites.accept(tx, token, ada.id, NOW))
    assert roles_of(database, ada.id) == {alder: STAFF | {Role.ADMINISTRATOR}}


def refused(database: Database, token: str, now: int = NOW) -> list[str]:
    """Tries a link as somebody new and as the person with the address; returns what both are told."""
    ada = database.read(lambda tx: users.find_by_email(tx, ADA))
    acts: list[Callable[[Transaction], object]] = [lambda tx: invites.accept_as_new(tx, token, NAME, HASH, now)]
    if ada is not None:
        acts.append(lambda tx: invites.accept(tx, token, ada.id, now))
    said = []
    for act in acts:
        with pytest.raises(AbsentError) as error:
            database.write(act)
        said.append(str(error.value))
    assert database.read(lambda tx: invites.find(tx, token, now)) is None
    return said


@pytest.mark.parametrize("token", ["", "a" * 43, "\0"], ids=["empty", "forged", "nul"])
def test_m_22_a_forged_link_is_refused(world: World, database: Database, token: str) -> None:
    invited(database, world)
    assert set(refused(database, token)) == {NOT_FOUND}


def test_m_22_a_link_is_not_the_invites_identifier_or_digest(world: World, database: Database) -> None:
    invite, _ = invited(database, world)
    assert refused(database, invite.id) == [NOT_FOUND]


def test_m_22_a_link_works_once(world: World, database: Database) -> None:
    _, token = invited(database, world)
    database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW))
    assert set(refused(database, token)) == {NOT_FOUND}


def test_m_22_a_link_is_dead_after_seven_days(world: World, database: Database) -> None:
    _, token = invited(database, world)
    assert set(refused(database, token, NOW + LIFETIME_S)) == {NOT_FOUND}
    database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW + LIFETIME_S - 1))


def test_m_22_a_link_opens_its_own_organization_only(world: World, database: Database) -> None:
    _, token = invited(database, world)
    invite, user = database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW))
    assert invite.organization_id == world.alder.organization_id
    assert roles_of(database, user.id).keys() == {world.alder.organization_id}


def test_m_22_somebody_with_another_address_cannot_accept_and_the_invite_stays(
    world: World, database: Database
) -> None:
    mallory = database.write(lambda tx: add_person(tx, "mallory@alder.example"))
    _, token = invited(database, world)
    with pytest.raises(AbsentError, match=NOT_FOUND):
        database.write(lambda tx: invites.accept(tx, token, mallory.id, NOW))
    assert roles_of(database, mallory.id) == {}
    database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW))


def test_m_22_a_stolen_link_does_not_take_over_the_account_with_its_address(world: World, database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    _, token = invited(database, world)
    with pytest.raises(ExistsError):
        database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW))
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) != HASH
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    with pytest.raises(AbsentError, match=NOT_FOUND):
        database.write(lambda tx: invites.accept(tx, token, ada.id, NOW))


def test_m_22_a_revoked_or_replaced_link_and_one_of_a_disabled_organization_are_refused(
    world: World, database: Database
) -> None:
    alder = world.alder.organization_id
    _, replaced = invited(database, world)
    invite, token = invited(database, world)
    assert set(refused(database, replaced)) == {NOT_FOUND}
    with pytest.raises(AbsentError):
        database.write(lambda tx: invites.revoke(tx, world.birch.organization_id, invite.id, NOW))
    database.write(lambda tx: invites.revoke(tx, alder, invite.id, NOW))
    assert set(refused(database, token)) == {NOT_FOUND}
    _, token = invited(database, world)
    database.write(lambda tx: organizations.disable(tx, alder, NOW))
    with pytest.raises(AbsentError, match=NOT_FOUND):
        database.write(lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW))


def test_m_22_a_link_used_twice_at_once_makes_one_person(world: World, database: Database) -> None:
    _, token = invited(database, world)
    (_, user), second = one_after_the_other(world, lambda tx: invites.accept_as_new(tx, token, NAME, HASH, NOW))
    with pytest.raises(AbsentError, match=NOT_FOUND):
        second.result()
    assert database.read(lambda tx: users.find_by_email(tx, ADA)) == user


@pytest.mark.parametrize(
    ("asked", "organization", "error"),
    [
        (Asked("no address", STAFF), None, InvalidError),
        (Asked(ADA, frozenset()), None, InvalidError),
        (Asked(ADA, STAFF), "org_nothing", AbsentError),
        (Asked("member@alder.example", STAFF), None, ExistsError),
    ],
    ids=["no address", "no role", "no organization", "a member"],
)
def test_what_cannot_be_an_invite(
    world: World, database: Database, asked: Asked, organization: str | None, error: type[DomainError]
) -> None:
    alder = world.alder.organization_id
    member = database.write(lambda tx: add_person(tx, "member@alder.example"))
    database.write(lambda tx: memberships.add(tx, alder, member.id, STAFF, NOW))
    with pytest.raises(error):
        database.write(lambda tx: invites.create(tx, organization or alder, asked, outbox(world), NOW))
    assert letters(database, world) == []


def test_an_invite_that_is_read_tells_neither_its_link_nor_prints_its_address(world: World, database: Database) -> None:
    invite, token = invited(database, world)
    listed = database.read(lambda tx: invites.of_organization(tx, invite.organization_id))
    assert listed == [invite]
    for secret in (ADA, token):
        assert secret not in f"{listed!r} {Asked(ADA, STAFF)!r}"


@pytest.mark.parametrize("domain", ["gmail.example", "alder.example.evil", "sub.alder.example", "lder.example"])
def test_an_organization_invites_only_where_it_says(world: World, database: Database, domain: str) -> None:
    owner, longest, email = world.alder.organization_id, Limits(3_600, 86_400), f"ada@{domain}"
    domains = ["alder.example", "birch.example"]
    database.write(lambda tx: organization_settings.change(tx, owner, longest, NOW, email_domains=domains))
    with pytest.raises(InvalidError, match=r"at alder\.example, birch\.example only"):
        database.write(lambda tx: invites.create(tx, owner, Asked(email, STAFF), outbox(world), NOW))
    assert invited(database, world, "Ada@ALDER.example")
    assert invited(database, world, email, organization=world.birch.organization_id)
