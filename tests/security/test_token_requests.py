"""The token endpoint under malformed, repeated, misplaced and oversized requests."""

import json
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_world
from tests.live import Live, basic, credentials
from tests.world import StandingClock, Template

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.fixture(scope="module")
def shared(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for the whole module: nothing here changes it."""
    running = Live(make_world("sqlite", templates, tmp_path_factory), StandingClock())
    yield running
    running.stop()


def posted(live: Live, body: str | bytes, media_type: str | None = JSON, **headers: str) -> httpx.Response:
    """Posts a body as it is."""
    named = {} if media_type is None else {"content-type": media_type}
    return live.http.post("/oauth/token", content=body, headers=named | headers)


def assert_refused(answer: httpx.Response, error: str = "invalid_request", status: int = 400) -> None:
    """Checks the form of a refusal (RFC 6749 §5.2), and that it came with no token."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert list(answer.json()) == ["error", "error_description"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_no_verb_but_post_gets_a_token(shared: Live, verb: str) -> None:
    """RFC 6749 §3.2, RFC 9110 §15.5.6."""
    answer = shared.http.request(verb, "/oauth/token", json=credentials(shared.world.alder))

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"].split(", ")
    assert "access_token" not in answer.text


@pytest.mark.parametrize(
    "media_type", [JSON, f"{JSON}; charset=utf-8", "Application/JSON", FORM, f"{FORM};charset=UTF-8"]
)
def test_both_forms_of_body_are_taken(shared: Live, media_type: str) -> None:
    asked = credentials(shared.world.alder)
    body = urlencode(asked) if "form" in media_type else json.dumps(asked)

    assert posted(shared, body, media_type).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/plain", "text/json", "multipart/form-data; boundary=x", "application/xml", "json", "", None]
)
@pytest.mark.parametrize("encode", [json.dumps, urlencode])
def test_a_body_of_another_type_is_not_read(shared: Live, media_type: str | None, encode: object) -> None:
    """RFC 6749 §4.1.3."""
    asked = credentials(shared.world.alder)
    body = json.dumps(asked) if encode is json.dumps else urlencode(asked)

    assert_refused(posted(shared, body, media_type))


@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "audience", "scope", "unknown"])
@pytest.mark.parametrize("second", ["the same", "another", "empty"])
@pytest.mark.parametrize("media_type", [FORM, JSON])
def test_a_repeated_parameter_is_refused_even_if_both_are_the_same(
    shared: Live, name: str, second: str, media_type: str
) -> None:
    """RFC 6749 §3.2."""
    asked = credentials(shared.world.alder) | {"scope": "read:patient", "unknown": "value"}
    pairs = [*asked.items(), (name, {"the same": asked[name], "another": "another", "empty": ""}[second])]
    members = ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)

    assert_refused(posted(shared, urlencode(pairs) if media_type == FORM else f"{{{members}}}", media_type))


def test_a_name_spelled_with_an_escape_is_the_same_name(shared: Live) -> None:
    asked = credentials(shared.world.alder)

    assert_refused(posted(shared, json.dumps(asked)[:-1] + ',"\\u0073cope":"a","scope":"b"}'))
    assert_refused(posted(shared, urlencode(asked) + "&%73cope=a&scope=b", FORM))


@pytest.mark.parametrize("value", ["1", "1.5", "true", "null", "[]", '["read:patient"]', "{}", '{"a":"b"}', "NaN"])
@pytest.mark.parametrize("name", ["scope", "client_id", "client_secret", "grant_type", "unknown"])
def test_a_json_value_that_is_no_text_is_refused(shared: Live, name: str, value: str) -> None:
    asked = credentials(shared.world.alder)
    asked.pop(name, None)

    assert_refused(posted(shared, json.dumps(asked)[:-1] + f',"{name}":{value}}}'))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "[{}]",
        '"text"',
        "null",
        "1",
        "{}{}",
        "{'a':'b'}",
        '{"a":"b",}',
        b"\xff\xfe",
        b"\x00",
        "[" * 100_000,
    ],
)
def test_json_that_is_no_object_is_refused(shared: Live, body: str | bytes) -> None:
    assert_refused(posted(shared, body))


@pytest.mark.parametrize("body", [b"grant_type=\xff", b"grant_type=%FF", b"client_id=%C3", b"&".join([b"a=1"] * 51)])
def test_a_form_that_is_not_utf_8_or_has_too_many_fields_is_refused(shared: Live, body: bytes) -> None:
    assert_refused(posted(shared, body, FORM))


@pytest.mark.parametrize("kept", [(), ("client_secret",), ("client_id", "client_secret"), ("scope",), ("x",)])
def test_nothing_in_the_query_string_is_honoured(shared: Live, kept: tuple[str, ...]) -> None:
    """RFC 6749 §2.3.1: credentials in a URL end up in logs."""
    everything = credentials(shared.world.alder) | {"scope": "read:patient", "x": "y"}
    query = urlencode({name: everything[name] for name in kept or everything})
    rest = {name: value for name, value in credentials(shared.world.alder).items() if name not in kept}

    assert_refused(shared.http.post(f"/oauth/token?{query}", json=rest))
    assert_refused(shared.http.post(f"/oauth/token?{query}", data=rest))


@pytest.mark.parametrize("name", ["scope", "audience", "resource", "unknown"])
def test_an_empty_parameter_counts_as_left_out(shared: Live, name: str) -> None:
    """RFC 6749 §3.2."""
    asked = credentials(shared.world.alder) | {name: ""}

    assert shared.http.post("/oauth/token", json=asked).json()["scope"].count(" ") == 4
    assert shared.http.post("/oauth/token", data=asked).json()["scope"].count(" ") == 4


def test_an_empty_secret_in_the_body_is_no_second_authentication(shared: Live) -> None:
    tenant = shared.world.alder
    header = basic(tenant.client_id, tenant.secret)

    answer = posted(shared, "grant_type=client_credentials&client_secret=", FORM, authorization=header)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("CLIENT_CREDENTIALS", "unsupported_grant_type"),
        (" client_credentials", "unsupported_grant_type"),
        ("client_credentials\x00", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:saml2-bearer", "unsupported_grant_type"),
    ],
)
def test_only_a_grant_of_the_list_is_taken_and_never_a_password(
    shared: Live, grant_type: str | None, error: str
) -> None:
    """RFC 6749 §5.2, RFC 9700 §2.4."""
    asked = credentials(shared.world.alder) | {"username": "usr", "password": "hunter2"}
    del asked["grant_type"]

    assert_refused(
        shared.http.post("/oauth/token", json=asked if grant_type is None else asked | {"grant_type": grant_type}),
        error,
    )


@pytest.mark.parametrize(
    "name", ["scope", "subject_token", "client_id", "client_secret", "audience", "grant_type", "x"]
)
@pytest.mark.parametrize("media_type", [FORM, JSON])
def test_an_oversized_parameter_is_refused_and_not_dropped(shared: Live, name: str, media_type: str) -> None:
    asked = credentials(shared.world.alder) | {name: "a" * 100_000}

    assert_refused(posted(shared, urlencode(asked) if media_type == FORM else json.dumps(asked), media_type))


def test_ten_thousand_fields_are_refused(shared: Live) -> None:
    fields = {f"f{number}": "v" for number in range(10_000)}

    assert_refused(posted(shared, urlencode(fields), FORM))
    assert_refused(posted(shared, json.dumps(fields)))


def test_a_body_of_a_megabyte_is_refused_whether_or_not_it_says_how_long_it_is(shared: Live) -> None:
    """RFC 9110 §15.5.14."""
    asked = credentials(shared.world.alder) | {"client_secret": "a" * 1_000_000}

    def in_chunks() -> Iterator[bytes]:
        body = json.dumps(asked).encode()
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    assert_refused(posted(shared, json.dumps(asked)), status=413)
    assert_refused(shared.http.post("/oauth/token", content=in_chunks(), headers={"content-type": JSON}), status=413)


def test_a_request_that_breaks_off_leaves_the_server_working(shared: Live) -> None:
    body = json.dumps(credentials(shared.world.alder)).encode()
    head = f"POST /oauth/token HTTP/1.1\r\nhost: a\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\n\r\n"
    address = (shared.http.base_url.host, shared.http.base_url.port or 0)

    for sent in (0, 1, len(body) - 1):
        with socket.create_connection(address) as connection:
            connection.sendall(head.encode() + body[:sent])

    assert shared.exchange(shared.world.alder).status_code == 200


@given(st.text(min_size=1, max_size=100))
def test_what_an_error_quotes_has_only_the_characters_that_it_may_have(shared: Live, text: str) -> None:
    """RFC 6749 §5.2."""
    for name in ("grant_type", "scope"):
        answer = shared.exchange(shared.world.alder, **{name: text})

        if answer.status_code != 200:  # hypothesis may hit upon a name that exists
            assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])
