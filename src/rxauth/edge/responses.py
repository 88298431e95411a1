"""Typed answers to bytes."""

from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope, Send

_ENCODER: Final = msgspec.json.Encoder()
_JSON: Final = (b"content-type", b"application/json")
_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
_NO_REFERRER: Final = (b"referrer-policy", b"no-referrer")
_NO_STORE: Final = (b"cache-control", b"no-store")


class Answer:
    """One HTTP response; an ASGI application that sends itself."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends the response."""
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def encode(content: Any) -> bytes:
    """Returns JSON without spaces."""
    return _ENCODER.encode(content)


def see_other(location: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Sends a browser elsewhere with a GET: a 307 would post the password again (RFC 9700 §4.12)."""
    return Answer(303, b"", [(b"location", location.encode("ascii")), _NO_STORE, _NO_REFERRER, *headers])


def json_answer(status: int, content: Any, *headers: tuple[bytes, bytes]) -> Answer:
    """Returns an answer that nobody may keep."""
    return Answer(status, encode(content), [_JSON, _NO_SNIFFING, _NO_STORE, *headers])


def nothing_here() -> Answer:
    """Answers for a path that there is not; also for one that nobody shall know of."""
    return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})


def empty_answer(status: int, *headers: tuple[bytes, bytes]) -> Answer:
    """Returns an answer without content that nobody may keep."""
    return Answer(status, b"", [_NO_SNIFFING, _NO_STORE, *headers])


def published(content: Any, lifetime_s: int) -> Answer:
    """Returns an answer that anybody may keep for `lifetime_s` seconds."""
    keep = (b"cache-control", f"public, max-age={lifetime_s}".encode())
    return Answer(200, encode(content), [_JSON, _NO_SNIFFING, keep, (b"access-control-allow-origin", b"*")])


def graphql_answer(status: int, body: bytes, media_type: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """Returns an answer of the API, already encoded."""
    return Answer(status, body, [(b"content-type", media_type), _NO_SNIFFING, _NO_STORE, *headers])
