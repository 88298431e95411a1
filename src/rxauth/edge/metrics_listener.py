"""GET /metrics, on an address of its own: it answers even while the event loop or the database does not."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import AF_INET, AF_INET6, socket
from typing import ClassVar, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

PATH: Final = "/metrics"
TIMEOUT_S: Final = 5


class MetricsListener:
    """Answers one reader after the other, in a thread of its own."""

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        """Binds the port.

        Raises:
            OSError: it cannot be bound.
        """

        class Handler(_Handler):
            figures = registry

        class Server(HTTPServer):
            address_family = AF_INET6 if ":" in host else AF_INET

            def get_request(self) -> tuple[socket, tuple[str, int]]:
                """Takes a connection, and gives it as long as any reader needs."""
                connection, address = super().get_request()
                connection.settimeout(TIMEOUT_S)
                return connection, address

            def handle_error(self, *_request: object) -> None:
                """Leaves a reader that went away alone."""

        self._server = Server((host.strip("[]"), port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    def start(self) -> None:
        """Answers from now on, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    figures: ClassVar[CollectorRegistry]
    server_version = "rxauth"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers with every figure."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = generate_latest(self.figures)
        self.send_response(HTTPStatus.OK)
        self.send_header("content-type", CONTENT_TYPE_LATEST)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_what: object) -> None:
        """Says nothing: the log is not for those who read figures."""
