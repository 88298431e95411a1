"""X.509 certificates as SAML uses them: the wrapping of a public key that two sides exchanged, and nothing more.

Nobody vouches for such a certificate but whoever configured it, so there is no chain, no name and no date to check: a
key is trusted as long as it is configured (SAML V2.0 Metadata Interoperability Profile §2.5).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

RSA_BITS: Final = 2048
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_ARMOUR = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")


class MalformedCertificateError(Exception):
    """What was given is no certificate that signatures can be checked with; str() says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public key and the certificate around it. not_after: UTC seconds, for people to look at."""

    der: bytes = field(repr=False)
    fingerprint: str
    not_after: int
    parsed: x509.Certificate = field(repr=False, compare=False)

    @property
    def base64(self) -> str:
        """Returns it as it stands in XML: base64 without armour."""
        return base64.b64encode(self.der).decode()

    @property
    def pem(self) -> str:
        """Returns it as files have it: base64 in armour."""
        return self.parsed.public_bytes(Encoding.PEM).decode()

    @property
    def public(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """Returns its public key."""
        public = self.parsed.public_key()
        assert isinstance(public, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey))  # noqa: S101 - `from_der` saw to it
        return public


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key of our own and its certificate; it does not print itself."""

    certificate: Certificate
    private: rsa.RSAPrivateKey = field(repr=False)

    def sign(self, octets: bytes) -> bytes:
        """Signs with RSA and SHA-256 (RFC 8017 §8.2)."""
        return self.private.sign(octets, padding.PKCS1v15(), hashes.SHA256())

    def to_der(self) -> bytes:
        """Returns the private key as PKCS #8, to be sealed and stored."""
        encryption = serialization.NoEncryption()
        return self.private.private_bytes(Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)


def from_der(der: bytes) -> Certificate:
    """Reads a certificate.

    Raises:
        MalformedCertificateError: it is none, or its key is of another kind or too short.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        public = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MalformedCertificateError("it is not an X.509 certificate") from None
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < RSA_BITS:
            raise MalformedCertificateError(f"its RSA key has {public.key_size} bits, and {RSA_BITS} are needed")
    elif not (isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, _CURVES)):
        raise MalformedCertificateError("its key is neither an RSA key nor one of the curves P-256, P-384 and P-521")
    return Certificate(der, fingerprint(der), int(certificate.not_valid_after_utc.timestamp()), certificate)


def from_text(text: str) -> Certificate:
    """Reads a certificate in base64, with or without the armour of PEM.

    Raises:
        MalformedCertificateError: it is none, or its key is of another kind or too short.
    """
    try:
        der = base64.b64decode("".join(_ARMOUR.sub("", text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedCertificateError("it is not base64") from None
    return from_der(der)


def fingerprint(der: bytes) -> str:
    """Returns the SHA-256 fingerprint as administrators compare it: AB:CD:..."""
    return hashlib.sha256(der).digest().hex(":").upper()


def new_key_pair(common_name: str, now: int, valid_for_s: int) -> KeyPair:
    """Makes an RSA key and signs its certificate with itself."""
    private = rsa.generate_private_key(65537, RSA_BITS)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, common_name[:64])])
    since = datetime.fromtimestamp(now, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - timedelta(minutes=5))
        .not_valid_after(since + timedelta(seconds=valid_for_s))
    )
    certificate = builder.sign(private, hashes.SHA256())
    return KeyPair(from_der(certificate.public_bytes(Encoding.DER)), private)


def key_pair_from_der(certificate: bytes, private: bytes) -> KeyPair:
    """Reads what was stored of a pair, which nobody but this server wrote and sealed.

    Raises:
        TypeError: another kind of key.
    """
    # Its primes were tested when it was made, as those of the keys that sign tokens.
    key = serialization.load_der_private_key(private, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("a key for SAML is an RSA key")
    return KeyPair(from_der(certificate), key)
