"""Compact JWS: the standard's own vectors, round trips, every altered bit, and another library's signatures."""

import dataclasses
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as foreign
from joserfc import jwt as foreign_jwt
from joserfc.jwk import RSAKey, import_key

from rxauth.crypto import jws
from rxauth.crypto.jws import BadSignatureError, MalformedError, Signer, SigningKey, VerificationKey

# RFC 7515 appendix A.2: an RSA key, and the JWS that it makes of a header, which has no typ, and a payload.
MODULUS = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2"
    "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD"
    "TW9gb54h4FRWyuXpoQ"
)
PRIVATE_EXPONENT = (
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_G"
    "O-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQl"
    "BjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0"
    "QU91p1DhOVRuOopznQ"
)
VECTOR = (
    "eyJhbGciOiJSUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO"
    "--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN"
    "_IoypGlUPQGe77Rw"
)
# RFC 7638 §3.1: an RSA public key and its thumbprint.
THUMBPRINT_MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
    "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
    "kEgU8awapJzKnqDKgw"
)
THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

KEY, OTHER_KEY = jws.new_signing_key(), jws.new_signing_key()
FOREIGN_KEY = RSAKey.import_key(KEY.to_der())
FOREIGN_PUBLIC_KEY = RSAKey.import_key(dict(KEY.verification_key().as_jwk()))
TOKEN = Signer(KEY, "at+jwt").sign(b'{"sub":"somebody","exp":1795435200}')


def _vector_key() -> SigningKey:
    n, d = (int.from_bytes(jws.decode_base64url(text)) for text in (MODULUS, PRIVATE_EXPONENT))
    p, q = rsa.rsa_recover_prime_factors(n, 65537, d)
    private = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(65537, n)
    )
    return SigningKey("the key of the vector", "RS256", private.private_key())


def _opens(token: str, key: VerificationKey) -> bool:
    """Tells whether a token is accepted; whatever else than a refusal is raised is a failure of the test."""
    try:
        jws.verify(jws.take_apart(token), key)
    except (MalformedError, BadSignatureError):
        return False
    return True


def test_the_standards_vector_verifies() -> None:
    """RFC 7515 appendix A.2."""
    compact = jws.take_apart(VECTOR)
    jws.verify(compact, _vector_key().verification_key())

    assert compact.header == {"alg": "RS256"}
    assert compact.payload == b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'


def test_the_standards_vector_is_signed_to_the_last_character() -> None:
    """RFC 7515 appendix A.2; RSASSA-PKCS1-v1_5 has one signature for a text and a key."""
    head, body, _ = VECTOR.split(".")
    signer = Signer(_vector_key(), "none of the vector's")
    signer._head = f"{head}.".encode()  # the headers that a Signer makes name a type and a key, the vector's neither

    assert signer.sign(jws.decode_base64url(body)) == VECTOR


def test_the_standards_thumbprint_comes_out() -> None:
    """RFC 7638 §3.1."""
    assert jws.thumbprint(jws.public_key_from_jwk({"n": THUMBPRINT_MODULUS, "e": "AQAB"})) == THUMBPRINT


def test_a_new_key_is_named_by_its_thumbprint_and_no_two_are_alike() -> None:
    assert KEY.key_id == jws.thumbprint(KEY.private.public_key()) != OTHER_KEY.key_id
    assert isinstance(KEY.private, rsa.RSAPrivateKey)
    assert KEY.private.key_size == 2048
    assert KEY.private.public_key().public_numbers().e == 65537


@given(payload=st.binary(max_size=2_000), token_type=st.text(max_size=20))
def test_whatever_is_signed_comes_apart_as_it_was_and_verifies(payload: bytes, token_type: str) -> None:
    compact = jws.take_apart(Signer(KEY, token_type).sign(payload or b"x"))
    jws.verify(compact, KEY.verification_key())

    assert compact.payload == (payload or b"x")
    assert compact.header == {"alg": "RS256", "typ": token_type, "kid": KEY.key_id}


@given(raw=st.binary(max_size=100))
def test_base64url_has_one_spelling_for_each_octets(raw: bytes) -> None:
    text = jws.encode_base64url(raw)

    assert jws.decode_base64url(text) == raw
    assert not set(text) & set("=+/")


def test_a_token_with_any_one_bit_flipped_is_refused() -> None:
    assert _opens(TOKEN, KEY.verification_key())
    raw = TOKEN.encode()
    for position in range(len(raw)):
        for bit in range(8):
            altered = bytearray(raw)
            altered[position] ^= 1 << bit
            assert not _opens(altered.decode("latin-1"), KEY.verification_key()), (position, bit)


@given(position=st.integers(0, len(TOKEN) - 1), inserted=st.text(max_size=4), removed=st.integers(0, 4))
def test_a_token_with_anything_inserted_or_removed_is_refused(position: int, inserted: str, removed: int) -> None:
    altered = TOKEN[:position] + inserted + TOKEN[position + removed :]

    assert _opens(altered, KEY.verification_key()) == (altered == TOKEN)


@given(st.text(max_size=200) | st.text(alphabet="eyJhbGci0.AB-_=", max_size=200))
def test_any_text_at_all_is_refused_as_malformed_or_as_badly_signed(text: str) -> None:
    assert not _opens(text, KEY.verification_key())


def test_the_parts_of_two_good_tokens_do_not_make_a_third() -> None:
    other = Signer(KEY, "at+jwt").sign(b'{"sub":"somebody else"}')
    head, body, _ = TOKEN.split(".")

    assert not _opens(f"{head}.{body}.{other.rpartition('.')[2]}", KEY.verification_key())
    assert not _opens(TOKEN, OTHER_KEY.verification_key())
    assert not _opens(TOKEN, dataclasses.replace(OTHER_KEY.verification_key(), key_id=KEY.key_id))


@pytest.mark.parametrize("text", [TOKEN + "\n", "\n" + TOKEN, TOKEN + " ", TOKEN + "\x00", TOKEN.replace(".", ".\n")])
def test_white_space_around_or_within_a_token_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        jws.take_apart(text)


@pytest.mark.parametrize("text", ["A", "AAAAA", "AB", "AAB", "A-B-C", "AA==", "A+/A", "A A", "é"])
def test_base64url_that_is_not_canonical_is_malformed(text: str) -> None:
    """RFC 4648 §3.5."""
    assert not _opens(f"{TOKEN.rpartition('.')[0]}.{text}", KEY.verification_key())


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a":1,"a":1}', "repeats a member"),
        (b'{"b":{"a":1,"a":2}}', "repeats a member"),
        (b'[{"a":1,"a":2}]', "repeats a member"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"a":"\xff"}', "not JSON"),
        (b"{" * 5_000, "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ('{"a":1}'.encode("utf-16"), "not JSON"),
        ('{"a":1}'.encode("utf-32-le"), "not JSON"),
    ],
)
def test_what_is_not_one_json_object_in_utf_8_is_malformed(raw: bytes, told: str) -> None:
    """RFC 7515 §5.2 steps 3 and 4."""
    with pytest.raises(MalformedError, match=f"its header.*{told}"):
        jws.read_object(raw, "header")


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=5))
def test_a_json_object_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert jws.read_object(json.dumps(value).encode(), "payload") == value


def test_a_private_key_is_read_back_as_it_was_written_and_does_not_print_itself() -> None:
    again = SigningKey.from_der(KEY.key_id, KEY.to_der())

    assert Signer(again, "at+jwt").sign(b"x") == Signer(KEY, "at+jwt").sign(b"x")
    assert repr(KEY) == f"SigningKey(key_id='{KEY.key_id}', algorithm='RS256')"


def test_a_published_key_is_read_back_as_it_was_written_and_holds_nothing_private() -> None:
    published = KEY.verification_key().as_jwk()

    assert published.keys() == {"kty", "n", "e", "use", "alg", "kid"}
    assert jws.public_key_from_jwk(published) == KEY.private.public_key()


@given(claims=st.dictionaries(st.text(max_size=10), st.text(max_size=20) | st.integers(), max_size=6))
def test_another_librarys_signature_with_our_key_verifies_here(claims: dict[str, Any]) -> None:
    header = {"typ": "at+jwt", "kid": KEY.key_id, "alg": "RS256"}
    payload = json.dumps(claims, indent=1).encode()
    compact = jws.take_apart(foreign.serialize_compact(header, payload, FOREIGN_KEY, algorithms=["RS256"]))
    jws.verify(compact, KEY.verification_key())

    assert jws.read_object(compact.payload, "payload") == claims


@given(claims=st.dictionaries(st.sampled_from(["sub", "jti", "scope"]), st.text(max_size=20), max_size=3))
def test_our_signature_verifies_in_another_library(claims: dict[str, Any]) -> None:
    token = Signer(KEY, "at+jwt").sign(json.dumps(claims).encode())
    opened = foreign_jwt.decode(token, FOREIGN_PUBLIC_KEY, algorithms=["RS256"])

    assert opened.claims == claims
    assert opened.header == {"alg": "RS256", "typ": "at+jwt", "kid": KEY.key_id}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by RFC 9864, whose names few libraries know yet
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_the_other_algorithms_sign_for_another_library_and_verify_what_it_signed(algorithm: jws.Algorithm) -> None:
    """RFC 7518 §3.4: two numbers of 32 octets; RFC 8037 §3.1."""
    key = jws.new_signing_key(algorithm)
    published: dict[str, Any] = dict(key.verification_key().as_jwk())
    token = Signer(key, "at+jwt").sign(b'{"sub":"somebody"}')
    assert foreign_jwt.decode(token, import_key(published), algorithms=[algorithm]).claims == {"sub": "somebody"}
    private = import_key(key.to_der(), "EC" if algorithm == "ES256" else "OKP")
    theirs = foreign.serialize_compact({"alg": algorithm}, b"x", private, algorithms=[algorithm])
    assert _opens(theirs, key.verification_key())

    assert len(jws.take_apart(token).signature) == 64
    assert jws.public_key_from_jwk(published) == key.private.public_key()
    assert key.key_id == jws.thumbprint(key.private.public_key())
    assert SigningKey.from_der(key.key_id, key.to_der()).algorithm == algorithm
    for altered in (token[:-4] + "AAAA", f"{token}AA", token.rpartition(".")[0] + "." + "A" * 86):
        assert not _opens(altered, key.verification_key())
    assert not _opens(token, KEY.verification_key())
    assert not _opens(TOKEN, key.verification_key())
