"""Client secrets: their shape, their checksum and what is kept of them."""

import hashlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto import secrets
from rxauth.ids import ALPHANUMERIC

WHOLE_SECRETS = st.builds(secrets.new_secret)
POSITIONS = st.integers(0, 52)
CHARACTERS = st.one_of(st.sampled_from(ALPHANUMERIC), st.characters())
# 43 letters A and their CRC-32 (0xc2b5986) in six digits of base 62, written out so that the format cannot drift.
KNOWN = "rxs_" + "A" * 43 + "0DofJ8"


def test_a_secret_has_the_prefix_that_leak_scanners_look_for_and_49_letters_and_digits() -> None:
    for _ in range(100):
        assert re.fullmatch(r"rxs_[0-9A-Za-z]{49}", secrets.new_secret())


def test_the_random_part_of_a_secret_holds_at_least_256_bits() -> None:
    assert secrets.RANDOM_CHARACTERS * math.log2(len(set(ALPHANUMERIC))) >= 256


def test_no_two_secrets_are_alike() -> None:
    made = {secrets.new_secret() for _ in range(1_000)}

    assert len(made) == 1_000
    assert len({secret[4:12] for secret in made}) == 1_000


def test_the_checksum_is_the_crc_32_of_the_random_part() -> None:
    assert secrets.is_whole(KNOWN)


@given(WHOLE_SECRETS)
def test_a_new_secret_is_whole(secret: str) -> None:
    assert secrets.is_whole(secret)


@given(WHOLE_SECRETS, POSITIONS, CHARACTERS)
def test_any_one_changed_character_is_noticed(secret: str, position: int, character: str) -> None:
    changed = secret[:position] + character + secret[position + 1 :]

    assert secrets.is_whole(changed) == (changed == secret)


@given(WHOLE_SECRETS, POSITIONS)
def test_any_one_lost_character_is_noticed(secret: str, position: int) -> None:
    assert not secrets.is_whole(secret[:position] + secret[position + 1 :])


@given(WHOLE_SECRETS, st.integers(0, 53), CHARACTERS)
def test_any_one_added_character_is_noticed(secret: str, position: int, character: str) -> None:
    assert not secrets.is_whole(secret[:position] + character + secret[position:])


@given(WHOLE_SECRETS, st.integers(4, 45))
def test_two_swapped_neighbours_are_noticed(secret: str, position: int) -> None:
    first, second = secret[position], secret[position + 1]
    swapped = secret[:position] + second + first + secret[position + 2 :]

    assert secrets.is_whole(swapped) == (first == second)


@pytest.mark.parametrize("text", ["", "rxs_", " ", KNOWN + "\n", " " + KNOWN, KNOWN.upper(), KNOWN[4:], KNOWN * 2])
def test_what_is_not_exactly_a_secret_is_not_whole(text: str) -> None:
    assert not secrets.is_whole(text)


def test_what_is_kept_of_a_secret_is_its_sha_256() -> None:
    assert secrets.digest(KNOWN) == hashlib.sha256(KNOWN.encode()).digest()


@given(WHOLE_SECRETS, WHOLE_SECRETS)
def test_a_secret_matches_its_own_digest_and_no_other(one: str, other: str) -> None:
    assert secrets.matches(secrets.digest(one), secrets.digest(one))
    assert secrets.matches(secrets.digest(one), secrets.digest(other)) == (one == other)
