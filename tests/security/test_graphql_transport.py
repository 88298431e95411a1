"""Requests that are no POST of one JSON object: refused, and what they carry is not executed."""

from collections.abc import Iterator

import pytest

from tests.api.answers import MODERN, Clinics, patient_ids
from tests.live import Live
from tests.world import Template

MUTATION = (
    'mutation { createPatient(name: {first: "A", last: "B"}, dateOfBirth: "1990-01-01", sex: MALE,'
    ' phone: "+12025550170") { id } }'
)
BODY = '{"query": ' + '"' + MUTATION.replace('"', '\\"') + '"}'


@pytest.fixture(scope="module")
def served(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that executes nothing of what these tests send."""
    clinics = Clinics(templates, tmp_path_factory)
    yield clinics.serve("sqlite")
    clinics.stop()


@pytest.fixture(scope="module")
def token(served: Live) -> str:
    """A token for that server."""
    return served.token(served.world.alder)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
@pytest.mark.parametrize("accept", ["*/*", MODERN, "text/html"])
def test_a_mutation_by_another_method_is_not_executed(served: Live, token: str, method: str, accept: str) -> None:
    """GraphQL over HTTP, §GET; RFC 9110 §15.5.6."""
    before = patient_ids(served, token)

    answer = served.http.request(
        method,
        "/graphql",
        params={"query": MUTATION},
        content=BODY,
        headers={"authorization": f"Bearer {token}", "content-type": "application/json", "accept": accept},
    )

    # OPTIONS is how a browser asks before it sends something; whoever is not told "yes" is told nothing.
    assert answer.status_code == (204 if method == "OPTIONS" else 405)
    assert answer.headers.get("allow") == (None if method == "OPTIONS" else "POST")
    assert patient_ids(served, token) == before


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/plain", BODY),
        ("text/plain; charset=application/json", BODY),
        ("application/x-www-form-urlencoded", "query=" + MUTATION),
        (
            "multipart/form-data; boundary=x",
            f'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{BODY}\r\n--x--',
        ),
        ("application/graphql", MUTATION),
        ("application/json-patch+json", BODY),
        ("application/jsonp", BODY),
        ("text/json", BODY),
        ("", BODY),
        (None, BODY),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", MODERN])
def test_a_body_that_a_foreign_page_could_post_is_not_executed(
    served: Live, token: str, media_type: str | None, body: str, accept: str
) -> None:
    """RFC 9110 §15.5.16: anything but application/json is refused, so that no form reaches the API."""
    before = patient_ids(served, token)
    headers = {"authorization": f"Bearer {token}", "accept": accept}
    if media_type is not None:
        headers["content-type"] = media_type

    answer = served.http.post("/graphql", content=body, headers=headers)

    assert answer.status_code == 415
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert patient_ids(served, token) == before


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_is_read_with_or_without_its_parameters(served: Live, token: str, media_type: str) -> None:
    answer = served.http.post(
        "/graphql",
        content='{"query": "{ __typename }"}',
        headers={"authorization": token, "content-type": media_type},
    )

    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("count", [0, 1, 2, 1_000])
@pytest.mark.parametrize("accept", ["*/*", MODERN])
def test_a_batch_of_requests_is_not_executed(served: Live, token: str, count: int, accept: str) -> None:
    before = patient_ids(served, token)
    headers = {"authorization": token, "content-type": "application/json", "accept": accept}

    answer = served.http.post("/graphql", content=f"[{','.join([BODY] * count)}]", headers=headers)

    assert answer.status_code == 400
    assert "one request at a time" in answer.json()["errors"][0]["message"]
    assert patient_ids(served, token) == before


def test_a_query_in_the_url_is_not_read(served: Live, token: str) -> None:
    before = patient_ids(served, token)

    answer = served.http.post(
        "/graphql", params={"query": MUTATION}, json={"query": "{ __typename }"}, headers={"authorization": token}
    )

    assert answer.json() == {"data": {"__typename": "Query"}}
    assert patient_ids(served, token) == before


def test_a_token_in_the_url_is_no_token(served: Live, token: str) -> None:
    """RFC 6750 §2.3 is not supported: URLs end up in logs."""
    answer = served.http.post("/graphql", params={"access_token": token}, json={"query": "{ __typename }"})

    assert answer.status_code == 401
