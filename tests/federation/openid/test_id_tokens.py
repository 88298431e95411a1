"""ID tokens and metadata: every way in which one can be wrong is refused, with its reason."""

import hashlib
import json
from typing import Any

import pytest

from rxauth.crypto.jws import Signer, encode_base64url, new_signing_key, take_apart, verify
from rxauth.domain.connection_settings import ClientAuthentication, Joining, Mapping, OpenIdSettings
from rxauth.domain.connections import Connection
from rxauth.federation.openid import exchange, id_token, identity, key_set, metadata
from rxauth.federation.openid.exchange import Client, Redeemed
from rxauth.federation.openid.id_token import LEEWAY_S, Expected
from rxauth.federation.openid.key_set import KeySet
from rxauth.federation.problems import UpstreamError
from tests.world import NOW

KEY, OTHER = new_signing_key("ES256"), new_signing_key("EdDSA")
KEYS = KeySet([KEY.verification_key(), OTHER.verification_key()])
ISSUER = "https://login.alder.example"
EXPECTED = Expected(ISSUER, "rxauth", "a nonce", "an access token", None, NOW, NOW)
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "mallory",
    "aud": "rxauth",
    "iat": NOW,
    "exp": NOW + 300,
    "nonce": "a nonce",
    "at_hash": encode_base64url(hashlib.sha256(b"an access token").digest()[:16]),
}
SETTINGS = OpenIdSettings(ISSUER, "rx auth", ClientAuthentication.SECRET_BASIC)
CONNECTION = Connection(
    "con_1", "org_1", "alder", "Alder", Joining.JUST_IN_TIME, SETTINGS, None, Mapping(groups="groups"), 0, 0, None
)
DESCRIBED = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}
IN_ID_TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "issued_by_another_provider": ({"iss": "https://login.honest.example"}, "issuer_differs"),
    "issuer_with_a_slash_more": ({"iss": f"{ISSUER}/"}, "issuer_differs"),
    "for_another_application": ({"aud": "another"}, "audience_differs"),
    "for_nobody": ({"aud": None}, "audience_differs"),
    "for_several_and_asked_for_by_another": ({"aud": ["rxauth", "b"], "azp": "b"}, "audience_differs"),
    "for_several_and_asked_for_by_nobody": ({"aud": ["rxauth", "b"]}, "audience_differs"),
    "expired": ({"exp": NOW - 10_000}, "id_token_expired"),
    "for_ever": ({"exp": None}, "id_token_malformed"),
    "for_ever_and_a_day": ({"exp": 1e300}, "id_token_malformed"),
    "from_the_future": ({"iat": NOW + 10_000}, "id_token_early"),
    "of_another_sign_in": ({"nonce": "another"}, "nonce_differs"),
    "of_no_sign_in": ({"nonce": None}, "nonce_differs"),
    "about_nobody": ({"sub": None}, "id_token_malformed"),
    "about_a_number": ({"sub": 7}, "id_token_malformed"),
    "about_a_novel": ({"sub": "x" * 256}, "id_token_malformed"),
    "with_another_access_token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash_differs"),
}
IN_HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "alg_none": ({"alg": "none"}, "algorithm_refused"),
    "alg_none_in_capitals": ({"alg": "NONE"}, "algorithm_refused"),
    "alg_hs256_with_a_public_key": ({"alg": "HS256"}, "algorithm_refused"),
    "no_alg": ({}, "algorithm_refused"),
    "unsigned": ({"alg": "ES256"}, "signature_refused"),
    "another_algorithm_than_the_key_s": ({"alg": "RS256"}, "signature_refused"),
    "a_key_of_its_own_in_the_header": ({"alg": "ES256", "jwk": {}, "kid": "mine"}, "signature_refused"),
    "a_logout_token": ({"alg": "ES256", "typ": "logout+jwt"}, "id_token_malformed"),
    "an_extension_nobody_knows": ({"alg": "ES256", "crit": ["b64"]}, "id_token_malformed"),
}
IN_METADATA: dict[str, tuple[dict[str, Any], str]] = {
    "of_another_issuer": ({"issuer": "https://login.honest.example"}, "issuer_differs"),
    "an_endpoint_inside": ({"token_endpoint": "http://10.0.0.1/token"}, "metadata_malformed"),
    "an_endpoint_without_tls": ({"token_endpoint": "http://login.alder.example/token"}, "metadata_malformed"),
    "a_script_for_the_browser": ({"authorization_endpoint": "javascript:alert(1)"}, "metadata_malformed"),
    "no_keys": ({"jwks_uri": None}, "metadata_malformed"),
}


def changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Returns something good with changes; None leaves a member out."""
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(**changes: Any) -> str:
    """Returns an ID token of the provider's."""
    return Signer(KEY, "JWT").sign(json.dumps(changed(GOOD, changes)).encode())


def judged(text: str, expected: Expected = EXPECTED) -> str:
    """Returns why an ID token is refused; empty: it is not."""
    try:
        id_token.claims(id_token.read(text), KEYS, expected)
    except UpstreamError as error:
        return error.code
    return ""


def test_an_id_token_is_taken_that_is_as_it_should_be() -> None:
    assert judged(signed()) == ""
    assert judged(signed(aud=["rxauth"], azp="rxauth", at_hash=None)) == ""
    assert judged(signed(aud=["rxauth", "another"], azp="rxauth")) == ""
    assert judged(signed(exp=NOW - LEEWAY_S + 1, iat=NOW + LEEWAY_S)) == "", "clocks may be a minute apart"
    assert judged(signed(exp=NOW - LEEWAY_S)) == "id_token_expired"


@pytest.mark.parametrize("name", IN_ID_TOKENS)
def test_an_id_token_is_refused_that_is(name: str) -> None:
    changes, reason = IN_ID_TOKENS[name]
    assert judged(signed(**changes)) == reason


@pytest.mark.parametrize("name", IN_HEADERS)
def test_an_id_token_is_refused_whose_header_says(name: str) -> None:
    header, reason = IN_HEADERS[name]
    parts = (json.dumps(header).encode(), json.dumps(GOOD).encode(), b"no signature")
    assert judged(".".join(map(encode_base64url, parts))) == reason


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "é.b.c", signed()[:-2], f"{signed()}=", signed() * 2])
def test_what_is_no_id_token_is_refused(text: str) -> None:
    assert judged(text) in {"id_token_malformed", "signature_refused", "algorithm_refused"}


def test_how_long_ago_somebody_signed_in_counts_from_when_the_browser_was_sent() -> None:
    asked = Expected(ISSUER, "rxauth", "a nonce", "an access token", 600, NOW + 300, NOW)
    assert judged(signed(), asked) == "auth_time_missing"
    assert judged(signed(auth_time=NOW - 600 - LEEWAY_S - 1), asked) == "auth_time_old"
    assert judged(signed(auth_time=NOW - 600), asked) == ""


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (NOW + LEEWAY_S, ""),
        (NOW + LEEWAY_S + 1, "auth_time_early"),
        ("yesterday", "id_token_malformed"),
        (True, "id_token_malformed"),
        (10**15, "id_token_malformed"),
    ],
)
def test_when_somebody_signed_in_is_a_moment_that_was_whether_or_not_it_was_asked_for(said: Any, reason: str) -> None:
    assert judged(signed(auth_time=said)) == reason


@pytest.mark.parametrize("name", IN_METADATA)
def test_metadata_are_refused_with(name: str) -> None:
    changes, reason = IN_METADATA[name]
    with pytest.raises(UpstreamError) as refused:
        metadata.read(json.dumps(changed(DESCRIBED, changes)).encode(), ISSUER, ())
    assert refused.value.code == reason
    assert metadata.read(json.dumps(DESCRIBED).encode(), ISSUER, ()).token_endpoint == f"{ISSUER}/token"


def test_keys_that_nothing_is_signed_with_here_are_left_out() -> None:
    good = KEY.verification_key().as_jwk()
    bad = [{**good, "use": "enc"}, {**good, "alg": "ES384"}, {**good, "x": "AA"}, {**good, "crv": "P-384"}]
    bad += [{"kty": "oct", "k": "AAAA", "alg": "HS256"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {}]
    read = key_set.read(json.dumps({"keys": [*bad, None, 7, good]}).encode())
    assert [key.key_id for key in read.keys] == [KEY.key_id]
    for malformed in (b"", b"[]", b'{"keys": {}}'):
        with pytest.raises(UpstreamError):
            key_set.read(malformed)


@pytest.mark.parametrize("verified", [False, None, "false", 0, "yes", [True], 1.0])
def test_an_address_counts_only_if_the_provider_says_that_it_is_verified(verified: Any) -> None:
    claims = changed(GOOD, {"email": "uma@alder.example", "email_verified": verified, "groups": "it"})
    assert identity.identity(CONNECTION, claims, "").email is None
    one = identity.identity(CONNECTION, claims | {"email_verified": True}, "")
    assert (one.email, one.groups) == ("uma@alder.example", ("it",))


def test_groups_that_are_named_elsewhere_are_not_taken_for_none() -> None:
    with pytest.raises(UpstreamError) as refused:
        identity.identity(CONNECTION, GOOD | {"_claim_names": {"groups": "src1"}}, "")
    assert refused.value.code == "groups_elsewhere"


def test_this_server_proves_itself_as_the_connection_says() -> None:
    described = metadata.read(json.dumps(DESCRIBED).encode(), ISSUER, ())
    redeemed = Redeemed("a code", "https://auth.example.com/sso/alder/callback", "a verifier")

    def form(how: ClientAuthentication, secret: str | None = "s:cret") -> exchange.Form:
        settings = OpenIdSettings(ISSUER, "rx auth", how)
        return exchange.form(Client(settings, secret, Signer(KEY, "JWT").sign), described, redeemed, now=NOW)

    basic = form(ClientAuthentication.SECRET_BASIC)
    assert (basic.headers["authorization"], "client_secret" in basic.fields) == (
        "Basic cngrYXV0aDpzJTNBY3JldA==",
        False,
    )
    assert form(ClientAuthentication.SECRET_POST).fields["client_secret"] == "s:cret"
    assertion = take_apart(form(ClientAuthentication.PRIVATE_KEY_JWT, None).fields["client_assertion"])
    verify(assertion, KEY.verification_key())
    claims = json.loads(assertion.payload)
    assert (claims["aud"], claims["iss"], claims["exp"] - NOW) == (ISSUER, "rx auth", exchange.ASSERTION_LIFETIME_S)
    with pytest.raises(UpstreamError):
        form(ClientAuthentication.SECRET_POST, None)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, b'{"error": "invalid_client"}', "check the client ID"),
        (401, b"<html>", "it answered 401"),
        (200, b"{}", "no bearer token"),
        (200, b'{"id_token": "a", "access_token": "b", "token_type": "mac"}', "no bearer token"),
        (400, b'{"error": "<script>"}', "?script?"),
    ],
)
def test_a_refusal_of_a_code_is_told_in_an_administrator_s_words(status: int, body: bytes, told: str) -> None:
    with pytest.raises(UpstreamError) as refused:
        exchange.read(status, body)
    assert told in str(refused.value)
