"""S-09 and S-10: links to choose a new password, and those who abuse them."""

import inspect
from collections.abc import Iterator

import pytest

from rxauth.crypto import passwords as hashes
from rxauth.domain import email_changes, failed_proofs, password_changes, password_resets, passwords, sessions, users
from rxauth.domain.password_resets import LIFETIME_S, LIVE_LIMIT
from rxauth.domain.sessions import Proof
from rxauth.domain.users import User
from rxauth.storage.database import Database
from tests.people import CHEAP, add_person, letters, link_written, one_after_the_other, outbox, subjects
from tests.world import NOW, World

ADA = "ada@alder.example"
HASH = hashes.new_hash("ferry quilt under glass", CHEAP)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database) -> User:
    """Somebody who forgot the password."""
    return database.write(lambda tx: add_person(tx, ADA))


def asked(database: Database, world: World, email: str = ADA, now: int = NOW) -> str:
    """Asks for a link, and returns what it holds."""
    return link_written(database, world, lambda tx: password_resets.ask(tx, email, outbox(world), now))


def reset(database: Database, world: World, token: str, now: int = NOW) -> User | None:
    """Chooses a new password with a link."""
    return database.write(lambda tx: password_changes.reset(tx, token, HASH, outbox(world), now))


def test_a_link_gives_a_new_password_ends_every_session_and_begins_none(
    world: World, database: Database, ada: User
) -> None:
    database.write(lambda tx: sessions.start(tx, Proof(ada.id, ("pwd",), "192.0.2.1", "Firefox"), NOW))
    for _ in range(failed_proofs.FAILURES_LIMIT):
        database.write(lambda tx: failed_proofs.count(tx, ada.id, NOW))
    token = asked(database, world)
    assert database.read(lambda tx: password_resets.find(tx, token, NOW)) == ada.id
    assert reset(database, world, token) == ada
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) == HASH
    assert database.read(lambda tx: sessions.of_user(tx, ada.id)) == []  # whoever reset it signs in, with every factor
    assert database.read(lambda tx: failed_proofs.wait_s(tx, ada.id, NOW)) == 0
    assert subjects(database, world, ADA) == ["Choose a new password", "Your password was changed"]


def test_s_09_a_link_works_once(world: World, database: Database, ada: User) -> None:
    token = asked(database, world)
    assert reset(database, world, token) == ada
    assert reset(database, world, token) is None


def test_s_09_a_link_is_dead_after_an_hour(world: World, database: Database, ada: User) -> None:
    token = asked(database, world)
    assert database.read(lambda tx: password_resets.find(tx, token, NOW + LIFETIME_S)) is None
    assert reset(database, world, token, NOW + LIFETIME_S) is None
    assert reset(database, world, token, NOW + LIFETIME_S - 1) == ada


@pytest.mark.parametrize("token", ["", "a" * 43, "\0", "é" * 43], ids=["empty", "forged", "nul", "not ascii"])
def test_s_09_a_forged_link_is_refused(world: World, database: Database, ada: User, token: str) -> None:
    asked(database, world)
    assert reset(database, world, token) is None
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) != HASH


def test_s_09_a_link_sets_its_owners_password_and_nobody_elses(world: World, database: Database, ada: User) -> None:
    bob = database.write(lambda tx: add_person(tx, "bob@alder.example"))
    before = database.read(lambda tx: passwords.stored_hash(tx, ada.id))
    assert reset(database, world, asked(database, world, "bob@alder.example")) == bob
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) == before


def test_s_09_the_other_links_die_with_the_one_that_is_used(world: World, database: Database, ada: User) -> None:
    first, second = asked(database, world), asked(database, world)
    assert reset(database, world, second) == ada
    assert reset(database, world, first) is None


def test_s_09_a_link_dies_with_the_address_that_it_was_sent_to(world: World, database: Database, ada: User) -> None:
    token = asked(database, world)
    change = link_written(
        database, world, lambda tx: email_changes.ask(tx, ada.id, "new@alder.example", outbox(world), NOW)
    )
    assert database.write(lambda tx: email_changes.confirm(tx, change, outbox(world), NOW)) is not None
    assert reset(database, world, token) is None


def test_s_09_a_disabled_person_gets_no_link_and_uses_none(world: World, database: Database, ada: User) -> None:
    token = asked(database, world)
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    assert reset(database, world, token) is None
    assert database.write(lambda tx: password_resets.ask(tx, ADA, outbox(world), NOW)) is None
    assert len(letters(database, world)) == 1


def test_s_09_an_unknown_address_gets_no_letter(world: World, database: Database) -> None:
    assert database.write(lambda tx: password_resets.ask(tx, "nobody@alder.example", outbox(world), NOW)) is None
    assert letters(database, world) == []


def test_strangers_cannot_fill_a_mailbox(world: World, database: Database, ada: User) -> None:
    for _ in range(LIVE_LIMIT + 5):
        assert database.write(lambda tx: password_resets.ask(tx, ADA, outbox(world), NOW)) == ada.id
    assert len(letters(database, world)) == LIVE_LIMIT
    database.write(lambda tx: password_resets.ask(tx, ADA, outbox(world), NOW + LIFETIME_S))
    assert len(letters(database, world)) == LIVE_LIMIT + 1


def test_s_09_a_link_used_twice_at_once_works_once(world: World, database: Database, ada: User) -> None:
    token = asked(database, world)
    first, second = one_after_the_other(world, lambda tx: password_changes.reset(tx, token, HASH, outbox(world), NOW))
    assert (first, second.result()) == (ada, None)
    assert subjects(database, world).count("Your password was changed") == 1


def test_s_10_nobody_can_choose_somebody_elses_password() -> None:
    """What sets a password takes a reset link, or the person's own session: no administrator is asked for."""
    assert [*inspect.signature(password_changes.reset).parameters][1] == "token"
    assert "but_session" in inspect.signature(password_changes.change).parameters
    public = {name for name, _ in inspect.getmembers(password_changes, inspect.isfunction)}
    assert public == {"change", "reset"}
