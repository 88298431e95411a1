"""Attacks with a token that the server's own key signed, and that is no access token for this API now."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Live
from tests.security.forging import READ, accepted, forged, good_header, refusal, served, signed
from tests.world import AUDIENCE, ISSUER, NOW, Template


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


@pytest.mark.parametrize(
    "token_type",
    [
        "JWT",  # an ID token
        "rt+jwt",
        "logout+jwt",
        "client-authentication+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "at",
        "at+jwt ",
        "at+jwt;x=y",
        "text/at+jwt",
        "",
        None,  # no typ at all
    ],
)
def test_another_kind_of_token_used_as_an_access_token_is_refused(api: Live, token_type: str | None) -> None:
    """RFC 9068 §4, RFC 8725 §3.11."""
    assert "typ" in refusal(api, forged(api, {"typ": token_type}))


@pytest.mark.parametrize("token_type", [[], ["at+jwt"], {}, {"at+jwt": 1}, 5, 1.5, True, [["at+jwt"]]])
def test_a_type_that_is_no_text_is_refused_and_breaks_nothing(api: Live, token_type: Any) -> None:
    refusal(api, forged(api, {"typ": token_type}))


def test_the_long_form_of_the_access_token_type_is_accepted(api: Live) -> None:
    """RFC 9068 §4."""
    assert accepted(api.graphql(forged(api, {"typ": "application/at+jwt"}), READ))


@pytest.mark.parametrize(
    "issuer",
    [
        ISSUER.rstrip("/"),
        ISSUER + "/",
        ISSUER + "evil",
        ISSUER.upper(),
        ISSUER.replace("localhost", "localhost.example.com"),
        ISSUER.replace("http:", "https:"),
        ISSUER.replace(":8000", ""),
        ISSUER[:-3],
        ISSUER[1:],
        f" {ISSUER}",
        f"{ISSUER} ",
        f"{ISSUER}\x00",
        "",
        "http://localhost:8000\u2215",
    ],
)
def test_an_issuer_that_is_almost_ours_is_refused(api: Live, issuer: str) -> None:
    """RFC 9068 §4: the exact string."""
    assert "issued by" in refusal(api, forged(api, {}, iss=issuer))


@pytest.mark.parametrize("issuer", [[ISSUER], {"iss": ISSUER}, 1, True])
def test_an_issuer_that_is_no_text_is_refused(api: Live, issuer: Any) -> None:
    refusal(api, forged(api, {}, iss=issuer))


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        "https://management.example.com",
        AUDIENCE + "/",
        AUDIENCE.upper(),
        AUDIENCE + "0",
        AUDIENCE[:-1],
        f"https://evil.example.com {AUDIENCE}",
        [],
        ["https://management.example.com"],
        [AUDIENCE + "/", "https://management.example.com"],
        8000,
        True,
        {AUDIENCE: True},
    ],
)
def test_a_token_for_another_api_is_refused(api: Live, audience: Any) -> None:
    """RFC 9068 §4."""
    refusal(api, forged(api, {}, aud=audience))


TIMES = {
    "exp": [
        "null",
        str(NOW),
        str(NOW - 1),
        "0",
        "-1",
        f'"{NOW + 3600}"',
        f"{NOW + 3600}.5",
        f"{NOW + 3600}.0",
        "1.8e9",
        "1e400",
        "-1e400",
        "Infinity",
        "NaN",
        "true",
        "[]",
        "{}",
        "-" + "9" * 400,
    ],
    "iat": [
        "null",
        str(NOW + 61),
        str(NOW + 3600),
        f'"{NOW}"',
        f"{NOW}.5",
        "1e400",
        "NaN",
        "true",
        "[]",
        "9" * 400,
    ],
    "nbf": [str(NOW + 61), str(NOW + 3600), f'"{NOW}"', "1e400", "true", "[]", "9" * 400],
}


@pytest.mark.parametrize(("claim", "value"), [(claim, value) for claim, values in TIMES.items() for value in values])
def test_a_time_that_is_over_or_to_come_or_no_time_at_all_is_refused(api: Live, claim: str, value: str) -> None:
    """RFC 7519 §4.1.4 to §4.1.6; the value is written into the claims as it stands."""
    claims = json.dumps(api.claims(api.world.alder, **{claim: None}))
    payload = f'{claims[:-1]}, "{claim}": {value}}}'.encode()

    refusal(api, signed(good_header(api), payload, api.world.current_key.private))


@pytest.mark.parametrize("times", [{"exp": NOW + 1}, {"iat": NOW + 60}, {"iat": 0}, {"nbf": NOW}, {"nbf": NOW - 1}])
def test_a_time_within_its_bound_is_accepted(api: Live, times: dict[str, int]) -> None:
    assert accepted(api.graphql(forged(api, {}, **times), READ))


CLAIMS = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "azp",
    "scope",
    "permissions",
    "org_id",
    "gty",
    "iat",
    "exp",
    "jti",
    "secret_id",
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_token_that_lacks_a_claim_is_refused(api: Live, claim: str) -> None:
    """RFC 9068 §2.2."""
    refusal(api, forged(api, {}, **{claim: None}))


@pytest.mark.parametrize("value", [[], {}, 1, True, 1.5])
@pytest.mark.parametrize("claim", [name for name in CLAIMS if name not in {"iss", "aud", "iat", "exp"}])
def test_a_claim_of_another_type_is_refused(api: Live, claim: str, value: Any) -> None:
    wrong = "read:patient" if claim == "permissions" else value

    refusal(api, forged(api, {}, **{claim: wrong}))


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b"null", b'"text"', b"1", b"not json", b"\xff\xfe{}", b'{"iss":', b"[" * 3000, b"{" * 3000],
)
def test_a_payload_that_holds_no_claims_is_refused(api: Live, payload: bytes) -> None:
    """RFC 7519 §7.2."""
    refusal(api, signed(good_header(api), payload, api.world.current_key.private))


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "org_id", "permissions"])
def test_a_claim_that_is_said_twice_is_refused(api: Live, claim: str) -> None:
    """RFC 7519 §4: two readers must not see two different tokens. Both values are good ones."""
    claims = api.claims(api.world.alder)
    payload = f"{json.dumps(claims)[:-1]}, {json.dumps({claim: claims[claim]})[1:]}".encode()

    refusal(api, signed(good_header(api), payload, api.world.current_key.private))


@pytest.mark.parametrize(
    "claims",
    [
        {"gty": "authorization_code"},
        {"gty": "Client-Credentials"},
        {"sub": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        {"sub": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV@clients"},
        {"sub": ""},
        {"client_id": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sub": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV@clients"},
        {"client_id": "", "sub": "@clients"},
    ],
)
def test_a_token_half_of_a_machine_and_half_of_a_person_is_refused(api: Live, claims: dict[str, str]) -> None:
    """RFC 9068 §5: a machine's subject must never be taken for a person's."""
    refusal(api, forged(api, {}, **claims))
