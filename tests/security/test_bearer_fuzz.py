"""Attacks with any bytes at all in the Authorization header: no 500, a challenge that parses, nothing sent back."""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.live import Live
from tests.security.forging import READ, forged, good_header, part, served
from tests.world import Template

MARK = "zqXvJk"  # stands in whatever is sent; base64url of it does not have it
REALM = re.compile(r'Bearer realm="rxauth"')
ATTRIBUTE = re.compile(r', (error|error_description|scope)="([\x20-\x21\x23-\x5b\x5d-\x7e]+)"')  # RFC 6750 §3
CODES = {400: "invalid_request", 401: "invalid_token", 403: "insufficient_scope"}


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


def _send(api: Live, *values: bytes, query: str = READ) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Sends bytes that well-behaved clients refuse to send; returns status, headers and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", int(api.url.rpartition(":")[2]), timeout=20)) as connection:
        body = json.dumps({"query": query}).encode()
        connection.putrequest("POST", "/graphql")
        for value in values:
            connection.putheader("authorization", value)
        connection.putheader("accept", "application/graphql-response+json")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def _attributes(challenge: str) -> dict[str, str]:
    """Reads a challenge, and fails if it is anything but a realm and then attributes, each once (RFC 6750 §3)."""
    realm = REALM.match(challenge)
    assert realm, challenge
    found: dict[str, str] = {}
    position = realm.end()
    while position < len(challenge):
        attribute = ATTRIBUTE.match(challenge, position)
        assert attribute, challenge
        assert attribute[1] not in found
        found[attribute[1]] = attribute[2]
        position = attribute.end()
    return found


def _check(status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
    """Checks what holds of every refusal of a header."""
    assert status in {400, 401}, body
    assert MARK.encode() not in body
    assert MARK not in str(headers)
    if status == 400 and headers["content-type"].startswith("text/plain"):
        return  # the HTTP parser refused it: no header may have such bytes (RFC 9110 §5.5)
    attributes = _attributes(headers["www-authenticate"])
    if status == 401 and not attributes:
        return  # no token was sent
    assert attributes["error"] == CODES[status]
    assert json.loads(body)["errors"][0]["message"] == attributes["error_description"]


header_bytes = st.binary(max_size=200).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@given(prefix=st.sampled_from([b"", b"Bearer ", b"bearer  ", b"Basic ", b"DPoP ", b"Bearer\t"]), raw=header_bytes)
@example(prefix=b"Bearer ", raw=b"\xff\xfe")
@example(prefix=b"", raw=b"\x85")
@example(prefix=b"Bearer ", raw=b'", error="x')
@example(prefix=b"Bearer ", raw=b"\\")
@example(prefix=b"Bearer ", raw=b"\xa0")
def test_any_bytes_as_a_token_are_refused_and_not_sent_back(api: Live, prefix: bytes, raw: bytes) -> None:
    _check(*_send(api, prefix + MARK.encode() + raw))


@given(values=st.lists(header_bytes, min_size=2, max_size=4))
def test_any_bytes_in_several_headers_are_refused_and_not_sent_back(api: Live, values: list[bytes]) -> None:
    status, headers, body = _send(api, *(value + MARK.encode() for value in values))

    assert status == 400
    _check(status, headers, body)


members = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "zip", "cty", "jwk", "jku", "x5c", MARK])


@given(header=st.dictionaries(members, json_values, max_size=4), payload=json_values, signature=st.binary(max_size=20))
@example(header={"typ": []}, payload={}, signature=b"x")
@example(header={"kid": {}}, payload={}, signature=b"x")
@example(header={"alg": []}, payload={}, signature=b"x")
@example(header={"crit": MARK}, payload={}, signature=b"x")
def test_a_token_of_any_json_that_we_did_not_sign_is_refused_and_not_sent_back(
    api: Live, header: dict[str, Any], payload: Any, signature: bytes
) -> None:
    """What is wrong with it may be said; what it says may not, for nobody vouches for it (RFC 6750 §3)."""
    token = f"{part(good_header(api) | header)}.{part({'iss': MARK, 'aud': MARK, 'x': payload})}.{part(signature)}"

    _check(*_send(api, f"Bearer {token}".encode()))


claim_names = st.sampled_from(
    ["iss", "sub", "aud", "client_id", "scope", "permissions", "org_id", "gty", "iat", "exp", "jti"]
)


@given(claims=st.dictionaries(claim_names, json_values, min_size=1, max_size=4))
@example(claims={"iss": 'x", error="none", realm="y'})
@example(claims={"aud": "x\r\nset-cookie: a=b\r\n\r\n<script>"})
@example(claims={"aud": "\ud800\x00\x7f\u202e\\"})
@example(claims={"permissions": ["\ud800"]})
@example(claims={"secret_id": "\ud800"})
@example(claims={"exp": -(10**4000)})
@example(claims={"iat": 10**4000})
def test_a_token_of_any_claims_that_we_signed_breaks_neither_the_server_nor_the_challenge(
    api: Live, claims: dict[str, Any]
) -> None:
    """RFC 6750 §3 limits the characters of an attribute, whoever wrote them."""
    status, headers, body = _send(api, f"Bearer {forged(api, {}, **claims)}".encode())

    assert status in {200, 401, 403}, body
    assert "set-cookie" not in headers
    if status != 200:
        assert _attributes(headers["www-authenticate"])["error"] == CODES[status]
        json.loads(body)


@given(text=st.text(max_size=60))
def test_any_text_in_the_request_does_not_reach_the_challenge_of_a_missing_permission(api: Live, text: str) -> None:
    token = forged(api, {}, permissions=["read:order"], scope=f"read:order {MARK} {text}", jti=MARK + text)
    query = f"query {MARK} {{ {MARK}: patients {{ id }} }}"
    status, headers, _body = _send(api, f"Bearer {token}".encode(), query=query)

    assert status == 403
    attributes = _attributes(headers["www-authenticate"])
    assert attributes["error"] == "insufficient_scope"
    assert attributes["scope"] == "read:patient"
    assert MARK not in str(headers)
