"""The keys that an OpenID provider signs with, as it publishes them (RFC 7517)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rxauth.crypto.jws import ALGORITHMS, Algorithm, Compact, MalformedError, VerificationKey, public_key_from_jwk
from rxauth.federation.problems import UpstreamError

KEYS_LIMIT: Final = 64
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_KINDS: Final[dict[str, Algorithm]] = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
_RSA_LEAST_BITS: Final = 2048


class _Key(msgspec.Struct):
    """A key as it is published."""

    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    crv: str | None = None
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


class _KeySet(msgspec.Struct):
    keys: list[Any]


@dataclass(frozen=True, slots=True)
class KeySet:
    """Those of a provider's keys with which it may sign an ID token for this server."""

    keys: Sequence[VerificationKey]

    def fitting(self, compact: Compact) -> Sequence[VerificationKey]:
        """Returns the keys that a token could be signed with: the one that it names, or those of its algorithm."""
        algorithm, named = compact.header.get("alg"), compact.header.get("kid")
        return [key for key in self.keys if key.algorithm == algorithm and named in {None, key.key_id}]


def read(body: bytes) -> KeySet:
    """Reads a key set; keys that no ID token is signed with here are left out.

    Raises:
        UpstreamError: it is none.
    """
    try:
        published = msgspec.json.decode(body, type=_KeySet).keys
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamError("keys_malformed", "what the provider's jwks_uri leads to is no key set") from None
    found = (_usable(key) for key in published[:KEYS_LIMIT])
    return KeySet([key for key in found if key is not None])


def _usable(published: Any) -> VerificationKey | None:
    try:
        key = msgspec.convert(published, _Key)
        algorithm = _KINDS.get(key.kty)
        if algorithm is None or key.alg not in {None, algorithm, *ALGORITHMS} or key.use not in {None, "sig"}:
            return None
        if key.alg not in {None, algorithm} or _CURVES.get(key.kty) != key.crv:
            return None
        public = public_key_from_jwk(msgspec.to_builtins(key))
    except (msgspec.ValidationError, MalformedError, ValueError, TypeError):
        return None
    if key.kty == "RSA" and getattr(public, "key_size", 0) < _RSA_LEAST_BITS:
        return None
    return VerificationKey(key.kid or "", algorithm, public)
