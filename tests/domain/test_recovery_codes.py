"""S-06: recovery codes, and how they are abused."""

import re
from collections.abc import Callable, Iterator

import pytest

from rxauth.domain import recovery_codes
from rxauth.domain.recovery_codes import CODES
from rxauth.domain.users import User
from rxauth.storage.database import Database
from rxauth.storage.tables.people import recovery_codes as table
from rxauth.storage.tenancy import sql
from tests.people import add_person, one_after_the_other
from tests.world import NOW, World


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database) -> User:
    """Somebody."""
    return database.write(lambda tx: add_person(tx, "ada@alder.example", None))


@pytest.fixture
def codes(database: Database, ada: User) -> tuple[str, ...]:
    """What Ada was shown."""
    return database.write(lambda tx: recovery_codes.make(tx, ada.id, NOW))


def use(database: Database, user: User, typed: str) -> bool:
    """Types a code."""
    return database.write(lambda tx: recovery_codes.use(tx, user.id, typed, NOW))


def left(database: Database, user: User) -> int:
    """Returns how many codes somebody has left."""
    return database.read(lambda tx: recovery_codes.left(tx, user.id))


def test_ten_codes_of_eighty_bits_are_shown_once(database: Database, ada: User, codes: tuple[str, ...]) -> None:
    assert len(set(codes)) == CODES == 10
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}", code) for code in codes)
    assert left(database, ada) == 10


def test_s_06_a_code_works_once(database: Database, ada: User, codes: tuple[str, ...]) -> None:
    assert use(database, ada, codes[3])
    assert not use(database, ada, codes[3])
    assert left(database, ada) == 9


def test_s_06_a_code_used_twice_at_once_works_once(
    world: World, database: Database, ada: User, codes: tuple[str, ...]
) -> None:
    first, second = one_after_the_other(world, lambda tx: recovery_codes.use(tx, ada.id, codes[0], NOW))
    assert (first, second.result()) == (True, False)
    assert left(database, ada) == 9


def test_s_06_no_code_is_stored(database: Database, ada: User, codes: tuple[str, ...]) -> None:
    stored = b"".join(row.digest for row in database.read(lambda tx: tx.all(sql(table.select()))))
    assert len(stored) == 10 * 32
    assert not any(code[:4].encode() in stored.lower() and code[-4:].encode() in stored.lower() for code in codes)


FORGIVEN: dict[str, Callable[[str], str]] = {
    "as shown": lambda code: code,
    "capitals": str.upper,
    "no hyphens": lambda code: code.replace("-", ""),
    "spaces": lambda code: f" {code.replace('-', ' ')}\r\n",
    "a typographer's hyphens": lambda code: code.replace("-", "\u2011"),
    "letters for digits": lambda code: code.replace("0", "O").replace("1", "l"),
}


@pytest.mark.parametrize("how", FORGIVEN)
def test_slips_of_the_hand_are_forgiven(database: Database, ada: User, codes: tuple[str, ...], how: str) -> None:
    assert all(use(database, ada, FORGIVEN[how](code)) for code in codes)
    assert left(database, ada) == 0


@pytest.mark.parametrize("typed", ["", "-", "0" * 16, "0" * 17, "é" * 16, "\0" * 16, "ß" * 8], ids=ascii)
def test_s_06_what_is_no_code_is_refused(database: Database, ada: User, codes: tuple[str, ...], typed: str) -> None:
    assert not use(database, ada, typed)
    assert left(database, ada) == 10


def test_s_06_a_code_is_its_owners_alone(database: Database, ada: User, codes: tuple[str, ...]) -> None:
    bob = database.write(lambda tx: add_person(tx, "bob@alder.example", None))
    assert not use(database, bob, codes[0])
    assert use(database, ada, codes[0])


def test_new_codes_end_the_old_ones(database: Database, ada: User, codes: tuple[str, ...]) -> None:
    new = database.write(lambda tx: recovery_codes.make(tx, ada.id, NOW))
    assert not any(use(database, ada, code) for code in codes)
    assert use(database, ada, new[0])


def test_codes_made_twice_at_once_are_ten(world: World, database: Database, ada: User) -> None:
    _, second = one_after_the_other(world, lambda tx: recovery_codes.make(tx, ada.id, NOW))
    assert left(database, ada) == 10
    assert use(database, ada, second.result()[0])
