"""One request and its answer, as an ASGI application receives and sends them, in as few steps as that takes.

An answer whose length is known leaves with its head in one piece; one of unknown length leaves in chunks.
"""

import asyncio
import http
import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

import httptools
from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

from rxauth.edge.requests import WHOLE_BODY

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES: Final = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in http.HTTPStatus}
_LENGTH: Final = b"\r\ncontent-length: "
_CLOSE: Final = b"\r\nconnection: close\r\n"
_EMPTY: Final = frozenset({204, 304})
_FAILED: Final = [(b"content-type", b"text/plain"), (b"content-length", b"21"), (b"connection", b"close")]
_log = logging.getLogger("uvicorn.error")


class Exchange:
    """One request of a connection. keep_alive: whether another may follow. is_expected: its body waits to be asked for.

    is_answered: nothing more is sent. is_lost: nobody is there any longer.
    """

    __slots__ = (
        "_body",
        "_flow",
        "_has_news",
        "_head",
        "_is_begun",
        "_is_chunked",
        "_is_expected",
        "_is_head",
        "_is_whole",
        "_on_answered",
        "_scope",
        "_transport",
        "_waiter",
        "is_answered",
        "is_lost",
        "keep_alive",
    )

    def __init__(
        self,
        scope: Scope,
        transport: asyncio.Transport,
        flow: FlowControl,
        on_answered: Callable[[], None],
        *,
        keep_alive: bool,
        is_expected: bool,
    ) -> None:
        self._scope: Scope = {**scope, "extensions": {WHOLE_BODY: self.whole_body}}
        self._is_head = scope["method"] == "HEAD"
        self.keep_alive = keep_alive
        self.is_answered = False
        self.is_lost = False
        self._transport = transport
        self._flow = flow
        self._on_answered = on_answered
        self._is_expected = is_expected
        self._body = b""
        self._is_whole = False
        self._has_news = False
        self._waiter: asyncio.Future[None] | None = None
        self._head = b""
        self._is_begun = False
        self._is_chunked = False

    async def run(self, app: ASGIApp) -> None:
        """Has an application answer; one that fails to is answered for."""
        try:
            await app(self._scope, self.receive, self.send)
        except BaseException as error:  # a task that is ended, too
            _log.error("Exception in ASGI application\n", exc_info=error)
        self._scope = {}  # it has this exchange in it: neither is to wait for a collection
        if self.is_answered or self.is_lost:
            return
        if self._is_begun:
            self._transport.close()
        else:
            await self.send({"type": "http.response.start", "status": 500, "headers": _FAILED})
            await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    def whole_body(self) -> bytes | None:
        """Takes the body if all of it is there; None: it is not."""
        if not self._is_whole:
            return None
        self._has_news = False
        body, self._body = self._body, b""
        return body

    def take(self, body: bytes) -> None:
        """Takes a piece of the body."""
        self._body += body
        if len(self._body) > HIGH_WATER_LIMIT:
            self._flow.pause_reading()
        self._wake()

    def end(self) -> None:
        """Notes that the body is whole."""
        self._is_whole = True
        self._wake()

    def lose(self) -> None:
        """Notes that the connection is gone."""
        self.is_lost = not self.is_answered
        self._wake()

    async def receive(self) -> Message:
        """Returns what has come of the body, or waits for it; or for the end, once the body is whole."""
        if self._is_expected:
            self._is_expected = False
            if not self._transport.is_closing():
                self._transport.write(_CONTINUE)
        while not (self._has_news or self.is_lost or self.is_answered):
            self._flow.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._has_news = False
        if self.is_lost or self.is_answered:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": not self._is_whole}

    async def send(self, message: Message) -> None:
        """Sends the head, or a piece of the body.

        Raises:
            RuntimeError: a header that would be more than one, or a body that is not as long as was said.
        """
        if self._flow.write_paused and not self.is_lost:
            await self._flow.drain()
        if self.is_lost:
            return
        if not self._is_begun:
            self._begin(message["status"], message["headers"])
        else:
            self._go_on(message.get("body", b""), is_last=not message.get("more_body", False))

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        lines = [_STATUS_LINES[status]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(headers) + 1 or head.count(b"\r") != len(headers) + 1:
            raise RuntimeError("a header has a line break in it")
        self._is_begun, self._is_expected = True, False
        if _CLOSE in head:
            self.keep_alive = False
        elif not self.keep_alive:
            head += _CLOSE[2:]
        if _LENGTH not in head and status not in _EMPTY:
            self._is_chunked = True
            head += b"transfer-encoding: chunked\r\n"
        self._head = head + b"\r\n"

    def _go_on(self, body: bytes, *, is_last: bool) -> None:
        if self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if is_last else b"")
        if self._is_head:
            body = b""
        self._transport.write(self._head + body)
        self._head = b""
        if is_last:
            self.is_answered = True
            self._wake()
            if not self.keep_alive:
                self._transport.close()
            self._on_answered()

    def _wake(self) -> None:
        self._has_news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def scope_of(method: bytes, url: bytes, headers: list[tuple[bytes, bytes]]) -> Scope:
    """Returns what a head says, as an application is told it.

    Raises:
        httptools.HttpParserInvalidURLError: the URL is none.
    """
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI,
        "method": method.decode("ascii"),
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": parsed.path,
        "query_string": parsed.query or b"",
        "headers": headers,
    }
