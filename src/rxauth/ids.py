"""Identifiers that name their kind and sort by age: `pat_01J...` (a prefix and a ULID)."""

import hashlib
import os
import re
import secrets
from enum import StrEnum
from functools import lru_cache
from typing import Final

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CLIENT_ID_CHARACTERS: Final = 32
_TIME_CHARACTERS: Final = 10  # of a ULID's 26
_RANDOM_OCTETS: Final = 16
_OCTETS_KEPT: Final = 128 * _RANDOM_OCTETS
_PAIRS: Final = [high + low for high in CROCKFORD for low in CROCKFORD]
_OF_OCTET: Final = (CROCKFORD * 8).encode()  # five random bits of eight make one character
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_CLIENT_ID = re.compile("[0-9A-Za-z]{32}")
_random_octets: list[bytes] = []
os.register_at_fork(after_in_child=_random_octets.clear)


class Kind(StrEnum):
    """What an identifier names, by its prefix."""

    ORGANIZATION = "org"
    USER = "usr"
    PATIENT = "pat"
    PRESCRIPTION = "rx"
    ORDER = "ord"
    FILL = "fil"
    EXCEPTION = "exc"
    PHARMACY = "phr"
    MEDICATION = "med"
    MEDICAL_EQUIPMENT = "dme"
    TEMPLATE = "tmp"
    CATALOG = "cat"
    TERM = "trm"
    ALLERGEN = "alg"
    INGREDIENT = "ing"
    ADDRESS = "adr"
    SECRET = "sec"  # noqa: S105
    SESSION = "ses"
    SIGN_IN = "sin"
    FAMILY = "fam"
    INVITE = "inv"
    MAIL = "mal"
    WEBHOOK = "whk"
    DELIVERY = "dlv"
    DISPATCH = "dsp"
    PROPOSAL = "prp"
    CONNECTION = "con"
    DOMAIN = "dom"
    SCIM_TOKEN = "sct"  # noqa: S105
    SCIM_USER = "scu"
    SCIM_GROUP = "scg"


def new_ulid(at_ms: int, entropy: bytes | None = None) -> str:
    """Returns 26 characters: 48 bits of milliseconds, then 80 random bits (the ULID specification).

    entropy: 10 bytes to use in place of random ones, for sample data that must come out the same each time.
    """
    if entropy is None:
        return _time_characters(at_ms) + random_octets().translate(_OF_OCTET).decode()
    value = (at_ms << 80) | int.from_bytes(entropy)
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -10, -10)])


def random_octets() -> bytes:
    """Returns 16 random octets, for what has a name and is no secret.

    They are asked of the system many at a time: each call of it gives up the interpreter's lock.
    """
    try:
        return _random_octets.pop()
    except IndexError:
        fresh = os.urandom(_OCTETS_KEPT)
        first, *others = (fresh[at : at + _RANDOM_OCTETS] for at in range(0, _OCTETS_KEPT, _RANDOM_OCTETS))
        _random_octets.extend(others)
        return first


def new_id(kind: Kind, at_ms: int) -> str:
    """Returns a new identifier of `kind`, made at `at_ms` (UTC milliseconds)."""
    return f"{kind}_{new_ulid(at_ms)}"


@lru_cache(2)
def _time_characters(at_ms: int) -> str:
    return "".join([_PAIRS[(at_ms >> shift) & 1023] for shift in range(40, -10, -10)])


def made_at_ms(identifier: str) -> int:
    """Returns when an identifier with a ULID was made, UTC milliseconds."""
    value = 0
    for character in identifier.rpartition("_")[2][:_TIME_CHARACTERS]:
        value = value * len(CROCKFORD) + CROCKFORD.index(character)
    return value


def sample_id(kind: Kind, key: str, at_ms: int) -> str:
    """Returns the identifier that sample data named `key` has in every installation."""
    return f"{kind}_{new_ulid(at_ms, hashlib.sha256(f'{kind}:{key}'.encode()).digest()[:10])}"


def is_id(kind: Kind, text: str) -> bool:
    """Tells whether `text` is written like an identifier of `kind`."""
    prefix, _, ulid = text.partition("_")
    return prefix == kind and _ULID.fullmatch(ulid) is not None


def random_alphanumeric(characters: int) -> str:
    """Returns `characters` random letters and digits, each with log2(62) = 5.95 bits."""
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(characters))


def new_client_id() -> str:
    """Returns a new client identifier: 32 letters and digits, as the clients know them."""
    return random_alphanumeric(CLIENT_ID_CHARACTERS)


def is_client_id(text: str) -> bool:
    """Tells whether `text` is written like a client identifier."""
    return _CLIENT_ID.fullmatch(text) is not None
