"""Attacks on the signature of an access token: who signed, with which algorithm, and whether it fits at all."""

import base64
import datetime
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

from rxauth.crypto.algorithms import PrivateKey
from rxauth.crypto.jws import VerificationKey, new_signing_key
from tests.live import Live
from tests.security.forging import READ, accepted, forged, good_header, part, refusal, served, signed
from tests.world import Template

ATTACKER = new_signing_key()
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 §9.2, note 1
SHA256_INFO_WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201" + "0420")
MODULUS_BYTES = 256


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


def test_the_token_that_the_attacks_alter_is_accepted(api: Live) -> None:
    assert accepted(api.graphql(forged(api, {}), READ))


@pytest.mark.parametrize("signature", ["", "AA", "that of a good token"])
@pytest.mark.parametrize("name", ["none", "None", "nOnE", "NONE", "", None])
def test_a_token_that_says_it_needs_no_signature_is_refused(api: Live, name: str | None, signature: str) -> None:
    """RFC 8725 §3.2."""
    good = forged(api, {}).rpartition(".")[2]
    header = {**good_header(api), "alg": name}
    if name is None:
        del header["alg"]
    payload = part(api.claims(api.world.alder))

    refusal(api, f"{part(header)}.{payload}.{good if signature.startswith('that') else signature}")


@pytest.mark.parametrize("name", ["none", "None", "RS384", "PS256", "ES256", "HS256", "rs256", "RS256 ", ["RS256"], 1])
def test_a_signature_that_fits_under_another_algorithms_name_is_refused(api: Live, name: object) -> None:
    """RFC 8725 §3.1: one key, one algorithm, whatever the header says."""
    refusal(api, forged(api, {"alg": name}))


def _pem(key: VerificationKey) -> bytes:
    return key.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


PUBLIC_KEY_AS_A_SECRET: dict[str, Callable[[VerificationKey], bytes]] = {
    "PEM": _pem,
    "PEM without its last line end": lambda key: _pem(key).strip(),
    "PEM with CRLF": lambda key: _pem(key).replace(b"\n", b"\r\n"),
    "PEM after spaces": lambda key: b"  " + _pem(key),
    "PKCS1 PEM": lambda key: key.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    "DER": lambda key: key.public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ),
    "JWK": lambda key: json.dumps(key.as_jwk()).encode(),
    "JWKS": lambda key: json.dumps({"keys": [key.as_jwk()]}).encode(),
    "modulus": lambda key: key.as_jwk()["n"].encode(),
    "nothing": lambda _key: b"",
}


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("shape", PUBLIC_KEY_AS_A_SECRET)
def test_a_public_key_used_as_a_shared_secret_is_refused(api: Live, shape: str, algorithm: str) -> None:
    secret = PUBLIC_KEY_AS_A_SECRET[shape](api.world.current_key.verification_key())
    signing_input = f"{part({**good_header(api), 'alg': algorithm})}.{part(api.claims(api.world.alder))}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]

    refusal(api, f"{signing_input}.{part(hmac.digest(secret, signing_input.encode(), digest))}")


PSS = padding.PSS(padding.MGF1(SHA256()), 32)


@pytest.mark.parametrize("says_rs256", [True, False])
@pytest.mark.parametrize(
    ("name", "scheme", "algorithm"),
    [
        ("RS1", padding.PKCS1v15(), SHA1()),
        ("RS384", padding.PKCS1v15(), SHA384()),
        ("RS512", padding.PKCS1v15(), SHA512()),
        ("PS256", PSS, SHA256()),
    ],
)
def test_the_right_key_with_another_algorithm_is_refused(
    api: Live, name: str, scheme: Any, algorithm: HashAlgorithm, says_rs256: bool
) -> None:
    header = {**good_header(api), "alg": "RS256" if says_rs256 else name}

    refusal(api, signed(header, api.claims(api.world.alder), api.world.current_key.private, scheme, algorithm))


def _es256(signing_input: bytes) -> bytes:
    der = ec.generate_private_key(ec.SECP256R1()).sign(signing_input, ec.ECDSA(SHA256()))
    return b"".join(number.to_bytes(32) for number in utils.decode_dss_signature(der))


FOREIGN_SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "ES256": _es256,
    "ES256 in DER": lambda text: ec.generate_private_key(ec.SECP256R1()).sign(text, ec.ECDSA(SHA256())),
    "ES256 with r and s zero": lambda _text: bytes(64),
    "ES256 of another curve": lambda text: ec.generate_private_key(ec.SECP384R1()).sign(text, ec.ECDSA(SHA256())),
    "EdDSA": lambda text: ed25519.Ed25519PrivateKey.generate().sign(text),
}


@pytest.mark.parametrize("says_rs256", [True, False])
@pytest.mark.parametrize("kind", FOREIGN_SIGNATURES)
def test_a_signature_of_another_kind_of_key_under_our_keys_name_is_refused(
    api: Live, kind: str, says_rs256: bool
) -> None:
    header = {**good_header(api), "alg": "RS256" if says_rs256 else kind.split(" ", maxsplit=1)[0]}
    signing_input = f"{part(header)}.{part(api.claims(api.world.alder))}"

    refusal(api, f"{signing_input}.{part(FOREIGN_SIGNATURES[kind](signing_input.encode()))}")


def _raw(message: bytes, key: PrivateKey) -> bytes:
    """Applies the private key to a whole encoded message, as the algorithm's last step does (RFC 8017 §5.2.1)."""
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    return pow(int.from_bytes(message), numbers.d, numbers.public_numbers.n).to_bytes(MODULUS_BYTES)


def _padded(info: bytes, first: bytes = b"\x00\x01", filler: bytes = b"\xff", tail: bytes = b"") -> bytes:
    return first + filler * (MODULUS_BYTES - 3 - len(info) - len(tail)) + b"\x00" + info + tail


ENCODED_MESSAGES: dict[str, Callable[[bytes], bytes]] = {
    "as the standard says": lambda digest: _padded(SHA256_INFO + digest),
    "garbage after the digest": lambda digest: _padded(SHA256_INFO + digest, tail=b"garbage"),
    "short padding, garbage after the digest": lambda digest: (
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + SHA256_INFO + digest
    ).ljust(MODULUS_BYTES, b"\x00"),
    "padding of an encryption": lambda digest: _padded(SHA256_INFO + digest, first=b"\x00\x02"),
    "padding of zeros": lambda digest: _padded(SHA256_INFO + digest, first=b"\x00\x00", filler=b"\x00"),
    "no name of the hash": _padded,
    "the hash without its NULL": lambda digest: _padded(SHA256_INFO_WITHOUT_NULL + digest),
    "the name of another hash": lambda digest: _padded(SHA256_INFO[:-5] + b"\x03" + SHA256_INFO[-4:] + digest),
}


@pytest.mark.parametrize("encoding", ENCODED_MESSAGES)
def test_a_signature_over_a_message_encoded_in_another_way_is_refused(api: Live, encoding: str) -> None:
    """RFC 8017 §9.2: there is one encoding; the first row proves that the others are made right but for their flaw."""
    signing_input = f"{part(good_header(api))}.{part(api.claims(api.world.alder))}"
    message = ENCODED_MESSAGES[encoding](hashlib.sha256(signing_input.encode()).digest())
    assert len(message) == MODULUS_BYTES
    token = f"{signing_input}.{part(_raw(message, api.world.current_key.private))}"

    if encoding == "as the standard says":
        assert accepted(api.graphql(token, READ))
    else:
        refusal(api, token)


ALTERED_SIGNATURES: dict[str, Callable[[int, int], bytes]] = {
    "zero": lambda _s, _n: bytes(MODULUS_BYTES),
    "one": lambda _s, _n: (1).to_bytes(MODULUS_BYTES),
    "one octet": lambda _s, _n: b"\x00",
    "the modulus": lambda _s, n: n.to_bytes(MODULUS_BYTES),
    "one less than the modulus": lambda _s, n: (n - 1).to_bytes(MODULUS_BYTES),
    "the modulus added": lambda s, n: (s + n).to_bytes(MODULUS_BYTES + 1),
    "a leading zero": lambda s, _n: s.to_bytes(MODULUS_BYTES + 1),
    "a trailing zero": lambda s, _n: s.to_bytes(MODULUS_BYTES) + b"\x00",
    "cut short": lambda s, _n: s.to_bytes(MODULUS_BYTES)[:-1],
    "backwards": lambda s, _n: s.to_bytes(MODULUS_BYTES, "little"),
}


@pytest.mark.parametrize("alteration", ALTERED_SIGNATURES)
def test_another_number_or_length_in_place_of_the_signature_is_refused(api: Live, alteration: str) -> None:
    """RFC 8017 §8.2.2: the length is that of the modulus, and the number is below it."""
    head, body, signature = forged(api, {}).split(".")
    number = int.from_bytes(base64.urlsafe_b64decode(signature + "=="))
    public = api.world.current_key.private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    modulus = public.public_numbers().n

    refusal(api, f"{head}.{body}.{part(ALTERED_SIGNATURES[alteration](number, modulus))}")


def test_a_signature_taken_from_another_good_token_is_refused(api: Live) -> None:
    other = forged(api, {}, scope="read:order", permissions=["read:order"])
    head, body, _ = forged(api, {}).split(".")

    refusal(api, f"{head}.{body}.{other.rpartition('.')[2]}")


def _certificate() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "attacker")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ATTACKER.private.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .sign(ATTACKER.private, SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


@pytest.mark.parametrize("named", ["our key", "the attacker's key", "no key"])
@pytest.mark.parametrize("member", ["jwk", "x5c", "jku", "x5u"])
def test_a_key_that_the_token_brings_along_is_neither_used_nor_fetched(api: Live, member: str, named: str) -> None:
    """RFC 8725 §3.10."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/keys"
        brought = {
            "jwk": ATTACKER.verification_key().as_jwk(),
            "x5c": [_certificate()],
            "jku": url,
            "x5u": url,
        }
        header = {**good_header(api), member: brought[member]}
        if named == "no key":
            del header["kid"]
        elif named == "the attacker's key":
            header["kid"] = ATTACKER.key_id

        refusal(api, signed(header, api.claims(api.world.alder), ATTACKER.private))

        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_token_signed_with_the_attackers_key_under_our_keys_name_is_refused(api: Live) -> None:
    refusal(api, signed(good_header(api), api.claims(api.world.alder), ATTACKER.private))


@pytest.mark.parametrize(
    "extension",
    [
        {"crit": ["exp"]},
        {"crit": ["http://example.com/unknown"], "http://example.com/unknown": True},
        {"crit": []},
        {"crit": "exp"},
        {"crit": None},
        {"b64": True},
        {"crit": ["b64"], "b64": True},
    ],
)
def test_a_token_with_an_extension_that_the_server_does_not_know_is_refused(
    api: Live, extension: dict[str, Any]
) -> None:
    """RFC 7515 §4.1.11; the signature fits, so nothing but this rule refuses it."""
    header = {**good_header(api), **extension}

    refusal(api, signed(header, api.claims(api.world.alder), api.world.current_key.private))


@pytest.mark.parametrize("critical", [True, False])
def test_a_payload_that_says_it_is_not_encoded_is_refused(api: Live, critical: bool) -> None:
    """RFC 7797 §7: read with and without decoding, the same bytes would be two payloads."""
    header = {**good_header(api), "b64": False, **({"crit": ["b64"]} if critical else {})}

    refusal(api, signed(header, api.claims(api.world.alder), api.world.current_key.private))
