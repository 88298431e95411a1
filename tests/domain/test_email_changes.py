"""Changes of address: only whoever reads the new one makes them, and whoever reads the old one hears of them."""

from collections.abc import Iterator

import pytest

from rxauth.domain import email_changes, users
from rxauth.domain.email_changes import LIFETIME_S
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.users import User
from rxauth.storage.database import Database
from tests.people import add_person, letters, link_written, one_after_the_other, outbox, subjects
from tests.world import NOW, World

OLD, NEW = "ada@alder.example", "Ada@Birch.example"


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database) -> User:
    """Somebody who gets a new address."""
    return database.write(lambda tx: add_person(tx, OLD))


def asked(database: Database, world: World, user: User, email: str = NEW) -> str:
    """Asks for a change, and returns what the link holds."""
    return link_written(database, world, lambda tx: email_changes.ask(tx, user.id, email, outbox(world), NOW))


def confirm(database: Database, world: World, token: str, now: int = NOW) -> User | None:
    """Opens a link."""
    return database.write(lambda tx: email_changes.confirm(tx, token, outbox(world), now))


def test_the_link_changes_the_address_and_both_addresses_are_written_to(
    world: World, database: Database, ada: User
) -> None:
    token = asked(database, world, ada)
    assert database.read(lambda tx: users.find(tx, ada.id)) == ada  # nothing changes before
    changed = confirm(database, world, token, NOW + 60)
    assert changed is not None
    assert (changed.id, changed.email, changed.email_verified_at) == (ada.id, NEW, NOW + 60)
    assert subjects(database, world, OLD) == [
        "Your e-mail address is about to change",
        "Your e-mail address was changed",
    ]


def test_a_link_that_is_used_replaced_forged_or_too_old_changes_nothing(
    world: World, database: Database, ada: User
) -> None:
    replaced, token = asked(database, world, ada, "first@birch.example"), asked(database, world, ada)
    assert confirm(database, world, replaced) is None
    assert confirm(database, world, "a" * 43) is None
    assert confirm(database, world, token, NOW + LIFETIME_S) is None
    assert confirm(database, world, token) is not None
    assert confirm(database, world, token) is None


def test_an_address_that_somebody_has_looks_the_same_and_gets_no_link(
    world: World, database: Database, ada: User
) -> None:
    database.write(lambda tx: add_person(tx, NEW))
    database.write(lambda tx: email_changes.ask(tx, ada.id, NEW, outbox(world), NOW))
    assert letters(database, world, NEW) == []
    assert len(letters(database, world, OLD)) == 1


def test_an_address_that_somebody_took_meanwhile_stays_theirs(world: World, database: Database, ada: User) -> None:
    token = asked(database, world, ada)
    bob = database.write(lambda tx: add_person(tx, NEW))
    assert confirm(database, world, token) is None
    assert database.read(lambda tx: users.find_by_email(tx, NEW)) == bob


def test_a_link_opened_twice_at_once_works_once(world: World, database: Database, ada: User) -> None:
    token = asked(database, world, ada)
    first, second = one_after_the_other(world, lambda tx: email_changes.confirm(tx, token, outbox(world), NOW))
    assert first is not None
    assert second.result() is None


def test_what_cannot_be_asked_for(world: World, database: Database, ada: User) -> None:
    with pytest.raises(InvalidError):
        database.write(lambda tx: email_changes.ask(tx, ada.id, "no address", outbox(world), NOW))
    with pytest.raises(AbsentError):
        database.write(lambda tx: email_changes.ask(tx, "usr_nobody", NEW, outbox(world), NOW))
    token = asked(database, world, ada)
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    assert confirm(database, world, token) is None
