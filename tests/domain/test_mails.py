"""Letters: kept with the act, sealed, claimed by one process at a time, and never lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import letters, mails
from rxauth.domain.mails import FIRST_PAUSE_S, GIVEN_UP_AFTER_S, LONGEST_PAUSE_S, Letter, Mail
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from rxauth.storage.engines import parse_url
from tests.people import outbox
from tests.world import NOW, World

LETTER = Letter("ada@alder.example", "Choose a new password", "http://localhost:8000/reset?token=secret-link\n")


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def claimed(database: Database, now: int) -> Mail | None:
    """Returns a letter that was claimed."""
    return database.write(lambda tx: mails.claim(tx, now))


def put(database: Database, world: World, now: int = NOW) -> str:
    """Queues a letter."""
    return database.write(lambda tx: outbox(world).put(tx, LETTER, now))


def test_a_letter_goes_with_its_act_or_not_at_all(world: World, database: Database) -> None:
    def fail(transaction: Transaction) -> None:
        outbox(world).put(transaction, LETTER, NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(fail)
    assert not database.read(lambda tx: mails.is_due(tx, NOW))
    put(database, world)
    assert database.read(lambda tx: mails.is_due(tx, NOW))


def test_a_claimed_letter_is_nobody_elses_until_its_next_attempt(world: World, database: Database) -> None:
    put(database, world)
    first = claimed(database, NOW)
    assert first is not None
    assert first.read(world.settings.sealing_key) == LETTER
    assert claimed(database, NOW + FIRST_PAUSE_S - 1) is None
    again = claimed(database, NOW + FIRST_PAUSE_S)  # whoever had it died before it was sent
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 1)
    assert claimed(database, NOW + 2 * FIRST_PAUSE_S) is None


def test_two_processes_that_look_at_once_never_get_one_letter_both(world: World, database: Database) -> None:
    """The first claim is held open by hand: on PostgreSQL the second passes it by, on SQLite it waits."""
    put(database, world)
    other, seen = world.open(), []

    def work(transaction: Transaction) -> Mail | None:
        mine = mails.claim(transaction, NOW)
        if not database.engines.is_sqlite:
            seen.append(other.write(lambda tx: mails.claim(tx, NOW)))
        return mine

    assert database.write(work) is not None
    seen.append(other.write(lambda tx: mails.claim(tx, NOW)))
    other.close()
    assert set(seen) == {None}


def test_pauses_grow_to_a_limit_and_a_letter_whose_links_are_dead_is_given_up(world: World, database: Database) -> None:
    put(database, world)
    now, pauses = NOW, []
    while (mail := claimed(database, now)) is not None:
        pauses.append(mails.pause_s(mail.attempts))
        now += pauses[-1]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE_S, LONGEST_PAUSE_S)
    assert NOW + GIVEN_UP_AFTER_S <= now < NOW + GIVEN_UP_AFTER_S + LONGEST_PAUSE_S


def test_a_letter_that_was_sent_is_forgotten(world: World, database: Database) -> None:
    mail_id = put(database, world)
    database.write(lambda tx: mails.sent(tx, mail_id, NOW))
    assert claimed(database, NOW + FIRST_PAUSE_S) is None
    assert database.read(lambda tx: mails.all_of_them(tx, world.settings.sealing_key)) == []


def test_no_address_and_no_link_is_in_the_database_or_in_a_printed_record(sqlite_world: World) -> None:
    database = sqlite_world.open()
    put(database, sqlite_world)
    mail = claimed(database, NOW)
    database.close()
    assert mail is not None
    files = Path(str(parse_url(sqlite_world.settings.database_url).database))
    kept = b"".join(path.read_bytes() for path in files.parent.glob(f"{files.name}*"))
    for text in ("ada@alder.example", "secret-link"):
        assert text.encode() not in kept
        assert text not in f"{mail!r} {LETTER!r} {outbox(sqlite_world)!r}"
    with pytest.raises(CannotUnsealError):
        mail.read(b"another key that has 32 bytes...")


def test_a_name_cannot_write_a_header_or_a_line_of_its_own() -> None:
    name = "Alder\r\nBcc: everybody@example.com\n\N{RIGHT-TO-LEFT OVERRIDE}Clinic" + "c" * 300
    letter = letters.invite("a@b.example", name, [Role.STAFF], "https://auth.example/invite?token=x")
    assert letter.subject.isprintable()
    assert len(letter.subject) <= 150
    assert not any(line.startswith("Bcc") for line in letter.text.splitlines())
