"""Passwords of people: how a sign-in is compared, what replaces a hash, and what a change ends (S-16)."""

from collections.abc import Iterator
from dataclasses import replace

import bcrypt
import pytest

from rxauth.crypto import passwords as hashes
from rxauth.crypto.passwords import Cost, Verdict
from rxauth.domain import password_changes, password_resets, passwords, sessions, users
from rxauth.domain.errors import AbsentError
from rxauth.domain.passwords import Attempt
from rxauth.domain.sessions import Proof
from rxauth.domain.users import User
from rxauth.storage.database import Database
from rxauth.storage.tables import people
from tests.people import CHEAP, PASSWORD, add_person, letters, link_written, one_after_the_other, outbox
from tests.world import NOW, World

ADA = "ada@alder.example"
NEW = "ferry quilt under glass"


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def sign_in(database: Database, email: str, typed: str, cost: Cost = CHEAP) -> User | None:
    """Takes the three steps of a sign-in."""
    attempt = database.read(lambda tx: passwords.begin(tx, email))
    verdict = hashes.judge(typed, attempt.stored, cost)
    return database.write(lambda tx: passwords.settle(tx, attempt, verdict))


def test_the_password_signs_in_however_the_address_is_written_and_nothing_else_does(database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, "Ada@Alder.example"))
    assert [sign_in(database, email, PASSWORD) for email in (ADA, " ADA@ALDER.EXAMPLE ")] == [ada, ada]
    for email, typed in ((ADA, PASSWORD + " "), (ADA, ""), (ADA, "x" * 2_000), ("bob@alder.example", PASSWORD)):
        assert sign_in(database, email, typed) is None


def test_s_01_unknown_disabled_and_without_a_password_are_compared_with_the_same_nothing(database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    database.write(lambda tx: add_person(tx, "no.password@alder.example", None))
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    for email in (ADA, "no.password@alder.example", "nobody@alder.example"):
        assert database.read(lambda tx, email=email: passwords.begin(tx, email)).stored is None  # type: ignore[misc]
        assert sign_in(database, email, PASSWORD) is None


def test_an_imported_hash_is_replaced_at_the_first_sign_in_and_never_by_a_wrong_password(database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA, None))
    foreign = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    database.write(lambda tx: passwords.store(tx, ada.id, foreign, NOW))
    assert sign_in(database, ADA, "wrong") is None
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) == foreign
    assert sign_in(database, ADA, PASSWORD) == ada
    replaced = database.read(lambda tx: passwords.stored_hash(tx, ada.id))
    assert replaced is not None
    assert replaced.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert sign_in(database, ADA, PASSWORD, Cost(16, 1, 1)) == ada  # the settings ask for more by now


@pytest.mark.parametrize("rehash", [False, True], ids=["same cost", "another cost"])
def test_a_password_that_changes_while_it_is_compared_no_longer_signs_in(database: Database, rehash: bool) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    attempt = database.read(lambda tx: passwords.begin(tx, ADA))
    verdict = hashes.judge(PASSWORD, attempt.stored, Cost(16, 1, 1) if rehash else CHEAP)
    new_hash = hashes.new_hash(NEW, CHEAP)
    database.write(lambda tx: passwords.store(tx, ada.id, new_hash, NOW))
    assert database.write(lambda tx: passwords.settle(tx, attempt, verdict)) is None
    assert database.read(lambda tx: passwords.stored_hash(tx, ada.id)) == new_hash


def test_a_person_who_is_disabled_while_the_password_is_compared_is_not_signed_in(database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    attempt = database.read(lambda tx: passwords.begin_for(tx, ada.id))
    verdict = hashes.judge(PASSWORD, attempt.stored, CHEAP)
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    assert database.write(lambda tx: passwords.settle(tx, attempt, verdict)) is None
    assert database.read(lambda tx: passwords.begin_for(tx, ada.id)).stored is None


def test_s_03_a_password_does_not_grow_old(database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    assert sign_in(database, ADA, PASSWORD) == ada
    assert set(people.passwords.c.keys()) == {"user_id", "hash", "changed_at"}


def test_s_16_a_change_ends_every_other_session_and_reset_link_and_tells_the_person(
    world: World, database: Database
) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    proof = Proof(ada.id, ("pwd",), "192.0.2.1", "Firefox")
    here, _ = database.write(lambda tx: sessions.start(tx, proof, NOW))
    database.write(lambda tx: sessions.start(tx, proof, NOW))
    link = link_written(database, world, lambda tx: password_resets.ask(tx, ADA, outbox(world), NOW))

    new_hash = hashes.new_hash(NEW, CHEAP)
    changed = database.write(
        lambda tx: password_changes.change(tx, ada.id, new_hash, outbox(world), NOW, but_session=here.id)
    )

    assert changed == ada
    assert [one.id for one in database.read(lambda tx: sessions.of_user(tx, ada.id))] == [here.id]
    assert database.read(lambda tx: password_resets.find(tx, link, NOW)) is None
    [notice] = [one for one in letters(database, world, ADA) if one.subject == "Your password was changed"]
    assert "http" not in notice.text  # a notice asks nobody to click
    assert (sign_in(database, ADA, PASSWORD), sign_in(database, ADA, NEW)) == (None, ada)


def test_two_changes_at_once_leave_one_password_and_no_session(world: World, database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    new_hash = hashes.new_hash(NEW, CHEAP)
    one_after_the_other(
        world, lambda tx: password_changes.change(tx, ada.id, new_hash, outbox(world), NOW, but_session=None)
    )[1].result()
    assert sign_in(database, ADA, NEW) == ada


def test_nobody_and_the_disabled_get_no_password(world: World, database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    for user_id in (ada.id, "usr_nobody"):
        with pytest.raises(AbsentError):
            database.write(
                lambda tx, user_id=user_id: password_changes.change(  # type: ignore[misc]
                    tx, user_id, "hash", outbox(world), NOW, but_session=None
                )
            )


def test_no_hash_is_printed() -> None:
    attempt = Attempt(None, "$argon2id$secret")
    assert "secret" not in f"{attempt!r} {replace(attempt)!r} {Verdict(True, '$argon2id$secret')!r}"
