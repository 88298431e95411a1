"""S-05: codes of authenticator apps, and how they are abused."""

import base64
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from rxauth.crypto import one_time_codes, sealing
from rxauth.crypto.one_time_codes import STEP_S
from rxauth.crypto.sealing import CannotUnsealError, new_sealing_key
from rxauth.domain import totp
from rxauth.domain.totp import PENDING_S
from rxauth.domain.users import User
from rxauth.storage.database import Database
from rxauth.storage.tables.people import totp_factors
from rxauth.storage.tenancy import sql
from tests.people import add_person, one_after_the_other
from tests.world import NOW, World

KEY = new_sealing_key()
LATER = NOW + 10 * STEP_S


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


def begun(database: Database, ada: User, now: int = NOW) -> bytes:
    """Begins to set up an app, and returns the secret that its QR code has."""
    enrolment = database.write(lambda tx: totp.begin(tx, ada.id, KEY, now))
    return secret_of(enrolment.uri)


def secret_of(uri: str) -> bytes:
    """Returns the secret of a QR code, as an app reads it."""
    return base64.b32decode(parse_qs(urlsplit(uri).query)["secret"][0])


@pytest.fixture
def secret(database: Database, ada: User) -> bytes:
    """What Ada's app has; it was confirmed at NOW."""
    made = begun(database, ada)
    assert confirm(database, ada, one_time_codes.code_at(made, NOW))
    return made


def confirm(database: Database, ada: User, typed: str, now: int = NOW) -> bool:
    """Confirms the app that was begun."""
    return database.write(lambda tx: totp.confirm(tx, ada.id, typed, KEY, now))


def verify(database: Database, ada: User, typed: str, now: int = LATER) -> bool:
    """Proves the app."""
    return database.write(lambda tx: totp.verify(tx, ada.id, typed, KEY, now))


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238 appendix B, SHA-1, the last six of its eight digits."""
    secret = b"12345678901234567890"
    moments = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {moment: one_time_codes.code_at(secret, moment) for moment in moments} == moments


def test_an_app_reads_the_account_and_the_secret_from_the_qr_code(database: Database, ada: User) -> None:
    enrolment = database.write(lambda tx: totp.begin(tx, ada.id, KEY, NOW))
    parts = urlsplit(enrolment.uri)
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", "/rxauth:ada@alder.example")
    assert parse_qs(parts.query) == {"secret": [enrolment.secret], "issuer": ["rxauth"]}
    assert len(secret_of(enrolment.uri)) == 20
    assert enrolment.secret not in repr(enrolment)


def test_an_app_counts_once_its_first_code_was_typed(database: Database, ada: User) -> None:
    secret = begun(database, ada)
    assert database.read(lambda tx: totp.confirmed_at(tx, ada.id)) is None
    assert not verify(database, ada, one_time_codes.code_at(secret, LATER))
    assert not confirm(database, ada, one_time_codes.code_at(b"another" * 3, NOW))
    assert database.read(lambda tx: totp.pending(tx, ada.id, KEY, NOW)) is not None
    assert confirm(database, ada, one_time_codes.code_at(secret, NOW))
    assert database.read(lambda tx: totp.confirmed_at(tx, ada.id)) == NOW
    assert database.read(lambda tx: totp.pending(tx, ada.id, KEY, NOW)) is None
    assert verify(database, ada, one_time_codes.code_at(secret, LATER))


def test_an_app_begun_twice_at_once_is_the_second_one(world: World, database: Database, ada: User) -> None:
    _, second = one_after_the_other(world, lambda tx: totp.begin(tx, ada.id, KEY, NOW))
    assert confirm(database, ada, one_time_codes.code_at(secret_of(second.result().uri), NOW))


def test_a_secret_that_nobody_confirms_is_forgotten(database: Database, ada: User) -> None:
    secret = begun(database, ada)
    late = NOW + PENDING_S
    assert not confirm(database, ada, one_time_codes.code_at(secret, late), late)


def test_s_05_the_code_that_confirmed_an_app_does_not_sign_in(database: Database, ada: User, secret: bytes) -> None:
    assert not verify(database, ada, one_time_codes.code_at(secret, NOW), NOW)


def test_s_05_a_code_works_once(database: Database, ada: User, secret: bytes) -> None:
    code = one_time_codes.code_at(secret, LATER)
    assert verify(database, ada, code)
    assert not verify(database, ada, code)
    assert not verify(database, ada, code, LATER + STEP_S)  # still within the window


def test_s_05_a_code_used_twice_at_once_works_once(world: World, database: Database, ada: User, secret: bytes) -> None:
    code = one_time_codes.code_at(secret, LATER)
    first, second = one_after_the_other(world, lambda tx: totp.verify(tx, ada.id, code, KEY, LATER))
    assert (first, second.result()) == (True, False)


@pytest.mark.parametrize("drift", range(-3, 4))
def test_s_05_only_codes_of_this_step_and_its_neighbours_work(
    database: Database, ada: User, secret: bytes, drift: int
) -> None:
    code = one_time_codes.code_at(secret, LATER + drift * STEP_S)
    assert verify(database, ada, code) is (abs(drift) <= 1)


def test_s_05_a_code_older_than_one_that_was_used_is_refused(database: Database, ada: User, secret: bytes) -> None:
    assert verify(database, ada, one_time_codes.code_at(secret, LATER + STEP_S))
    assert not verify(database, ada, one_time_codes.code_at(secret, LATER))


ALTERED: dict[str, Callable[[str], str]] = {
    "empty": lambda code: code[:0],
    "five digits": lambda code: code[:5],
    "seven digits": lambda code: code + "0",
    "eight digits": lambda code: "00" + code,
    "a space": lambda code: " " + code,
    "a line break": lambda code: code + "\n",
    "a sign": lambda code: "+" + code[1:],
    "arabic digits": lambda code: code.translate({48 + digit: 0x660 + digit for digit in range(10)}),
    "full width digits": lambda code: code.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
    "superscripts": lambda code: "²" * len(code),
    "a nul": lambda code: code[:5] + "\0",
}


@pytest.mark.parametrize("how", ALTERED)
def test_s_05_what_is_not_six_ascii_digits_is_no_code(database: Database, ada: User, secret: bytes, how: str) -> None:
    code = one_time_codes.code_at(secret, LATER)
    assert not verify(database, ada, ALTERED[how](code))
    assert verify(database, ada, code)  # what was no code used nothing up


def test_s_05_a_code_of_somebody_elses_app_is_refused(database: Database, ada: User, secret: bytes) -> None:
    bob = database.write(lambda tx: add_person(tx, "bob@alder.example", None))
    assert not verify(database, bob, one_time_codes.code_at(secret, LATER))


def test_a_new_app_takes_the_place_of_the_old_one_only_when_it_is_confirmed(
    database: Database, ada: User, secret: bytes
) -> None:
    new = begun(database, ada, LATER)
    assert verify(database, ada, one_time_codes.code_at(secret, LATER))
    assert confirm(database, ada, one_time_codes.code_at(new, LATER), LATER)
    later = LATER + 10 * STEP_S
    assert not verify(database, ada, one_time_codes.code_at(secret, later), later)
    assert verify(database, ada, one_time_codes.code_at(new, later), later)


def test_what_is_stored_is_no_secret_and_fits_no_other_person(database: Database, ada: User, secret: bytes) -> None:
    row = database.read(lambda tx: tx.first(sql(totp_factors.select())))
    assert secret not in row.sealed_secret
    with pytest.raises(CannotUnsealError):
        sealing.unseal(row.sealed_secret, KEY, "totp:usr_somebody_else")
