"""The three signature algorithms, each tied to one kind of key (RFC 7518 §3.3 and §3.4, RFC 8037 §3.1)."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from rxauth.crypto.base64url import decode_base64url, encode_base64url

Algorithm = Literal["RS256", "ES256", "EdDSA"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("RS256", "ES256", "EdDSA")
RSA_BITS: Final = 2048
_RSA_PUBLIC_EXPONENT: Final = 65537
_PADDING: Final = padding.PKCS1v15()
_HASH: Final = SHA256()
_ECDSA: Final = ec.ECDSA(_HASH)
_P256_BYTES: Final = 32


def new_private_key(algorithm: Algorithm) -> PrivateKey:
    """Makes a key of the kind that an algorithm takes."""
    if algorithm == "RS256":
        return rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, RSA_BITS)
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else Ed25519PrivateKey.generate()


def algorithm_of(key: PrivateKey | PublicKey) -> Algorithm:
    """Returns the one algorithm that a key is used with."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        return "RS256"
    return "ES256" if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)) else "EdDSA"


def private_key_from_der(der: bytes) -> PrivateKey:
    """Reads a private key in PKCS #8, which nobody but this server wrote and sealed.

    Raises:
        TypeError: a kind of key that nothing is signed with here.
    """
    # Its primes were tested when it was made: to test them again takes longer than all else of a start.
    private = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, PrivateKey):
        raise TypeError("a signing key is an RSA, P-256 or Ed25519 key")
    return private


def signing(private: PrivateKey) -> Callable[[bytes], bytes]:
    """Returns the function that signs with a key."""
    if isinstance(private, rsa.RSAPrivateKey):
        return lambda octets: private.sign(octets, _PADDING, _HASH)
    if isinstance(private, Ed25519PrivateKey):
        return private.sign
    return lambda octets: _fixed_width(private.sign(octets, _ECDSA))


def fits(public: PublicKey, signature: bytes, octets: bytes) -> bool:
    """Tells whether a signature belongs to these octets and this key."""
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, octets, _PADDING, _HASH)
        elif isinstance(public, Ed25519PublicKey):
            public.verify(signature, octets)
        else:
            public.verify(_as_der(signature), octets, _ECDSA)
    except InvalidSignature:
        return False
    return True


def public_members(public: PublicKey) -> dict[str, str]:
    """Returns the members of a JSON Web Key that a thumbprint is made of (RFC 7638 §3.2)."""
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        octets = (numbers.n.bit_length() + 7) // 8
        modulus, exponent = numbers.n.to_bytes(octets), numbers.e.to_bytes(3)
        return {"kty": "RSA", "n": encode_base64url(modulus), "e": encode_base64url(exponent)}
    if isinstance(public, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(public.public_bytes_raw())}
    point = public.public_numbers()
    x, y = (encode_base64url(coordinate.to_bytes(_P256_BYTES)) for coordinate in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def public_key_from_jwk(jwk: Mapping[str, str]) -> PublicKey:
    """Reads a public key from its JSON Web Key (RFC 7518 §6, RFC 8037 §2)."""
    if jwk.get("kty") == "OKP":
        return Ed25519PublicKey.from_public_bytes(decode_base64url(jwk["x"]))
    if jwk.get("kty") == "EC":
        x, y = (int.from_bytes(decode_base64url(jwk[member])) for member in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    exponent, modulus = (int.from_bytes(decode_base64url(jwk[member])) for member in ("e", "n"))
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _fixed_width(der: bytes) -> bytes:
    """Returns an ECDSA signature as the two numbers side by side (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)


def _as_der(signature: bytes) -> bytes:
    if len(signature) != 2 * _P256_BYTES:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:]))
