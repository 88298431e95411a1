"""Connections: how long each may keep others waiting, and what of a request is not even begun.

A client that sends its head or its body drop by drop, does not read its answer, or does nothing at all, is sent away.
One look a second at all connections does that, so that a request costs no timer.
"""

import asyncio
import resource
from collections import Counter, deque
from enum import Enum, auto
from time import monotonic
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from rxauth.edge.door import Door, Lane, is_whole_token_request
from rxauth.edge.exchange import Exchange, scope_of

LOOK_EVERY_S: Final = 1
IDLE_S: Final = 130  # longer than proxies keep theirs: whoever closes first must not meet the next request
HEAD_S: Final = 10
BODY_S: Final = 10
STUCK_S: Final = 30
CONNECTIONS_LIMIT: Final = 20_000
HEADERS_LIMIT: Final = 100
PIPELINE_LIMIT: Final = 8
_FILES_RESERVED: Final = 128  # for databases, outgoing calls and files
_BODY_KEPT_BYTES: Final = 65_536
REASONS: Final = ("idle", "head", "body", "unread", "headers", "pipeline", "full")
_CONTINUED: Final = b"100-continue"
_END: Final = b"connection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n" + _END
_TOO_MANY: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n" + _END
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 0\r\n" + _END


class _Reading(Enum):
    """What part of a request comes now."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class Connections:
    """All connections of one server. closed: how many were closed for a reason that is not the client's."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = _limit() if limit is None else limit
        self.open: set[GuardedProtocol] = set()
        self.closed: Counter[str] = Counter()
        self._looking: asyncio.TimerHandle | None = None

    def enter(self, one: "GuardedProtocol", loop: asyncio.AbstractEventLoop) -> None:
        """Takes a new connection; where there are too many, those go that have been idle for longest, or it."""
        if self._looking is None:
            self._looking = loop.call_later(LOOK_EVERY_S, self._look, loop)
        if len(self.open) >= self.limit and not self._make_room():
            one.end("full", _FULL)
        self.open.add(one)

    def leave(self, one: "GuardedProtocol") -> None:
        """Notes that a connection is gone."""
        self.open.discard(one)

    def why_closed(self) -> dict[str, float]:
        """Returns how many were closed, by reason."""
        return {reason: self.closed[reason] for reason in REASONS}

    def _make_room(self) -> bool:
        idle = sorted((one for one in self.open if one.is_idle()), key=lambda one: one.since)
        # Several at once: looking for them must not cost each newcomer.
        for one in idle[: max(1, self.limit // 50)]:
            one.end("full")
        return bool(idle)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = monotonic()
        for one in list(self.open):
            one.look(now)
        self._looking = loop.call_later(LOOK_EVERY_S, self._look, loop) if self.open else None


class Guarded:
    """An application, its door, and its connections."""

    def __init__(self, app: ASGIApp, door: Door | None = None, connections: Connections | None = None) -> None:
        self.app = app
        self.door = door or Door()
        self.connections = connections or Connections()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; a coroutine function, since other servers tell by that what they serve."""
        await self.app(scope, receive, send)


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.timeout_keep_alive = IDLE_S
        guarded = config.loaded_app
        assert isinstance(guarded, Guarded)  # noqa: S101  # the server sees to it
        self._guarded = guarded
        self._reading = _Reading.NOTHING
        self._is_refused = False
        self.exchange: Exchange | None = None
        self._waiting: deque[tuple[Exchange, Lane | None]] = deque()
        self.since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Notes that a connection begins."""
        super().connection_made(transport)
        self.since = monotonic()
        self._guarded.connections.enter(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notes that it is over."""
        self._guarded.connections.leave(self)
        self.connections.discard(self)
        if self.exchange is not None:
            self.exchange.lose()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Takes bytes; a whole request for a token that cannot be answered now is not even parsed."""
        if self._guarded.door.tokens.is_full and self.is_idle() and is_whole_token_request(data):
            self._guarded.door.tokens.refused += 1
            self.since = monotonic()
            self.transport.write(self._guarded.door.tokens.words)
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Notes that a head begins."""
        self._reading, self._is_refused, self.since = _Reading.HEAD, False, monotonic()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header; one that comes after the body is none (RFC 9110 §6.5.1)."""
        if self._reading is _Reading.HEAD:
            name = name.lower()
            if name == b"expect" and value.lower() == _CONTINUED:
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Lets a request in, or sends it away."""
        self._reading, self.since = _Reading.BODY, monotonic()
        if self.transport.is_closing():
            self._is_refused = True
        elif len(self.headers) > HEADERS_LIMIT:
            self._is_refused = True
            self.end("headers", _TOO_MANY)
        elif self._is_answering():
            if len(self._waiting) >= PIPELINE_LIMIT:
                self._is_refused = True
                self.end("pipeline")
            else:
                self.flow.pause_reading()
                self._waiting.append(self._let_in(self._guarded.door.lane_of(self.url)))
        else:
            lane = self._guarded.door.lane_of(self.url)
            if lane is not None and self._guarded.door.refuses(lane, self.headers):
                self._refuse(lane)
            else:
                self._answer(*self._let_in(lane))

    def _let_in(self, lane: Lane | None) -> tuple[Exchange, Lane | None]:
        """Returns what answers the request whose head is there."""
        parser, version = self.parser, self.parser.get_http_version()
        scope: dict[str, Any] = {
            **scope_of(parser.get_method(), self.url, self.headers),
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
        }
        # What follows an upgrade is of a protocol that nobody speaks here.
        may_follow = version != "1.0" and parser.should_keep_alive() and not parser.should_upgrade()
        self.exchange = Exchange(
            scope,
            self.transport,
            self.flow,
            self._on_answered,
            keep_alive=may_follow,
            is_expected=self.expect_100_continue,
        )
        return self.exchange, lane

    def on_body(self, body: bytes) -> None:
        """Takes a piece of a body."""
        if not self._is_refused and self.exchange is not None and not self.exchange.is_answered:
            self.exchange.take(body)

    def on_message_complete(self) -> None:
        """Notes that a request is whole."""
        self._reading, self.since = _Reading.NOTHING, monotonic()
        if not self._is_refused and self.exchange is not None:
            self.exchange.end()

    def _on_answered(self) -> None:
        """Notes that a request is answered."""
        if self._reading is _Reading.NOTHING:
            self.since = monotonic()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._waiting:
            self._answer(*self._waiting.popleft())

    def is_idle(self) -> bool:
        """Tells whether nothing is asked and nothing is answered."""
        return self._reading is _Reading.NOTHING and not self._is_answering() and not self.transport.is_closing()

    def look(self, now: float) -> None:
        """Ends a connection that has kept others waiting for too long. now: monotonic seconds."""
        age_s = now - self.since
        if age_s <= HEAD_S:
            return
        unread = self.transport.get_write_buffer_size() > 0
        if self.transport.is_closing() or (unread and (self._is_answering() or self._reading is _Reading.NOTHING)):
            if age_s > STUCK_S:
                self._guarded.connections.closed["unread"] += 1
                self.transport.abort()
        elif self._is_answering():
            return  # a body that is late is given up where it is awaited
        elif self._reading is _Reading.HEAD:
            self.end("head", _TOO_SLOW)
        elif self._reading is _Reading.BODY and age_s > BODY_S:
            self.end("body")
        elif age_s > IDLE_S:
            self.end("idle")

    def end(self, reason: str, last_words: bytes = b"") -> None:
        """Closes the connection."""
        self._guarded.connections.closed[reason] += 1
        if last_words:
            self.transport.write(last_words)
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Says nothing: the answer does."""

    def _is_answering(self) -> bool:
        return self.exchange is not None and not self.exchange.is_answered

    def _refuse(self, lane: Lane) -> None:
        """Sends a request away; its body, if it is small, is passed over, and the next request may come."""
        self._is_refused = True
        words = lane.head + b"\r\n" + (b"" if self.parser.get_method() == b"HEAD" else lane.page)
        if self.parser.should_keep_alive() and not self.expect_100_continue and self._body_bytes() <= _BODY_KEPT_BYTES:
            self.transport.write(words)
        else:
            self.transport.write(words.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            self.transport.close()

    def _body_bytes(self) -> int:
        lengths = [int(value) for name, value in self.headers if name == b"content-length"]
        return lengths[0] if lengths else 0

    def _answer(self, exchange: Exchange, lane: Lane | None) -> None:
        """Begins to answer a request, and counts it as long as it is under way."""
        task = self.loop.create_task(exchange.run(self._guarded.app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if lane is not None:
            lane.under_way += 1
            task.add_done_callback(lane.leave)


def _limit() -> int:
    """Returns how many connections there may be: as many as files may be open, less what else needs them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_LIMIT + _FILES_RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS_LIMIT if soft == resource.RLIM_INFINITY else min(CONNECTIONS_LIMIT, soft - _FILES_RESERVED)
