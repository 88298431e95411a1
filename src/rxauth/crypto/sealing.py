"""Sealing of what must be stored and read back: private keys, encrypted at rest by a key from the settings."""

import hashlib
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class CannotUnsealError(Exception):
    """What is stored was sealed with another key, or for another purpose, or was changed."""


def new_sealing_key() -> bytes:
    """Returns 256 random bits."""
    return secrets.token_bytes(KEY_BYTES)


def seal(plaintext: bytes, key: bytes, purpose: str) -> bytes:
    """Encrypts with AES-256-GCM; `purpose` is bound to it, so that a sealed value cannot stand in for another."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, purpose.encode())


def unseal(sealed: bytes, key: bytes, purpose: str) -> bytes:
    """Decrypts what `seal` made.

    Raises:
        CannotUnsealError: another key, another purpose, or altered bytes.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError):  # ValueError: a nonce too short to be one
        raise CannotUnsealError from None


def derive(key: bytes, purpose: str) -> bytes:
    """Returns a key for one other use, from which nobody finds `key`, or the key for another purpose."""
    return hmac.digest(key, f"rxauth {purpose}".encode(), hashlib.sha256)
