"""Administrators hear of a SCIM token that ends: 30, 7 and 1 day before, once, and not of one that was replaced."""

from collections.abc import Iterator

import pytest

from rxauth.domain import memberships, scim_tokens
from rxauth.domain.scim_reminders import ScimReminders
from rxauth.domain.scim_tokens import ScimToken, Wanted
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.people import add_person, letters, outbox
from tests.world import NOW, World

DAY = 86_400


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def make(database: Database, world: World, days: int, name: str = "Entra ID") -> ScimToken:
    """Makes a token of an organization with an administrator."""

    def work(tx: Transaction) -> ScimToken:
        keeper = add_person(tx, f"{name.partition(' ')[0].lower()}@example.com", None)
        memberships.add(tx, world.alder.organization_id, keeper.id, [Role.ADMINISTRATOR], NOW)
        wanted = Wanted(name, keeper.id, NOW + days * DAY)
        return scim_tokens.make(tx, world.alder.organization_id, wanted, NOW)[0]

    return database.write(work)


def spoken_of(database: Database, world: World, day: int) -> list[str]:
    """Looks on a day; returns the subjects of the letters so far, to one administrator."""
    reminders = ScimReminders(outbox(world))
    while database.write(lambda tx: reminders.remind(tx, NOW + day * DAY)):
        pass
    return [one.subject for one in letters(database, world, "entra@example.com")]


def test_a_token_is_spoken_of_three_times(world: World, database: Database) -> None:
    make(database, world, 40)
    counts = [len(spoken_of(database, world, day)) for day in (9, 10, 11, 33, 34, 39, 41)]
    assert counts == [0, 1, 1, 2, 2, 3, 3]
    assert "A SCIM token ends in 30 days" in spoken_of(database, world, 41)
    [letter] = [one for one in letters(database, world, "entra@example.com") if "1 day" in one.subject]
    assert "Entra ID of Alder Clinic" in letter.text


def test_a_token_that_was_replaced_or_revoked_ends_in_silence(world: World, database: Database) -> None:
    token = make(database, world, 40)
    make(database, world, 400, "Okta next")
    assert spoken_of(database, world, 10) == []
    database.write(lambda tx: scim_tokens.revoke(tx, world.alder.organization_id, token.id, NOW + 11 * DAY))
    assert spoken_of(database, world, 39) == []
