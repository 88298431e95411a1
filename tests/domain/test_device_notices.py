"""S-16: a sign-in with a new browser is told to the person whose account it is."""

from collections.abc import Iterator

import pytest

from rxauth.domain import device_notices, sessions
from rxauth.domain.sessions import Proof
from rxauth.storage.database import Database, Transaction
from tests.people import add_person, letters, outbox
from tests.world import NOW, World

ADA = "ada@alder.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0 Mobile Safari/537.36"
EDGE = CHROME.replace("Linux; Android 16", "Windows NT 10.0; Win64") + " Edg/147.0"


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def test_s_16_a_new_browser_is_told_once_and_the_first_one_is_not(world: World, database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    bob = database.write(lambda tx: add_person(tx, "bob@alder.example"))

    def sign_in(user_id: str, device: str) -> bool:
        def work(transaction: Transaction) -> bool:
            session, _ = sessions.start(transaction, Proof(user_id, ("pwd",), "192.0.2.1", device), NOW)
            return device_notices.tell(transaction, session, outbox(world), NOW)

        return database.write(work)

    assert [sign_in(ada.id, one) for one in (FIREFOX, FIREFOX.replace("145", "146"), CHROME, CHROME, FIREFOX)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert not sign_in(bob.id, EDGE)  # what others use says nothing of Bob
    [letter] = letters(database, world)
    assert letter.to == ADA
    assert "with Chrome on Android." in letter.text


def test_s_16_a_browser_cannot_write_the_letter(world: World, database: Database) -> None:
    ada = database.write(lambda tx: add_person(tx, ADA))
    for device in (FIREFOX, "Dear Ada, your account is shut: go to https://evil.example"):
        session, _ = database.write(
            lambda tx, device=device: sessions.start(tx, Proof(ada.id, ("pwd",), "192.0.2.1", device), NOW)  # type: ignore[misc]
        )
        database.write(lambda tx, session=session: device_notices.tell(tx, session, outbox(world), NOW))  # type: ignore[misc]
    [letter] = letters(database, world)
    assert "with another browser on another system." in letter.text
    assert "evil" not in letter.text


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Android"),
        (EDGE, "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("", "another browser on another system"),
    ],
    ids=["firefox", "chrome", "edge", "safari", "nothing"],
)
def test_the_kind_of_a_browser(device: str, name: str) -> None:
    assert device_notices.device_name(device) == name


def test_s_16_whoever_was_away_for_so_long_that_no_browser_is_known_is_told_too(
    world: World, database: Database
) -> None:
    ada, later = database.write(lambda tx: add_person(tx, ADA)), NOW + sessions.KEPT_S + 1
    for now in (NOW, later):
        session, _ = database.write(
            lambda tx, now=now: sessions.start(tx, Proof(ada.id, ("pwd",), "192.0.2.1", FIREFOX), now)  # type: ignore[misc]
        )
        told = database.write(lambda tx, one=session, now=now: device_notices.tell(tx, one, outbox(world), now))  # type: ignore[misc]
        assert told == (now == later)
        database.write(lambda tx: sessions.forget(tx, later))
    assert len(letters(database, world)) == 1
