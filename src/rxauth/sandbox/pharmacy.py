"""The sandbox pharmacy: a small HTTP server that takes orders as a network does, and reports how it fills them."""

import json
import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final

from rxauth.clock import Clock
from rxauth.crypto import signed_messages
from rxauth.sandbox.pharmacy_book import Book, Refusal, Step

PATH: Final = "/orders"
REPORTS_PATH: Final = "/pharmacy-network/reports"
SECONDS_A_STEP: Final = 2.0
_BODY_LIMIT_BYTES: Final = 1_048_576
_RETRY_S: Final = 0.5
_LOOK_EVERY_S: Final = 0.05
_TIMEOUT_S: Final = 5
_FINAL: Final = frozenset({400, 404, 409})


class SandboxPharmacy:
    """The pharmacy, from `with` to its end. It keeps its book in a file, so that ending it loses nothing."""

    def __init__(self, file: Path, secret: str, seconds_a_step: float = SECONDS_A_STEP, port: int = 0) -> None:
        self._secret = secret
        self._seconds_a_step = seconds_a_step
        self._clock = Clock()
        self._book = Book(file)
        self._server_address = ""
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{PATH}"
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), name="pharmacy", daemon=True),
            threading.Thread(target=self._work, name="pharmacy-reports", daemon=True),
        ]

    def report_to(self, server_address: str) -> "SandboxPharmacy":
        """Says which server is told, as HOST:PORT; `with` it, the pharmacy works."""
        self._server_address = server_address
        return self

    def __enter__(self) -> "SandboxPharmacy":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()
        self._book.close()

    def answer(self, timestamp: str, signature: str, body: bytes) -> tuple[int, object]:
        """Returns the status and the body of the answer to what is posted."""
        now = self._clock.seconds()
        if not signed_messages.is_genuine(self._secret, timestamp, body, signature, now):
            return 401, {"error": "invalid_signature"}
        try:
            refusal = self._book.take(json.loads(body), self._in(self._seconds_a_step))
        except (ValueError, KeyError, TypeError, AttributeError):
            refusal = Refusal("UNREADABLE", "The body is no order, and nothing that takes one back.")
        if refusal is not None:
            return 422, {"reason": refusal.reason, "message": refusal.message}
        return 202, {"taken": True}

    def _work(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            for step in self._book.due(self._clock.milliseconds()):
                if self._stopping.is_set():
                    return
                status = self._report(step)
                if status == 200:
                    self._book.reported(step, self._in(self._seconds_a_step))
                elif status in _FINAL:
                    self._book.reported(step, 0, is_over=True)
                else:
                    self._book.postpone(step, self._in(_RETRY_S))

    def _in(self, seconds: float) -> int:
        """Returns when some seconds are over, in UTC milliseconds."""
        return self._clock.milliseconds() + int(seconds * 1_000)

    def _report(self, step: Step) -> int | None:
        """Returns the status of the answer; None: there was none."""
        body, timestamp = json.dumps(step.report).encode(), str(self._clock.seconds())
        headers = {
            "content-type": "application/json",
            "x-rxauth-timestamp": timestamp,
            "x-rxauth-signature": signed_messages.sign(self._secret, timestamp, body),
        }
        connection = HTTPConnection(self._server_address, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", REPORTS_PATH, body, headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()


def _handler(pharmacy: SandboxPharmacy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.path != PATH or not length.isdecimal() or int(length) > _BODY_LIMIT_BYTES:
                self._say(404 if self.path != PATH else 413, {"error": "invalid_request"})
                return
            timestamp, signature = (self.headers.get(f"x-rxauth-{one}", "") for one in ("timestamp", "signature"))
            self._say(*pharmacy.answer(timestamp, signature, self.rfile.read(int(length))))

        def _say(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Says nothing: what is worth knowing stands in the log of the server."""

    return Handler
