"""What is a GraphQL request over HTTP, and what is not."""

import json
from typing import Any

import pytest

from rxauth.api.requests import MalformedBodyError, NotARequestError, parse


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ a }"},
        {"query": "{ a }", "variables": None, "operationName": None, "extensions": None},
        {"query": "{ a }", "variables": {}, "operationName": "A", "extensions": {"persistedQuery": {"version": 1}}},
        {"query": "{ a }", "unknown": [1, 2, 3]},
    ],
)
def test_a_request_has_a_document_and_may_have_more(body: dict[str, Any]) -> None:
    request = parse(json.dumps(body).encode())

    assert request.query == "{ a }"
    assert request.variables == body.get("variables")
    assert request.operation_name == body.get("operationName")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{ patients { id } }",
        b"query=%7Ba%7D",
        b'{"query": "{ a }",}',
        b"{'query': '{ a }'}",
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ a }", "variables": {"a": NaN}}',
        b'{"query": "{ a }", "variables": {"a": Infinity}}',
        b'{"query": "{ a }"} {"query": "{ b }"}',
        b'\xef\xbb\xbf{"query": "{ a }"}',
        b'{"query": "{ a }", "variables": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
        b'[{"query": "{ a }"}]',
        b"  []",
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"1",
        b'"{ a }"',
        b"{}",
        b'{"variables": {}}',
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ["{ a }"]}',
        b'{"Query": "{ a }"}',
        b'{"query": "{ a }", "variables": []}',
        b'{"query": "{ a }", "variables": "{}"}',
        b'{"query": "{ a }", "operationName": 1}',
        b'{"query": "{ a }", "extensions": []}',
    ],
)
def test_json_of_another_shape_is_no_request(body: bytes) -> None:
    with pytest.raises(NotARequestError):
        parse(body)
