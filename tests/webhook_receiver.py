"""A receiver of webhooks, for tests: a real HTTP server that keeps what it gets, and answers as it is told."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any, Final

from rxauth.clock import Clock
from rxauth.domain import webhook_outbox
from rxauth.domain.webhook_outbox import Happening
from rxauth.domain.webhooks import Keeper, Wanted, Webhook
from rxauth.edge.webhook_sender import WebhookSender
from rxauth.storage.database import Database
from tests.world import World

LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SECRET: Final = "what-both-sides-know"
CREATED: Final = "photon:order:created"


@dataclass(frozen=True)
class Got:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        """The CloudEvent in the body."""
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Tells whether the signature is that of a secret."""
        return self.headers["x-photon-signature"] == hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()


@dataclass
class Receiver:
    """A server on this machine. judge: the status of an answer; by default it takes everything."""

    judge: Callable[[Got], int] = lambda _got: 200
    got: list[Got] = field(default_factory=list)
    location: str | None = None
    content: bytes = b""

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.got.append(got)
                status = receiver.judge(got)
                try:
                    self.send_response(status)
                    if receiver.location is not None:
                        self.send_header("location", receiver.location)
                    self.send_header("content-length", str(len(receiver.content)))
                    self.end_headers()
                    self.wfile.write(receiver.content)
                except OSError:
                    pass  # whoever asked is gone

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def subjects(self) -> list[str]:
        """The subjects of what arrived, in that order."""
        return [got.event["subject"] for got in self.got]

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Post:
    """The webhooks of one world's first organization, and what delivers to them when a test says so."""

    world: World
    clock: Clock
    database: Database

    @property
    def organization_id(self) -> str:
        """The organization whose events they are."""
        return self.world.alder.organization_id

    def keeper(self) -> Keeper:
        """Returns what keeps webhooks to this machine itself."""
        return Keeper(self.world.settings.sealing_key, LOOPBACK)

    def webhook(self, url: str, **wanted: Any) -> Webhook:
        """Adds a webhook."""
        asked = Wanted(url, **({"secret": SECRET} | wanted))
        now = self.clock.seconds()
        return self.database.write(lambda tx: self.keeper().create(tx, self.organization_id, asked, now))

    def happen(self, subject: str, event: str = CREATED, **data: Any) -> None:
        """Has something happen."""
        happened = Happening(event, subject, self.clock.milliseconds())
        self.database.write(lambda tx: webhook_outbox.emit(tx, self.organization_id, happened, lambda: data))

    def sender(self, networks: Any = LOOPBACK) -> WebhookSender:
        """Returns what delivers."""
        return WebhookSender(self.database, self.clock, self.world.settings.sealing_key, networks)

    def deliver(self) -> int:
        """Delivers what is due, as a round of a server does."""
        return self.sender().deliver()
