"""Slow hashes: what verifies, what never does, and hashes that other systems made."""

import base64
import hashlib
import time
import unicodedata

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxauth.crypto import passwords
from rxauth.crypto.passwords import Cost

CHEAP = Cost(8, 1, 1)
PASSWORD = "correct horse battery staple"
SALT = b"sixteen salt byte"


def pbkdf2(password: str, iterations: int = 1_000) -> bytes:
    """Returns what PBKDF2 makes of a password."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, iterations)


def foreign_hashes(password: str) -> dict[str, str]:
    """Returns hashes of a password as other systems keep them."""
    plain = base64.b64encode(pbkdf2(password)).decode()
    salt = base64.b64encode(SALT).decode()
    made = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    return {
        "bcrypt 2b": made,
        "bcrypt 2y": "$2y$" + made[4:],
        "bcrypt 2a": "$2a$" + made[4:],
        "django": f"pbkdf2_sha256$1000${SALT.decode()}${plain}",
        "passlib": f"$pbkdf2-sha256$1000${salt.rstrip('=').replace('+', '.')}${plain.rstrip('=').replace('+', '.')}",
        "auth0": f"$pbkdf2-sha256$i=1000,l=32${salt}${plain}",
        "argon2id": passwords.new_hash(password, Cost(16, 3, 1)),
    }


@settings(max_examples=25)
@given(st.text(max_size=256), st.text(max_size=256))
def test_a_password_verifies_and_every_other_does_not(password: str, other: str) -> None:
    stored = passwords.new_hash(password, CHEAP)
    assert passwords.verify(password, stored, CHEAP)
    same = passwords.normalized(password) == passwords.normalized(other)
    assert passwords.verify(other, stored, CHEAP) is same


def test_a_long_password_is_hashed_whole() -> None:
    for length in (64, 72, 128, 256):
        stored = passwords.new_hash("a" * length, CHEAP)
        assert passwords.verify("a" * length, stored, CHEAP)
        assert not passwords.verify("a" * (length - 1) + "b", stored, CHEAP)
        assert not passwords.verify("a" * (length - 1), stored, CHEAP)


def test_composed_and_decomposed_letters_are_one_password_and_compatible_ones_are_not() -> None:
    stored = passwords.new_hash("mémoire élégante", CHEAP)
    assert passwords.verify(unicodedata.normalize("NFD", "mémoire élégante"), stored, CHEAP)
    assert not passwords.verify("memoire elegante", stored, CHEAP)
    assert not passwords.verify("ﬁ", passwords.new_hash("fi", CHEAP), CHEAP)


def test_half_a_surrogate_pair_is_a_wrong_password_and_no_error() -> None:
    assert not passwords.verify("\ud800", passwords.new_hash(PASSWORD, CHEAP), CHEAP)
    assert not any(passwords.verify("\ud800\0", stored, CHEAP) for stored in foreign_hashes(PASSWORD).values())


@pytest.mark.parametrize("kind", foreign_hashes(PASSWORD))
def test_a_hash_of_another_system_verifies_and_asks_to_be_replaced(kind: str) -> None:
    stored = foreign_hashes(PASSWORD)[kind]
    assert passwords.is_readable(stored)
    assert passwords.verify(PASSWORD, stored, CHEAP)
    assert not passwords.verify(PASSWORD + " ", stored, CHEAP)
    assert passwords.needs_rehash(stored, CHEAP)


def test_a_foreign_hash_of_a_decomposed_password_verifies_however_it_was_made() -> None:
    composed, decomposed = "café" * 5, unicodedata.normalize("NFD", "café" * 5)
    for made_of, typed in ((composed, decomposed), (composed, composed), (decomposed, decomposed)):
        assert passwords.verify(typed, foreign_hashes(made_of)["django"], CHEAP)


def test_bcrypt_reads_72_bytes_and_the_hash_that_replaces_it_reads_all() -> None:
    long = "a" * 80
    assert passwords.verify(long, foreign_hashes(long)["bcrypt 2b"], CHEAP)
    assert not passwords.verify("a" * 81, passwords.new_hash(long, CHEAP), CHEAP)


def test_a_hash_is_replaced_when_the_cost_changes_and_only_then() -> None:
    stored = passwords.new_hash(PASSWORD, CHEAP)
    assert not passwords.needs_rehash(stored, CHEAP)
    assert passwords.needs_rehash(stored, Cost(8, 2, 1))
    assert passwords.needs_rehash(stored, Cost(16, 1, 1))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$2b$31$" + "a" * 53,
        "$2b$04$short",
        "pbkdf2_sha256$99999999$salt$" + "A" * 43 + "=",
        "pbkdf2_sha1$1000$salt$" + "A" * 43 + "=",
        "$argon2id$v=19$m=9999999,t=2,p=1$MDAwMDAwMDAwMDAwMDAwMA$" + "A" * 43,
        "$argon2id$v=19$m=19456,t=99,p=1$MDAwMDAwMDAwMDAwMDAwMA$" + "A" * 43,
        "$argon2d$v=19$m=8,t=1,p=1$MDAwMDAwMDAwMDAwMDAwMA$" + "A" * 43,
    ],
)
def test_a_hash_that_cannot_be_read_or_costs_too_much_is_not_taken(stored: str) -> None:
    assert not passwords.is_readable(stored)


def test_an_unreadable_hash_verifies_nothing() -> None:
    for stored in ("", "nonsense", "$argon2id$nonsense", "$2b$04$short", "pbkdf2_sha256$1$"):
        assert not passwords.verify("", stored, CHEAP)


def test_an_unknown_person_costs_what_a_known_one_costs() -> None:
    cost, stored = Cost(), passwords.new_hash(PASSWORD, Cost())

    def shortest(known: str | None) -> float:
        taken = []
        for _ in range(7):
            begun = time.thread_time()  # what the machine does beside it does not count
            passwords.verify("wrong", known, cost)
            taken.append(time.thread_time() - begun)
        return min(taken)

    assert 0.5 < shortest(None) / shortest(stored) < 2
