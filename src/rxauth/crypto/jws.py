"""JSON Web Signatures in compact form, composed over `cryptography` (RFC 7515, RFC 7518 §3)."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives import serialization

from rxauth.crypto import algorithms
from rxauth.crypto.algorithms import ALGORITHMS, Algorithm, PrivateKey, PublicKey, public_key_from_jwk, public_members
from rxauth.crypto.base64url import MalformedError, decode_base64url, encode_base64url

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "BadSignatureError",
    "Compact",
    "MalformedError",
    "Signatory",
    "Signer",
    "SignerUnavailableError",
    "SigningKey",
    "VerificationKey",
    "decode_base64url",
    "encode_base64url",
    "new_signing_key",
    "public_key_from_jwk",
    "read_object",
    "take_apart",
    "thumbprint",
    "verify",
]

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class SignerUnavailableError(Exception):
    """What signs is outside this process, and does not answer or has no such key. str() has no secret."""


class BadSignatureError(Exception):
    """The signature does not belong to these bytes and this key."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """The public half of a signing key."""

    key_id: str
    algorithm: Algorithm
    public: PublicKey

    def as_jwk(self) -> dict[str, str]:
        """Returns the key as a JSON Web Key, public members only (RFC 7517 §4)."""
        return {**public_members(self.public), "use": "sig", "alg": self.algorithm, "kid": self.key_id}


class Signatory(Protocol):
    """A key that signs, wherever its private half is."""

    @property
    def key_id(self) -> str:
        """Its name, in the head of each token."""
        ...

    @property
    def algorithm(self) -> Algorithm:
        """The one algorithm that it is used with."""
        ...

    @property
    def place(self) -> str | None:
        """Where the private half is, as a URI; None: in this process, and sealed in the database."""
        ...

    def verification_key(self) -> VerificationKey:
        """Returns the half that may be published."""
        ...

    def signing(self) -> Callable[[bytes], bytes]:
        """Returns the function that signs. Outside this process it may wait, and raise SignerUnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key in this process; it does not print itself."""

    key_id: str
    algorithm: Algorithm
    private: PrivateKey = field(repr=False)

    def verification_key(self) -> VerificationKey:
        """Returns the half that may be published."""
        return VerificationKey(self.key_id, self.algorithm, self.private.public_key())

    @property
    def place(self) -> None:
        """Where else the private half is: nowhere."""
        return

    def signing(self) -> Callable[[bytes], bytes]:
        """Returns the function that signs."""
        return algorithms.signing(self.private)

    def to_der(self) -> bytes:
        """Returns the private key as PKCS #8, to be sealed and stored."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @classmethod
    def from_der(cls, key_id: str, der: bytes) -> "SigningKey":
        """Reads what `to_der` wrote."""
        private = algorithms.private_key_from_der(der)
        return cls(key_id, algorithms.algorithm_of(private), private)


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact JWS taken apart, not yet verified."""

    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def new_signing_key(algorithm: Algorithm = "RS256") -> SigningKey:
    """Makes a key, named by its thumbprint (RFC 7638)."""
    private = algorithms.new_private_key(algorithm)
    return SigningKey(thumbprint(private.public_key()), algorithm, private)


def thumbprint(public: PublicKey) -> str:
    """Returns the JWK thumbprint of a public key (RFC 7638 §3)."""
    canonical = msgspec.json.encode(public_members(public), order="sorted")
    return encode_base64url(hashlib.sha256(canonical).digest())


class Signer:
    """Signs payloads of one type with one key; the encoded header is made once.

    is_local: it signs in this process; otherwise it may wait, and must not do so on the event loop.
    """

    def __init__(self, key: Signatory, token_type: str) -> None:
        header = {"alg": key.algorithm, "typ": token_type, "kid": key.key_id}
        self._head = encode_base64url(msgspec.json.encode(header)).encode() + b"."
        self._sign = key.signing()
        self.is_local = key.place is None

    def sign(self, payload: bytes) -> str:
        """Returns the compact serialization (RFC 7515 §7.1)."""
        signing_input = self._head + base64.urlsafe_b64encode(payload).rstrip(b"=")
        signature = self._sign(signing_input)
        return (signing_input + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def take_apart(text: str) -> Compact:
    """Splits a compact JWS and reads its header, verifying nothing.

    Raises:
        MalformedError: not three canonical base64url parts, or a header that is no JSON object, repeats a member,
            or names critical extensions, of which none are understood here (RFC 7515 §4.1.11).
    """
    if _COMPACT.fullmatch(text) is None:
        raise MalformedError("it is not three base64url parts joined by dots")
    head, body, signature = text.split(".")
    header = read_object(decode_base64url(head), "header")
    if "crit" in header or "b64" in header:
        raise MalformedError("its header names an extension that this server does not know")
    return Compact(header, decode_base64url(body), f"{head}.{body}".encode(), decode_base64url(signature))


def verify(compact: Compact, key: VerificationKey) -> None:
    """Checks the signature with a key of the caller's choosing; the header only has to agree with it.

    Raises:
        BadSignatureError: another algorithm than the key's, or a signature that does not fit.
    """
    if compact.header.get("alg") != key.algorithm:
        raise BadSignatureError
    if not algorithms.fits(key.public, compact.signature, compact.signing_input):
        raise BadSignatureError


def read_object(raw: bytes, part: str) -> dict[str, Any]:
    """Reads a JSON object whose members are all different.

    Raises:
        MalformedError: anything else; `part` names it in the text.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise MalformedError(f"its {part} repeats a member")
        return members

    def no_number(text: str) -> None:
        raise ValueError(text)

    try:
        value = json.loads(raw.decode(), object_pairs_hook=unique, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise MalformedError(f"its {part} is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedError(f"its {part} is not a JSON object")
    return value
