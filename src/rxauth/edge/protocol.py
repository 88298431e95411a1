"""The HTTP server: uvicorn's protocol, with a limit on how large a request's head may grow."""

from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES: Final = 65_536
_CONTENT: Final = b'{"error":"invalid_request","error_description":"The request line and headers are over 64 KiB."}'
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s"
) % (len(_CONTENT), _CONTENT)


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers do not end within the limit."""

    _in_head = False
    _head_bytes = 0

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


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Returns a server for an application, to be run on sockets that are bound already."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
        )
    )
