"""Identifiers: their form, their order, and that none comes twice."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth import ids
from rxauth.ids import Kind

MOMENTS_MS = st.integers(0, 2**48 - 1)
ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


@given(MOMENTS_MS, st.binary(min_size=10, max_size=10))
def test_a_ulid_is_its_moment_and_its_randomness_in_crockfords_base_32(at_ms: int, entropy: bytes) -> None:
    """The ULID specification: 48 bits of milliseconds, 80 of randomness, most significant first."""
    text = ids.new_ulid(at_ms, entropy)
    assert ULID.fullmatch(text)
    value = 0
    for character in text:
        value = value * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
    assert value == (at_ms << 80) | int.from_bytes(entropy)


@given(st.sampled_from(Kind), MOMENTS_MS, MOMENTS_MS)
def test_identifiers_of_a_kind_sort_by_age(kind: Kind, one_ms: int, other_ms: int) -> None:
    earlier, later = sorted([one_ms, other_ms])
    if earlier != later:
        assert ids.new_id(kind, earlier) < ids.new_id(kind, later)


@given(st.sampled_from(Kind), st.sampled_from(Kind), MOMENTS_MS)
def test_an_identifier_is_of_its_kind_and_no_other(kind: Kind, other: Kind, at_ms: int) -> None:
    text = ids.new_id(kind, at_ms)
    assert text.startswith(f"{kind}_")
    assert ids.is_id(other, text) is (other is kind)


OURS = {
    "CATALOG",
    "TERM",
    "ALLERGEN",
    "ADDRESS",
    "SECRET",
    "SESSION",
    "SIGN_IN",
    "FAMILY",
    "INVITE",
    "MAIL",
    "PROPOSAL",
    "WEBHOOK",
    "DELIVERY",
    "DISPATCH",
    "EXCEPTION",
    "INGREDIENT",
    "CONNECTION",
    "DOMAIN",
    "SCIM_GROUP",
    "SCIM_TOKEN",
    "SCIM_USER",
}


def test_every_kind_has_the_prefix_that_clients_know() -> None:
    prefixes = {kind.name: str(kind) for kind in Kind}
    assert {name: prefixes[name] for name in prefixes if name not in OURS} == {
        "ORGANIZATION": "org",
        "USER": "usr",
        "PATIENT": "pat",
        "PRESCRIPTION": "rx",
        "ORDER": "ord",
        "FILL": "fil",
        "PHARMACY": "phr",
        "MEDICATION": "med",
        "MEDICAL_EQUIPMENT": "dme",
        "TEMPLATE": "tmp",
    }
    assert len(set(prefixes.values())) == len(prefixes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pat_",
        "pat",
        "01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
        "pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2",
        "pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2GH",
        "pat_81J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
        "pat_01j9zq3x4y5z6a7b8c9d0e1f2g",
        "pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2U",
        "pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G\n",
        " pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
        "PAT_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
        "org_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
        "pat_pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G",
    ],
)
def test_what_is_written_otherwise_is_no_identifier_of_a_patient(text: str) -> None:
    assert ids.is_id(Kind.PATIENT, "pat_01J9ZQ3X4Y5Z6A7B8C9D0E1F2G")
    assert not ids.is_id(Kind.PATIENT, text)


def test_no_identifier_comes_twice_in_one_moment() -> None:
    assert len({ids.new_id(Kind.PATIENT, 1_795_435_200_000) for _ in range(10_000)}) == 10_000
    assert len({ids.new_client_id() for _ in range(1_000)}) == 1_000


def test_a_process_and_those_that_it_forks_make_different_identifiers() -> None:
    script = (
        "import os; from rxauth import ids; ids.new_ulid(0); os.fork(); os.fork()\n"
        "os.write(1, b''.join(b'%b\\n' % ids.new_ulid(0).encode() for _ in range(100)))"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.split()
    assert len(set(made)) == len(made) == 400


def test_random_octets_are_all_kinds_of_octets() -> None:
    made = b"".join(ids.random_octets() for _ in range(1_000))
    assert len(made) == 16_000
    assert len(set(made)) == 256  # that one of them is missing happens once in 10^25 times


def test_a_client_identifier_is_32_letters_and_digits_of_all_kinds() -> None:
    made = [ids.new_client_id() for _ in range(200)]
    assert all(re.fullmatch("[0-9A-Za-z]{32}", one) and ids.is_client_id(one) for one in made)
    assert set("".join(made)) == set(ids.ALPHANUMERIC)
    assert len(ids.ALPHANUMERIC) == 62


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 33, "a" * 31 + "-", "a" * 31 + "é", "a" * 32 + "\n", "org_" + "a" * 28]
)
def test_what_is_written_otherwise_is_no_client_identifier(text: str) -> None:
    assert not ids.is_client_id(text)


def test_sample_records_have_the_same_identifiers_in_every_installation() -> None:
    at_ms = 1_700_000_000_000
    one = ids.sample_id(Kind.PATIENT, "a-patient", at_ms)
    assert one == ids.sample_id(Kind.PATIENT, "a-patient", at_ms)
    assert ids.is_id(Kind.PATIENT, one)
    others = [ids.sample_id(Kind.ORDER, "a-patient", at_ms), ids.sample_id(Kind.PATIENT, "another", at_ms)]
    assert one[4:] not in {other[4:] for other in others}
