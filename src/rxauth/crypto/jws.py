"""JSON Web Signatures in compact form, composed over `cryptography` (RFC 7515, RFC 7518 §3)."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

Algorithm = Literal["RS256"]
RSA_BITS: Final = 2048
_RSA_PUBLIC_EXPONENT: Final = 65537
_PADDING: Final = padding.PKCS1v15()
_HASH: Final = SHA256()
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class MalformedError(Exception):
    """The text is not a compact JWS that this server could have made; str() says what is wrong with it."""


class BadSignatureError(Exception):
    """The signature does not belong to these bytes and this key."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """The public half of a signing key."""

    key_id: str
    algorithm: Algorithm
    public: rsa.RSAPublicKey

    def as_jwk(self) -> dict[str, str]:
        """Returns the key as a JSON Web Key, public members only (RFC 7517 §4)."""
        return {**_public_members(self.public), "use": "sig", "alg": self.algorithm, "kid": self.key_id}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; it does not print itself."""

    key_id: str
    algorithm: Algorithm
    private: rsa.RSAPrivateKey = field(repr=False)

    def verification_key(self) -> VerificationKey:
        """Returns the half that may be published."""
        return VerificationKey(self.key_id, self.algorithm, self.private.public_key())

    def to_der(self) -> bytes:
        """Returns the private key as PKCS #8, to be sealed and stored."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @classmethod
    def from_der(cls, key_id: str, der: bytes) -> "SigningKey":
        """Reads what `to_der` wrote."""
        private = serialization.load_der_private_key(der, password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError("a signing key is an RSA key")
        return cls(key_id, "RS256", private)


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact JWS taken apart, not yet verified."""

    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def new_signing_key() -> SigningKey:
    """Makes an RSA key of 2048 bits, named by its thumbprint (RFC 7638)."""
    private = rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, RSA_BITS)
    return SigningKey(thumbprint(private.public_key()), "RS256", private)


def thumbprint(public: rsa.RSAPublicKey) -> str:
    """Returns the JWK thumbprint of a public key (RFC 7638 §3)."""
    canonical = msgspec.json.encode(_public_members(public), order="sorted")
    return encode_base64url(hashlib.sha256(canonical).digest())


def public_key_from_jwk(jwk: Mapping[str, str]) -> rsa.RSAPublicKey:
    """Reads an RSA public key from its JSON Web Key (RFC 7518 §6.3.1)."""
    exponent, modulus = (int.from_bytes(decode_base64url(jwk[member])) for member in ("e", "n"))
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


class Signer:
    """Signs payloads of one type with one key; the encoded header is made once."""

    def __init__(self, key: SigningKey, token_type: str) -> None:
        header = {"alg": key.algorithm, "typ": token_type, "kid": key.key_id}
        self._head = encode_base64url(msgspec.json.encode(header)).encode() + b"."
        self._private = key.private

    def sign(self, payload: bytes) -> str:
        """Returns the compact serialization (RFC 7515 §7.1)."""
        signing_input = self._head + base64.urlsafe_b64encode(payload).rstrip(b"=")
        signature = self._private.sign(signing_input, _PADDING, _HASH)
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
    try:
        key.public.verify(compact.signature, compact.signing_input, _PADDING, _HASH)
    except InvalidSignature:
        raise BadSignatureError from None


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


def encode_base64url(raw: bytes) -> str:
    """Encodes without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Decodes text without padding, and only the one spelling that encoding the result gives back.

    Raises:
        MalformedError: a length that no octets have, or stray last bits.
    """
    if len(text) % 4 == 1:
        raise MalformedError("one of its parts has a length that base64url cannot have")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(raw) != text:
        raise MalformedError("one of its parts is not canonical base64url")
    return raw


def _public_members(public: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    octets = (numbers.n.bit_length() + 7) // 8
    return {
        "kty": "RSA",
        "n": encode_base64url(numbers.n.to_bytes(octets)),
        "e": encode_base64url(numbers.e.to_bytes(3)),
    }
