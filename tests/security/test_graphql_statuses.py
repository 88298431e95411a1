"""What each kind of failure answers, to clients of either media type, and what is judged before what."""

import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.api.answers import MODERN, Clinics, patient_ids
from tests.live import Live
from tests.world import Template, postgres_socket

LEGACY = ["application/json", "*/*", "application/json, */*;q=0.1", "text/html"]
MODERNS = [MODERN, f"{MODERN}, application/json;q=0.9", f"application/json, {MODERN}"]
CREATE = """mutation($first: String!) {
  createPatient(name: {first: $first, last: "B"}, dateOfBirth: "1990-01-01", sex: MALE, phone: "+12025550170") { id }
}"""

ENDING = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"  # waits until they ended


@pytest.fixture(scope="module")
def clinics(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """The servers of these tests."""
    running = Clinics(templates, tmp_path_factory)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def served(clinics: Clinics) -> Live:
    """A server whose data no test changes."""
    return clinics.serve("sqlite")


@pytest.fixture(scope="module")
def token(served: Live) -> str:
    """A token that may read patients, and no orders."""
    return served.token(served.world.alder, scope="read:patient write:patient")


def request(**members: Any) -> bytes:
    """Returns the body of a request."""
    return json.dumps(members).encode()


# name: (body, status for clients of application/graphql-response+json, status for others, code)
FAILURES: dict[str, tuple[bytes, int, int, str]] = {
    "no json": (b"{", 400, 400, "BAD_REQUEST"),
    "empty": (b"", 400, 400, "BAD_REQUEST"),
    "not utf-8": (b'{"query": "\xff"}', 400, 400, "BAD_REQUEST"),
    "a batch": (b"[]", 400, 400, "BAD_REQUEST"),
    "no query": (b"{}", 422, 422, "BAD_REQUEST"),
    "a query that is no text": (b'{"query": 7}', 422, 422, "BAD_REQUEST"),
    "variables that are a list": (b'{"query": "{ a }", "variables": []}', 422, 422, "BAD_REQUEST"),
    "a syntax error": (request(query="{ patients { id }"), 400, 200, "GRAPHQL_PARSE_FAILED"),
    "an empty document": (request(query=""), 400, 200, "GRAPHQL_PARSE_FAILED"),
    "an unknown field": (request(query="{ patients { nothing } }"), 422, 200, "GRAPHQL_VALIDATION_FAILED"),
    "an unknown operation": (
        request(query="query A { __typename }", operationName="B"),
        422,
        200,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "two operations": (
        request(query="query A { __typename } query B { __typename }"),
        422,
        200,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "too deep": (request(query="{ " + "patients { " * 13 + "id" + " }" * 14), 422, 200, "LIMIT_EXCEEDED"),
    "too long": (request(query="{ __typename } #" + "x" * 50_000), 422, 200, "LIMIT_EXCEEDED"),
    "a variable of another type": (
        request(query="query($id: ID!) { patient(id: $id) { id } }", variables={"id": [1]}),
        422,
        200,
        "BAD_USER_INPUT",
    ),
    "a variable that is missing": (
        request(query="query($id: ID!) { patient(id: $id) { id } }"),
        422,
        200,
        "BAD_USER_INPUT",
    ),
    "all of it forbidden": (request(query="{ orders { id } }"), 403, 200, "FORBIDDEN"),
    "each field forbidden": (
        request(query='{ order(id: "a") { id } prescription(id: "b") { id } }'),
        403,
        200,
        "FORBIDDEN",
    ),
    "a part of it forbidden": (
        request(query='{ patient(id: "sample-001") { id } order(id: "a") { id } }'),
        200,
        200,
        "FORBIDDEN",
    ),
    "a nested part of it forbidden": (
        request(query='{ patient(id: "sample-001") { id orders { id } } }'),
        200,
        200,
        "FORBIDDEN",
    ),
    "a value that a noun refuses": (request(query=CREATE, variables={"first": " "}), 200, 200, "BAD_USER_INPUT"),
    "something absent": (request(query='mutation { updatePatient(id: "a") { id } }'), 200, 200, "NOT_FOUND"),
}


def post(live: Live, token: str | None, body: bytes, accept: str | None, **headers: str) -> Any:
    """Posts a body."""
    sent = {"content-type": "application/json", "accept": accept or "*/*"} | headers
    return live.http.post(
        "/graphql", content=body, headers=sent if token is None else sent | {"authorization": f"Bearer {token}"}
    )


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("accept", LEGACY)
def test_a_client_of_application_json_reads_errors_from_a_200(served: Live, token: str, name: str, accept: str) -> None:
    body, _, status, code = FAILURES[name]

    answer = post(served, token, body, accept)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert {one["extensions"]["code"] for one in answer.json()["errors"]} == {code}
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("accept", MODERNS)
def test_a_client_of_the_graphql_media_type_reads_the_status(served: Live, token: str, name: str, accept: str) -> None:
    """GraphQL over HTTP, §Status Codes."""
    body, status, _, code = FAILURES[name]

    answer = post(served, token, body, accept)

    assert answer.status_code == status
    assert answer.headers["content-type"] == f"{MODERN}; charset=utf-8"
    assert {one["extensions"]["code"] for one in answer.json()["errors"]} == {code}


@pytest.mark.parametrize("accept", [*LEGACY, *MODERNS])
def test_an_answer_is_200_and_nobody_keeps_it(served: Live, token: str, accept: str) -> None:
    answer = post(served, token, request(query='{ patient(id: "sample-001") { sex } }'), accept)

    assert answer.status_code == 200
    assert answer.json() == {"data": {"patient": {"sex": "FEMALE"}}}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accept", [*LEGACY, *MODERNS])
@pytest.mark.parametrize("name", ["no json", "a syntax error", "all of it forbidden"])
def test_a_failure_is_kept_by_nobody_either(served: Live, token: str, accept: str, name: str) -> None:
    answer = post(served, token, FAILURES[name][0], accept)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_client_without_an_accept_header_counts_as_one_of_application_json(served: Live, token: str) -> None:
    sent = served.http.build_request("POST", "/graphql", content=FAILURES["a syntax error"][0])
    del sent.headers["accept"]
    sent.headers.update({"content-type": "application/json", "authorization": token})

    answer = served.http.send(sent)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("accept", MODERNS)
@pytest.mark.parametrize(
    ("query", "scope"),
    [("{ orders { id } }", "read:order"), ("{ prescriptions { id } orders { id } }", "read:prescription")],
)
def test_an_insufficient_token_is_told_what_it_needs(
    served: Live, token: str, accept: str, query: str, scope: str
) -> None:
    """RFC 6750 §3.1."""
    answer = post(served, token, request(query=query), accept)

    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="rxauth", error="insufficient_scope"')
    assert f'scope="{scope}"' in challenge


def test_a_mixed_answer_has_the_data_that_the_token_may_read(served: Live, token: str) -> None:
    for accept in (*LEGACY, *MODERNS):
        answer = post(served, token, FAILURES["a part of it forbidden"][0], accept).json()
        assert answer["data"]["patient"]["id"].startswith("pat_")
        assert answer["data"]["order"] is None
        assert [one["path"] for one in answer["errors"]] == [["order"]]


@pytest.mark.parametrize("accept", [*LEGACY, *MODERNS])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"x" * 300_000, request(query="{ patients { id } }")], ids=len)
@pytest.mark.parametrize(
    ("authorization", "code"),
    [(None, "EMPTY_AUTHORIZATION_HEADER"), ("Bearer nonsense", "INVALID_TOKEN"), ("nonsense", "INVALID_TOKEN")],
)
def test_a_request_without_a_good_token_is_401_whatever_its_body(
    served: Live, accept: str, body: bytes, authorization: str | None, code: str
) -> None:
    """RFC 6750 §3: the token is judged before a byte of the body is."""
    headers = {} if authorization is None else {"authorization": authorization}

    for media_type in ("application/json", "text/plain"):
        answer = post(served, None, body, accept, **headers | {"content-type": media_type})

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="rxauth"')
        assert ("error=" in answer.headers["www-authenticate"]) == (authorization is not None)
        assert [one["extensions"]["code"] for one in answer.json()["errors"]] == [code]


@pytest.mark.parametrize("accept", [LEGACY[0], MODERNS[0]])
@pytest.mark.parametrize("query", ["{ patients { id } }", CREATE])
@pytest.mark.parametrize("remembered", [True, False])
def test_a_database_that_is_down_is_503_and_nothing_is_done(
    clinics: Clinics, accept: str, query: str, remembered: bool
) -> None:
    live = clinics.serve("postgresql")
    token = live.token(live.world.alder)
    before = patient_ids(live, token)
    name = make_url(live.world.settings.database_url).database
    if not remembered:
        live.server.clients.forget(live.world.alder.client_id)

    with psycopg.connect(f"host={postgres_socket()} user=postgres dbname=postgres", autocommit=True) as operator:
        operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        try:
            operator.execute(ENDING, (name,))
            answer = post(live, token, request(query=query, variables={"first": "A"}), accept)
        finally:
            operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
            back_at = time.monotonic()
    while live.server.feed.silent_s() > time.monotonic() - back_at:
        time.sleep(0.01)  # until it hears from its database, a server refuses by itself

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert [one["extensions"]["code"] for one in answer.json()["errors"]] == ["UNAVAILABLE"]
    assert patient_ids(live, token) == before
