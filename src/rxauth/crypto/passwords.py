"""Slow hashes of what people choose: Argon2id for new ones, and those that other systems made, to be read once.

Every function here takes long on purpose: never call one on the event loop or inside a transaction.
"""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Final

import bcrypt
from argon2 import extract_parameters, low_level
from argon2.exceptions import Argon2Error, InvalidHashError

# Beyond what the rules allow: nobody has such a password, and it is not worth a hash.
TYPED_LIMIT_CHARACTERS: Final = 1_024
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_BCRYPT_LIMIT_BYTES: Final = 72
# What one verification of an imported hash may cost at most: about a second.
_BCRYPT_COST_LIMIT: Final = 14
_ITERATIONS_LIMIT: Final = 2_000_000
_MEMORY_LIMIT_KIB: Final = 131_072
_TIME_COST_LIMIT: Final = 16

_ARGON2: Final = re.compile(
    r"\$argon2id?\$v=19\$m=\d{1,7},t=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)
_BCRYPT: Final = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
# As Django writes it, as passlib does, and as Auth0 exports it.
_PBKDF2: Final = (
    re.compile(
        r"pbkdf2_sha256\$(?P<iterations>\d{1,8})\$(?P<text_salt>[^$]{1,128})\$(?P<hash>[A-Za-z0-9+/]{22,172}={0,2})"
    ),
    re.compile(
        r"\$pbkdf2-sha256\$(?P<iterations>\d{1,8})\$(?P<salt>[A-Za-z0-9+/.]{1,172})\$(?P<hash>[A-Za-z0-9+/.]{22,172})"
    ),
    re.compile(
        r"\$pbkdf2-sha256\$i=(?P<iterations>\d{1,8}),l=\d{1,3}\$(?P<salt>[A-Za-z0-9+/]{1,172}={0,2})"
        r"\$(?P<hash>[A-Za-z0-9+/]{22,172}={0,2})"
    ),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash takes: memory in KiB, passes over it, lanes (RFC 9106 §3.1)."""

    memory_kib: int = 19_456
    time: int = 2
    parallelism: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found. replacement: the hash to keep from now on, None if the stored one is as it should be."""

    is_right: bool
    replacement: str | None = field(repr=False)


def normalized(password: str) -> str:
    """Returns the one form of a password that is hashed: NFC, so that every keyboard's "é" is the same (RFC 8265 §4.2).

    NFKC would go further and make different passwords equal. Nothing is trimmed, folded or cut.
    """
    return unicodedata.normalize("NFC", password)


def new_hash(password: str, cost: Cost) -> str:
    """Returns an Argon2id hash of the whole password, with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    kind = low_level.Type.ID
    hashed = low_level.hash_secret(
        _bytes(password), salt, cost.time, cost.memory_kib, cost.parallelism, _HASH_BYTES, kind
    )
    return hashed.decode()


def judge(typed: str, stored: str | None, cost: Cost) -> Verdict:
    """Compares what somebody typed with a hash, and makes the hash anew if it was not made as hashes are made now.

    stored: see `verify`.
    """
    if len(typed) > TYPED_LIMIT_CHARACTERS:
        typed, stored = "", None
    is_right = verify(typed, stored, cost)
    if not is_right or stored is None or not needs_rehash(stored, cost):
        return Verdict(is_right, None)
    return Verdict(is_right, new_hash(typed, cost))


def verify(password: str, stored: str | None, cost: Cost) -> bool:
    """Tells whether a password is the one that was hashed.

    stored None: there is no such person, or none with a password. That costs what a hash of ours costs, so that nobody
    learns from the time who has an account.
    """
    if stored is None:
        new_hash(password, cost)
        return False
    if stored.startswith("$argon2"):
        return _verify_argon2(password, stored)
    # Whoever made a foreign hash may not have normalized what was typed.
    forms = dict.fromkeys((password, normalized(password)))
    verify_foreign = _verify_bcrypt if _BCRYPT.fullmatch(stored) else _verify_pbkdf2
    return any(verify_foreign(form, stored) for form in forms)


def needs_rehash(stored: str, cost: Cost) -> bool:
    """Tells whether a hash is foreign, or was made at another cost."""
    try:
        found = extract_parameters(stored)
    except InvalidHashError:
        return True
    wanted = (low_level.Type.ID, cost.memory_kib, cost.time, cost.parallelism)
    return (found.type, found.memory_cost, found.time_cost, found.parallelism) != wanted


def is_readable(stored: str) -> bool:
    """Tells whether `verify` can read a hash of another system, at a cost that a sign-in can bear."""
    if _ARGON2.fullmatch(stored):
        try:
            found = extract_parameters(stored)
        except InvalidHashError:
            return False
        return found.memory_cost <= _MEMORY_LIMIT_KIB and found.time_cost <= _TIME_COST_LIMIT
    found_bcrypt = _BCRYPT.fullmatch(stored)
    if found_bcrypt is not None:
        return 4 <= int(found_bcrypt["cost"]) <= _BCRYPT_COST_LIMIT
    found_pbkdf2 = _pbkdf2(stored)
    return found_pbkdf2 is not None and 1 <= int(found_pbkdf2["iterations"]) <= _ITERATIONS_LIMIT


def _verify_argon2(password: str, stored: str) -> bool:
    kind = low_level.Type.ID if stored.startswith("$argon2id$") else low_level.Type.I
    try:
        return low_level.verify_secret(stored.encode(), _bytes(password), kind)
    except (Argon2Error, InvalidHashError):
        return False


def _verify_bcrypt(password: str, stored: str) -> bool:
    # bcrypt reads 72 bytes, so whoever made the hash kept no more; a rehash keeps the whole.
    try:
        return bcrypt.checkpw(_raw(password)[:_BCRYPT_LIMIT_BYTES], stored.encode())
    except ValueError:
        return False


def _verify_pbkdf2(password: str, stored: str) -> bool:
    found = _pbkdf2(stored)
    if found is None:
        return False
    parts = found.groupdict()
    salt = parts["text_salt"].encode() if "text_salt" in parts else _unbase64(parts["salt"])
    expected = _unbase64(parts["hash"])
    hashed = hashlib.pbkdf2_hmac("sha256", _raw(password), salt, int(parts["iterations"]), len(expected))
    return hmac.compare_digest(hashed, expected)


def _pbkdf2(stored: str) -> re.Match[str] | None:
    return next((found for one in _PBKDF2 if (found := one.fullmatch(stored)) is not None), None)


def _unbase64(text: str) -> bytes:
    """Reads base64 with or without padding; passlib writes `.` for `+`."""
    plain = text.rstrip("=").replace(".", "+")
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _bytes(password: str) -> bytes:
    return _raw(normalized(password))


def _raw(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
