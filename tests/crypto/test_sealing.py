"""Sealing: what was sealed opens with the same key and for the same purpose, and in no other way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto.sealing import CannotUnsealError, new_sealing_key, seal, unseal

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
SECRET = b"the private half of a key"


@given(plaintext=st.binary(max_size=500), key=st.binary(min_size=32, max_size=32), purpose=st.text(max_size=30))
def test_what_was_sealed_opens_with_the_same_key_for_the_same_purpose(
    plaintext: bytes, key: bytes, purpose: str
) -> None:
    assert unseal(seal(plaintext, key, purpose), key, purpose) == plaintext


@pytest.mark.parametrize(("key", "purpose"), [(OTHER_KEY, "signing key a"), (KEY, "signing key b"), (KEY, "")])
def test_another_key_or_another_purpose_opens_nothing(key: bytes, purpose: str) -> None:
    with pytest.raises(CannotUnsealError):
        unseal(seal(SECRET, KEY, "signing key a"), key, purpose)


def test_one_altered_bit_anywhere_opens_nothing() -> None:
    sealed = seal(SECRET, KEY, "signing key a")
    for position in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[position] ^= 1 << bit
            with pytest.raises(CannotUnsealError):
                unseal(bytes(altered), KEY, "signing key a")


def test_a_part_of_what_was_sealed_opens_nothing() -> None:
    sealed = seal(SECRET, KEY, "signing key a")
    for length in range(len(sealed)):
        with pytest.raises(CannotUnsealError):
            unseal(sealed[:length], KEY, "signing key a")
    with pytest.raises(CannotUnsealError):
        unseal(sealed + b"\x00", KEY, "signing key a")


@given(st.binary(max_size=200))
def test_bytes_that_were_never_sealed_open_nothing(sealed: bytes) -> None:
    with pytest.raises(CannotUnsealError):
        unseal(sealed, KEY, "signing key a")


def test_the_same_secret_is_sealed_differently_each_time_and_does_not_show() -> None:
    sealed = {seal(SECRET, KEY, "signing key a") for _ in range(50)}

    assert len(sealed) == 50
    assert len({one[:12] for one in sealed}) == 50  # a nonce that repeats would give the key away
    assert not any(SECRET in one for one in sealed)


def test_a_new_sealing_key_has_256_bits_and_is_never_the_same() -> None:
    keys = {new_sealing_key() for _ in range(20)}

    assert len(keys) == 20
    assert {len(key) for key in keys} == {32}
