"""Organizations as the operator finds them, on both engines."""

from collections.abc import Iterator

import pytest

from rxauth.domain import clients, invites, memberships, organization_list, organizations, users
from rxauth.domain.invites import Asked
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.people import add_person, outbox
from tests.world import NOW, World


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def names(database: Database, words: str, rows: int = 10, before: str = FROM_THE_START) -> list[str]:
    """Returns the names that a search finds."""
    return [one.name for one in database.read(lambda tx: organization_list.search(tx, words, Page(rows, before)))]


def test_an_organization_is_found_by_a_part_of_its_name_or_the_beginning_of_its_identifier(
    world: World, database: Database
) -> None:
    made = [
        database.write(lambda tx, name=name, n=n: organizations.create(tx, name, NOW + n))  # type: ignore[misc]
        for n, name in enumerate(("100% Cedar", "Cedar_Grove", "Cédar Élan", "a\\b"))
    ]
    assert names(database, "cedar") == ["Cedar_Grove", "100% Cedar"]
    assert names(database, " CEDAR ") == ["Cedar_Grove", "100% Cedar"]
    assert names(database, "Élan") == ["Cédar Élan"]
    assert names(database, "%") == ["100% Cedar"]
    assert names(database, "_") == ["Cedar_Grove"]
    assert names(database, "\\") == ["a\\b"]
    assert names(database, "' OR 1=1") == []
    assert names(database, made[1].id) == ["Cedar_Grove"]
    assert names(database, made[1].id.lower()[:-1]) == ["Cedar_Grove"]
    assert set(names(database, "org_")) == {*(one.name for one in made), "Alder Clinic", "Birch Clinic"}
    assert names(database, "org_Z") == []


def test_pages_go_on_after_the_last_that_was_seen(world: World, database: Database) -> None:
    for n in range(5):
        database.write(lambda tx, n=n: organizations.create(tx, f"Cedar {n}", NOW + n))  # type: ignore[misc]
    for words in ("", "cedar", "org_"):
        found: list[str] = []
        before = FROM_THE_START
        while page := database.read(lambda tx: organization_list.search(tx, words, Page(2, before))):  # noqa: B023
            found += [one.name for one in page]
            before = page[-1].id
        assert [one for one in found if one.startswith("Cedar")] == [f"Cedar {n}" for n in range(4, -1, -1)]
        assert len(found) == len(set(found))


def test_it_says_how_big_an_organization_is_and_who_manages_it(world: World, database: Database) -> None:
    owner = world.birch.organization_id
    before = database.read(lambda tx: organization_list.size(tx, owner, NOW))
    assert (before.people, before.clients, before.machine_client) == (0, 1, world.birch.client_id)
    assert (before.administrators, before.invited) == ((), ())

    def fill(tx: Transaction) -> User:
        ada, ben = add_person(tx, "ada@birch.example"), add_person(tx, "ben@birch.example")
        memberships.add(tx, owner, ada.id, [Role.ADMINISTRATOR], NOW)
        memberships.add(tx, owner, ben.id, [Role.STAFF], NOW)
        asked = Asked("cora@birch.example", frozenset({Role.ADMINISTRATOR}))
        invites.create(tx, owner, asked, outbox(world), NOW)
        invites.create(tx, owner, Asked("dan@birch.example", frozenset({Role.STAFF})), outbox(world), NOW)
        return ada

    ada = database.write(fill)
    database.write(lambda tx: clients.disable(tx, world.birch.client_id, NOW))
    after = database.read(lambda tx: organization_list.size(tx, owner, NOW))
    assert (after.people, after.clients, after.is_machine_disabled) == (2, 0, True)
    assert after.administrators == ("ada@birch.example",)
    assert after.invited == (("cora@birch.example", NOW + invites.LIFETIME_S),)
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    late = database.read(lambda tx: organization_list.size(tx, owner, NOW + invites.LIFETIME_S))
    assert (late.administrators, late.invited) == ((), ())
