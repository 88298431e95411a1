"""Bytes to typed requests: bodies that come in pieces, headers, and where a request comes from."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.edge.errors import BodyTooLargeError, DisconnectedError, UnsupportedMediaTypeError
from rxauth.edge.guards import BODY_LIMIT_BYTES, network_of
from rxauth.edge.requests import Request, bearer, require_json, token_request
from rxauth.oauth.errors import InvalidRequestError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
Message = dict[str, Any]


def make(
    *messages: Message, headers: dict[str, str] | list[tuple[bytes, bytes]] | None = None, query: bytes = b""
) -> Request:
    """Returns a request whose body comes in these messages, and after which nothing comes."""
    given = (
        [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        if isinstance(headers, dict)
        else headers
    )
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    scope = {"type": "http", "query_string": query, "headers": given or [], "client": ("192.0.2.1", 1)}
    return Request(scope, receive)


def piece(body: bytes, *, more: bool = False) -> Message:
    """Returns a piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def result(awaited: Awaitable[Any]) -> Any:
    """Returns what is awaited."""

    async def run() -> Any:
        return await awaited

    return asyncio.run(run())


def parameters(body: bytes | str, media_type: str = JSON) -> dict[str, str]:
    """Returns the parameters that the token endpoint reads from a body."""
    sent = body.encode() if isinstance(body, str) else body
    asked = result(token_request(make(piece(sent), headers={"content-type": media_type})))
    return dict(asked.parameters)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8))
def test_a_body_is_the_same_in_however_many_pieces_it_comes(pieces: list[bytes]) -> None:
    messages = [piece(one, more=number < len(pieces) - 1) for number, one in enumerate(pieces)]
    assert result(make(*messages).body()) == b"".join(pieces)


def test_a_body_that_grows_beyond_the_limit_is_refused_at_that_piece() -> None:
    half = bytes(BODY_LIMIT_BYTES // 2)
    assert len(result(make(piece(half, more=True), piece(half)).body())) == BODY_LIMIT_BYTES
    with pytest.raises(BodyTooLargeError):
        result(make(piece(half, more=True), piece(half, more=True), piece(b"x", more=True)).body())
    with pytest.raises(BodyTooLargeError):
        result(make(piece(bytes(BODY_LIMIT_BYTES + 1))).body())


def test_a_body_that_announces_its_size_is_refused_before_it_is_read() -> None:
    with pytest.raises(BodyTooLargeError):
        result(make(headers={"content-length": str(BODY_LIMIT_BYTES + 1)}).body())
    assert result(make(piece(b"{}"), headers={"content-length": str(BODY_LIMIT_BYTES)}).body()) == b"{}"


@pytest.mark.parametrize("before", [[], [piece(b"{", more=True)]])
def test_a_client_that_goes_away_is_not_answered(before: list[Message]) -> None:
    with pytest.raises(DisconnectedError):
        result(make(*before, {"type": "http.disconnect"}).body())


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        (" application/json ;x", JSON),
        ("application/json, text/plain", "application/json, text/plain"),
        ("application/jsonx", "application/jsonx"),
        ("text/plain; application/json", "text/plain"),
        ("", ""),
    ],
)
def test_a_media_type_is_read_without_its_parameters(value: str, media_type: str) -> None:
    request = make(headers={"content-type": value})
    assert request.media_type() == media_type
    if media_type == JSON:
        require_json(request)
    else:
        with pytest.raises(UnsupportedMediaTypeError):
            require_json(request)


def test_a_body_without_a_type_is_not_json() -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        require_json(make())


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10), st.text(max_size=20), max_size=50
    )
)
def test_a_form_and_json_with_the_same_parameters_are_the_same_request(given: dict[str, str]) -> None:
    """RFC 6749 Appendix B."""
    sendable = {name: value for name, value in given.items() if not any("\ud800" <= one <= "\udfff" for one in value)}
    expected = {name: value for name, value in sendable.items() if value}
    assert parameters(json.dumps(sendable)) == expected
    assert parameters(urlencode(sendable), FORM) == expected


REFUSED_JSON = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"a"',
    b'{"a":1}',
    b'{"a":null}',
    b'{"a":["b"]}',
    b'{"a":{"b":"c"}}',
    b'{"a":NaN}',
    b'{"a":"b","a":"b"}',
    b'{"a":"b","\\u0061":"c"}',
    b'{"a":"\xff"}',
    b"[" * 100_000,
    b'{"a":"%s"}' % (b"b" * 8_193),
    '{"a":"b"}'.encode("utf-16"),
    '{"a":"b"}'.encode("utf-32"),
]


@pytest.mark.parametrize("body", REFUSED_JSON, ids=lambda body: repr(body[:20]))
def test_json_that_is_no_list_of_texts_in_utf_8_is_refused(body: bytes) -> None:
    """RFC 8259 §8.1: JSON between systems is UTF-8."""
    with pytest.raises(InvalidRequestError):
        parameters(body)


@pytest.mark.parametrize(
    "body", [b"a=b&a=b", b"a=b&%61=c", b"a=%ff", b"a=\xff", b"&".join([b"a%d=b" % n for n in range(51)])]
)
def test_a_form_that_is_ambiguous_or_not_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parameters(body, FORM)


def test_parameters_in_the_url_and_two_headers_are_refused() -> None:
    good = {"content-type": JSON}
    with pytest.raises(InvalidRequestError):
        result(token_request(make(piece(b"{}"), headers=good, query=b"a=b")))
    twice = [(b"content-type", JSON.encode()), (b"authorization", b"Basic YTpi"), (b"authorization", b"Basic YTpi")]
    with pytest.raises(InvalidRequestError):
        result(token_request(make(piece(b"{}"), headers=twice)))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER  a.b.c ", "a.b.c"),
        ("a.b.c", "a.b.c"),
        (" a.b.c ", "a.b.c"),
        ("Basic YTpi", None),
        ("DPoP a.b.c", None),
    ],
)
def test_a_token_is_read_with_its_scheme_or_bare(header: str, token: str | None) -> None:
    assert bearer(make(headers={"authorization": header})) == token


@pytest.mark.parametrize(
    "header", ["Bearer", "bearer ", "", " ", "Bearer a b", "Bearer \xe9", 'Bearer a"b', "Bearer a,b", "Bearer a\tb"]
)
def test_a_header_that_holds_no_token_is_malformed(header: str) -> None:
    """RFC 6750 §2.1, §3.1."""
    with pytest.raises(InvalidRequestError):
        bearer(make(headers={"authorization": header}))


def test_no_header_is_no_token_and_two_are_malformed() -> None:
    assert bearer(make()) is None
    with pytest.raises(InvalidRequestError):
        bearer(make(headers=[(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")]))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::1", "::/64"),
        (None, "local"),
        ("nonsense", "unknown"),
    ],
)
def test_a_request_comes_from_an_address_or_its_block(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_requests_have_identifiers_of_their_own() -> None:
    assert len({make().request_id for _ in range(100)}) == 100
