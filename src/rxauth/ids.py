"""Identifiers that name their kind and sort by age: `pat_01J...` (a prefix and a ULID)."""

import hashlib
import re
import secrets
from enum import StrEnum
from typing import Final

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CLIENT_ID_CHARACTERS: Final = 32
_TIME_CHARACTERS: Final = 10  # of a ULID's 26
_PAIRS: Final = [high + low for high in CROCKFORD for low in CROCKFORD]
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_CLIENT_ID = re.compile("[0-9A-Za-z]{32}")


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
    value = (at_ms << 80) | int.from_bytes(entropy or secrets.token_bytes(10))
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -10, -10)])


def new_id(kind: Kind, at_ms: int) -> str:
    """Returns a new identifier of `kind`, made at `at_ms` (UTC milliseconds)."""
    return f"{kind}_{new_ulid(at_ms)}"


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
