"""The HTTP server: uvicorn's, with a limit on how large a request's head may grow, and a stop that loses no answer."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from rxauth.edge.connections import Guarded, GuardedProtocol

HEAD_LIMIT_BYTES: Final = 65_536
STOP_S: Final = 10  # how long answers that are under way are waited for
LINGER_S: Final = 0.25
ACCEPT_AGAIN_S: Final = 1.0
_CONTENT: Final = b'{"error":"invalid_request","error_description":"The request line and headers are over 64 KiB."}'
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s"
) % (len(_CONTENT), _CONTENT)
_log = structlog.get_logger("rxauth.protocol")


class BoundedProtocol(GuardedProtocol):
    """Closes a connection whose request line and headers do not end within the limit.

    When the server stops, a connection gets one more answer, which says that it is the last: a client that is just
    sending its next request would otherwise never know what became of it.
    """

    _in_head = False
    _head_bytes = 0
    _is_ending = False

    def data_received(self, data: bytes) -> None:
        """Takes bytes from the network."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """Notes that a head begins."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Notes that the head has ended."""
        self._in_head = False
        super().on_headers_complete()
        if self._is_ending and self.exchange is not None and not self.exchange.is_answered:
            self.exchange.keep_alive = False
        elif self._is_ending:
            self.transport.close()  # it was sent away

    def shutdown(self) -> None:
        """Ends the connection after the answer under way, or the next one, or when none is asked for."""
        self._is_ending = True
        if self.exchange is not None and not self.exchange.is_answered:
            self.exchange.keep_alive = False
        else:
            self.loop.call_later(LINGER_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._is_answering() and not self._in_head:
            self.transport.close()


class Server(uvicorn.Server):
    """Says when it takes requests; a second signal ends the process at once.

    is_shared: whether other processes take connections of the same socket. Then it takes one at a time: the event
    loop's own way is to take all that wait, and whoever woke first would serve everybody for as long as they stay.
    """

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None] | None, *, is_shared: bool) -> None:
        super().__init__(config)
        self._when_ready = when_ready
        self._is_shared = is_shared
        self._arriving: set[asyncio.Task[object]] = set()
        self._has_ended = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to take requests."""
        await super().startup([] if self._is_shared else sockets)
        for listening in (sockets or ()) if self._is_shared else ():
            self._listen(listening)
        if self._when_ready is not None:
            self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends in good order: who waits at the door is let in first."""
        waiting = [one.dup() for one in sockets or ()]  # by which those who wait outlive the end of the listening
        for listening in (sockets or ()) if self._is_shared else ():
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        for server in self.servers:
            server.close()
        for one in waiting:
            one.setblocking(False)
            while self._take(one):
                pass
            one.close()
        if self._arriving:
            await asyncio.wait(self._arriving)
        await super().shutdown(sockets)
        self._has_ended = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hears a signal, which uvicorn raises once more when all is over."""
        if self._has_ended:
            return
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        super().handle_exit(sig, frame)

    def _listen(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        asyncio.get_running_loop().add_reader(listening, self._take, listening)

    def _take(self, listening: socket.socket) -> bool:
        """Takes one connection; tells whether there was one."""
        loop = asyncio.get_running_loop()
        try:
            connection, _ = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False  # somebody else took it, or it is gone
        except OSError as error:  # too many files are open: those who wait are not forgotten
            _log.error("cannot_accept", error=type(error).__name__)
            loop.remove_reader(listening)
            loop.call_later(ACCEPT_AGAIN_S, self._listen, listening)
            return False
        arriving = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)
        return True

    def _protocol(self) -> BoundedProtocol:
        return BoundedProtocol(self.config, self.server_state, self.lifespan.state)


def make_server(app: ASGIApp, when_ready: Callable[[], None] | None = None, *, is_shared: bool = False) -> Server:
    """Returns a server for an application, to be run on sockets that are bound already.

    is_shared: whether other processes serve on the same sockets.
    """
    return Server(
        uvicorn.Config(
            app if isinstance(app, Guarded) else Guarded(app),
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            interface="asgi3",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_S,
        ),
        when_ready,
        is_shared=is_shared,
    )
