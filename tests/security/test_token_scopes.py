"""The token endpoint asked for more than there is to give: scopes, audiences, and what the answer carries."""

import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_world
from tests.live import Live, credentials, decode
from tests.world import AUDIENCE, ISSUER, StandingClock, Template

DEFAULT = "read:patient write:patient read:prescription read:order write:order"
SCOPE_CHARACTERS = "".join(chr(code) for code in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F)))  # RFC 6749 §3.3
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def shared(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for the whole module: nothing here changes it."""
    running = Live(make_world("sqlite", templates, tmp_path_factory), StandingClock())
    yield running
    running.stop()


def assert_refused(answer: httpx.Response, error: str) -> None:
    """Checks that no token was issued, and why."""
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    assert list(answer.json()) == ["error", "error_description"]


@pytest.mark.parametrize(
    "scope",
    [
        "write:prescription",
        "read:patient write:prescription",
        "write:prescription read:patient",
        f"{DEFAULT} write:prescription",
        "write:prescription write:prescription",
    ],
)
def test_a_machine_that_asks_for_write_prescription_gets_no_token_and_is_told_the_name(
    shared: Live, scope: str
) -> None:
    answer = shared.exchange(shared.world.alder, scope=scope)

    assert_refused(answer, "invalid_scope")
    assert answer.json()["error_description"].startswith("write:prescription cannot be granted: a machine never")


def test_a_machine_that_asks_for_no_scope_gets_a_default_without_write_prescription(shared: Live) -> None:
    answer = shared.exchange(shared.world.alder)

    assert answer.json()["scope"] == DEFAULT
    assert decode(answer.json()["access_token"])[1]["permissions"] == DEFAULT.split()


@pytest.mark.parametrize(
    "scope",
    [
        "WRITE:PRESCRIPTION",
        "Write:Prescription",
        "create:prescription",
        "write:*",
        "*",
        "write:prescription*",
        "write",
        "openid",
        "offline_access",
        "manage:user_roles",
        "approve:provider_authority",
        "read:client",
    ],
)
def test_no_other_spelling_or_permission_that_was_not_given_is_granted(shared: Live, scope: str) -> None:
    answer = shared.exchange(shared.world.alder, scope=scope)

    assert_refused(answer, "invalid_scope")
    assert answer.json()["error_description"].startswith(f"{scope} cannot be granted: ")


@pytest.mark.parametrize(
    "scope",
    [
        "read:patient  read:order",
        " read:patient",
        "read:patient ",
        " ",
        "read:patient\tread:order",
        "read:patient\nwrite:prescription",
        'read:"patient"',
        "read:\\patient",
        "read:patient,read:order",
        "read:patient+read:order",
        "réad:patient",
        "read:patient\u00a0read:order",
        "read:patient\u2028read:order",
        "read:patient\x00",
        "read:patient\x7f",
        "read:patient \ud800",
        " ".join(f"s{number}" for number in range(101)),
        " ".join(["read:patient"] * 101),
        "a " * 4_000 + "a",
    ],
)
def test_a_scope_that_is_not_a_list_of_names_is_refused(shared: Live, scope: str) -> None:
    """RFC 6749 §3.3."""
    asked = credentials(shared.world.alder) | {"scope": scope}

    assert_refused(shared.http.post("/oauth/token", content=json.dumps(asked), headers=JSON), "invalid_scope")


def test_ten_thousand_scopes_are_refused(shared: Live) -> None:
    answer = shared.exchange(shared.world.alder, scope=" ".join(["read:patient"] * 10_000))

    assert_refused(answer, "invalid_request")


@given(st.text(max_size=40) | st.text(SCOPE_CHARACTERS + " ", max_size=40))
def test_a_scope_of_any_characters_is_refused_or_granted_exactly(shared: Live, scope: str) -> None:
    answer = shared.exchange(shared.world.alder, scope=scope)

    if answer.status_code == 200:
        assert set(answer.json()["scope"].split()) == set(scope.split() or DEFAULT.split())
    else:
        assert_refused(answer, "invalid_scope")


@given(st.lists(st.sampled_from(DEFAULT.split()), min_size=1, max_size=10))
def test_a_narrower_scope_is_granted_once_each_in_the_documented_order(shared: Live, names: list[str]) -> None:
    answer = shared.exchange(shared.world.alder, scope=" ".join(names))

    expected = [name for name in DEFAULT.split() if name in names]
    assert answer.json()["scope"].split() == expected
    assert decode(answer.json()["access_token"])[1]["permissions"] == expected


@pytest.mark.parametrize(
    "target",
    [
        "https://api.example.com",
        f"{AUDIENCE}/",
        f"{AUDIENCE}#fragment",
        f"{AUDIENCE}?tenant=1",
        f"{AUDIENCE}/graphql",
        f"{AUDIENCE} https://api.example.com",
        AUDIENCE.upper(),
        "/graphql",
        "graphql",
        "//localhost:8000",
        "*",
        f" {AUDIENCE}",
        f"{AUDIENCE}\x00",
        f"{AUDIENCE}\ud800",
    ],
)
@pytest.mark.parametrize("name", ["audience", "resource"])
def test_a_token_for_an_api_that_nobody_registered_is_refused(shared: Live, name: str, target: str) -> None:
    """RFC 8707 §2."""
    asked = {key: value for key, value in credentials(shared.world.alder).items() if key != "audience"}

    answer = shared.http.post("/oauth/token", content=json.dumps(asked | {name: target}), headers=JSON)

    assert_refused(answer, "invalid_target")


@pytest.mark.parametrize("bad", ["audience", "resource"])
def test_a_registered_audience_does_not_carry_another_with_it(shared: Live, bad: str) -> None:
    both = {"audience": AUDIENCE, "resource": AUDIENCE, bad: "https://api.example.com"}

    assert_refused(shared.exchange(shared.world.alder, **both), "invalid_target")


@pytest.mark.parametrize("sent", [{}, {"audience": AUDIENCE}, {"resource": AUDIENCE}])
def test_the_token_is_for_exactly_the_audience_that_was_granted(shared: Live, sent: dict[str, str]) -> None:
    asked = {key: value for key, value in credentials(shared.world.alder).items() if key != "audience"}

    answer = shared.http.post("/oauth/token", json=asked | sent)

    assert decode(answer.json()["access_token"])[1]["aud"] == AUDIENCE


def test_the_answer_carries_an_access_token_and_nothing_that_outlives_it(shared: Live) -> None:
    """RFC 6749 §4.4.3 and §5.1."""
    answer = shared.exchange(shared.world.alder, scope="read:order")
    claims = decode(answer.json()["access_token"])[1]

    assert list(answer.json()) == ["access_token", "scope", "expires_in", "token_type"]
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == claims["exp"] - claims["iat"]
    assert answer.json()["scope"] == claims["scope"] == "read:order"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "extra",
    [
        {"permissions": "write:prescription", "roles": "Prescriber", "sub": "usr_1", "gty": "password"},
        {"org_id": "org_1", "organization": "org_1", "expires_in": "999999999", "iss": "https://evil.example"},
    ],
)
def test_unknown_parameters_do_not_reach_the_token(shared: Live, extra: dict[str, str]) -> None:
    """RFC 6749 §3.2: they are ignored."""
    claims = decode(shared.token(shared.world.alder, **extra))[1]
    plain = decode(shared.token(shared.world.alder))[1]

    assert claims | {"jti": ""} == plain | {"jti": ""}
    assert claims["iss"] == ISSUER


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"x-forwarded-host": "evil.example"}])
def test_the_issuer_does_not_follow_the_host_header(shared: Live, headers: dict[str, str]) -> None:
    answer = shared.http.post("/oauth/token", json=credentials(shared.world.alder), headers=headers)

    assert decode(answer.json()["access_token"])[1]["iss"] == ISSUER
