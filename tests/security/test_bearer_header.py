"""Attacks and slips in how a token is sent to the API, and what the client is told of each."""

from collections.abc import Iterator

import httpx
import pytest

from tests.live import Live, basic, challenge_attributes
from tests.security.forging import READ, accepted, forged, served
from tests.world import Template

MODERN = "application/graphql-response+json"
WRITE = 'mutation { removePatientAllergy(id: "pat_x", allergenId: "alg_x") { id } }'


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


@pytest.fixture(scope="module")
def token(api: Live) -> str:
    return api.token(api.world.alder)


def _send(api: Live, *values: str | bytes) -> httpx.Response:
    """Sends one Authorization header for each value."""
    raw = [value if isinstance(value, bytes) else value.encode() for value in values]
    return api.http.post("/graphql", json={"query": READ}, headers=[(b"authorization", value) for value in raw])


def _is_no_token(answer: httpx.Response) -> bool:
    """Tells whether the answer is the one for a request without a token (RFC 6750 §3.1: no error attribute)."""
    error = answer.json()["errors"][0]
    return (
        answer.status_code == 401
        and answer.headers["www-authenticate"] == 'Bearer realm="rxauth"'
        and error["extensions"] == {"code": "EMPTY_AUTHORIZATION_HEADER"}
        and error["message"].startswith("An authentication token is not present")
        and "data" not in answer.json()
    )


def test_a_request_without_a_token_is_asked_for_one_and_accused_of_nothing(api: Live) -> None:
    assert _is_no_token(api.graphql(None, READ))


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"x" * 100_000])
def test_without_a_token_the_body_is_not_even_read(api: Live, body: bytes) -> None:
    assert _is_no_token(api.http.post("/graphql", content=body, headers={"content-type": "application/json"}))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_name_of_the_scheme_is_read_in_any_case(api: Live, token: str, scheme: str) -> None:
    """RFC 9110 §11.1."""
    assert accepted(_send(api, f"{scheme} {token}"))


@pytest.mark.parametrize("form", ["{}", "Bearer   {}"])
def test_a_bare_token_and_spaces_around_a_token_are_accepted(api: Live, token: str, form: str) -> None:
    assert accepted(_send(api, form.format(token)))


@pytest.mark.parametrize(
    "form",
    [
        "",
        "Bearer",
        "bEARER",
        "Bearer {} {}",
        "Bearer {} x",
        "Bearer Bearer {}",
        "Bearer {}\xe9",
        "\xe9{}",
        'Bearer "{}"',
        "Bearer <{}>",
        "Bearer {},",
        "Bearer token={}",
        "Bearer %7B%7D",
        "Bearer a\\b",
        "Bearer {{}}",
    ],
)
def test_a_header_that_is_not_one_token_is_a_malformed_request(api: Live, token: str, form: str) -> None:
    """RFC 6750 §2.1, §3.1: the token is one b64token, whose characters are few."""
    answer = _send(api, form.replace("{}", token).encode("latin-1"))

    assert answer.status_code == 400, answer.text
    assert challenge_attributes(answer)["error"] == "invalid_request"
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert token not in answer.text + str(answer.headers)


@pytest.mark.parametrize("first", ["Bearer {}", "{}", "Basic eDp5", "Bearer x", ""])
def test_two_authorization_headers_are_a_malformed_request_even_if_one_is_good(
    api: Live, token: str, first: str
) -> None:
    for values in ([first.format(token), f"Bearer {token}"], [f"Bearer {token}", first.format(token)]):
        answer = _send(api, *values)
        assert answer.status_code == 400
        assert challenge_attributes(answer)["error"] == "invalid_request"
        assert "more than one" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("scheme", ["Basic", "DPoP", "Digest", "Token", "JWT", "Bearer,", "Negotiate"])
def test_another_scheme_is_no_token_even_with_a_good_one_in_it(api: Live, token: str, scheme: str) -> None:
    assert _is_no_token(_send(api, f"{scheme} {token}"))


def test_the_clients_own_secret_opens_the_token_endpoint_only(api: Live) -> None:
    tenant = api.world.alder

    assert _is_no_token(_send(api, basic(tenant.client_id, tenant.secret)))
    assert _send(api, f"Bearer {tenant.secret}").status_code == 401


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "x-photon-auth-token"])
def test_a_token_in_the_url_is_ignored(api: Live, token: str, name: str) -> None:
    """OAuth 2.1 §5.1: a URL ends up in logs and in the history of browsers."""
    answer = api.http.post(f"/graphql?{name}={token}", json={"query": READ})

    assert _is_no_token(answer)
    assert token not in answer.text


@pytest.mark.parametrize(
    "name", ["access_token", "token", "session", "__Host-session", "authorization", "Authorization"]
)
def test_a_token_in_a_cookie_is_ignored(api: Live, token: str, name: str) -> None:
    """A browser sends cookies with what a foreign page asks for."""
    for value in (token, f"Bearer {token}"):
        headers = {"cookie": f"{name}={value}"}
        assert _is_no_token(api.http.post("/graphql", json={"query": READ}, headers=headers))


@pytest.mark.parametrize("header", ["x-authorization", "proxy-authorization", "x-access-token", "x-forwarded-user"])
def test_a_token_in_another_header_is_ignored(api: Live, token: str, header: str) -> None:
    headers = {header: f"Bearer {token}"}

    assert _is_no_token(api.http.post("/graphql", json={"query": READ}, headers=headers))


def test_a_token_in_the_body_is_ignored(api: Live, token: str) -> None:
    """RFC 6750 §2.2 allows it in forms only, which a foreign page can send: none is read here."""
    form = {"access_token": token, "query": READ}

    assert _is_no_token(api.http.post("/graphql", data=form))
    assert _is_no_token(api.http.post("/graphql", json=form))


def test_a_token_in_the_header_and_in_a_form_is_refused(api: Live, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    answer = api.http.post("/graphql", data={"access_token": token, "query": READ}, headers=headers)

    assert answer.status_code in {400, 415}
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        (
            {"aud": "https://other.example.com"},
            "for audience https://other.example.com, this API is http://localhost:8000.",
        ),
        ({"iss": "https://a.example/"}, "issued by https://a.example/, this server is http://localhost:8000/."),
        ({"sub": "somebody else"}, "do not belong together"),
    ],
)
def test_a_token_of_ours_that_is_refused_is_told_exactly_why(api: Live, claims: dict[str, str], told: str) -> None:
    answer = api.graphql(forged(api, {}, **claims), READ)

    assert answer.status_code == 401
    assert challenge_attributes(answer)["error"] == "invalid_token"
    assert told in challenge_attributes(answer)["error_description"]
    assert told in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("later_s", "told"),
    [
        (86_400, "expired 0 seconds ago"),
        (86_401, "expired 1 second ago"),
        (86_400 + 180, "expired 3 minutes ago"),
        (86_400 + 7_200, "expired 2 hours ago"),
        (86_400 * 3, "expired 2 days ago"),
    ],
)
def test_an_expired_token_is_told_for_how_long_it_has_been_so(sqlite_live: Live, later_s: int, told: str) -> None:
    token = sqlite_live.token(sqlite_live.world.alder)
    assert accepted(sqlite_live.graphql(token, READ))
    sqlite_live.clock.advance(later_s)
    answer = sqlite_live.graphql(token, READ)

    assert answer.status_code == 401
    assert told in challenge_attributes(answer)["error_description"]
    assert told in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, */*;q=0.8", ""])
def test_a_missing_permission_is_named_in_a_200_for_clients_of_plain_json(api: Live, accept: str) -> None:
    """Published clients hide the body of any other status from their users."""
    token = api.token(api.world.alder, scope="read:order")
    answer = api.graphql(token, "{ patients { id } }", accept=accept)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "www-authenticate" not in answer.headers
    error = answer.json()["errors"][0]
    assert "read:patient" in error["message"]
    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "requiredPermission": "read:patient",
        "reason": "not_in_token",
    }


@pytest.mark.parametrize(("query", "permission"), [("{ patients { id } }", "read:patient"), (WRITE, "write:patient")])
def test_a_missing_permission_is_a_403_for_clients_of_graphql_json(api: Live, query: str, permission: str) -> None:
    """RFC 6750 §3.1."""
    token = api.token(api.world.alder, scope="read:order")
    answer = api.graphql(token, query, accept=f"{MODERN}, application/json;q=0.9")

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith(MODERN)
    attributes = challenge_attributes(answer)
    assert attributes["error"] == "insufficient_scope"
    assert attributes["scope"] == permission
    assert permission in answer.json()["errors"][0]["message"]


def test_a_missing_permission_of_one_field_among_others_leaves_the_others_their_200(api: Live) -> None:
    token = api.token(api.world.alder, scope="read:order")
    answer = api.graphql(token, '{ orders { id } patient(id: "pat_x") { id } }', accept=MODERN)

    assert answer.status_code == 200
    assert "www-authenticate" not in answer.headers
    assert answer.json()["data"]["orders"]
    assert answer.json()["errors"][0]["extensions"]["requiredPermission"] == "read:patient"
