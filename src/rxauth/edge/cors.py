"""Cross-origin requests: who may ask from a browser, and who may read the answer (the Fetch standard §3.2).

A preflight names no client, so it is answered for an origin that some client registered. The answer itself may be read
by pages of the client's own origins alone. No cookie is ever sent along.
"""

import threading
from typing import Final

from rxauth.domain.changes import ChangeKind
from rxauth.domain.client_urls import UrlKind
from rxauth.domain.clients import Client
from rxauth.domain.peoples_clients import is_registered_origin
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, empty_answer
from rxauth.oauth.server import Server

REMEMBERED_LIMIT: Final = 10_000
ORIGIN_LIMIT_CHARACTERS: Final = 300  # no host name is longer than 253 (RFC 1035 §2.3.4)
_VARY: Final = (b"vary", b"Origin")
_ALLOWED_HEADERS: Final = (
    b"access-control-allow-headers",
    b"auth0-client, content-type, authorization, idempotency-key, x-photon-sdk-version, x-photon-elements-version",
)
_EXPOSED: Final = (
    b"access-control-expose-headers",
    b"WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id",
)
_KEPT_FOR: Final = (b"access-control-max-age", b"600")


class Origins:
    """The origins that clients registered, as they were asked for; forgotten whenever some client changes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: dict[str, bool] = {}
        self._times_forgotten = 0
        self._keeping = threading.Lock()
        server.feed.on(ChangeKind.CLIENT, self._forget)

    def peek(self, origin: str) -> bool | None:
        """Tells whether some client registered an origin; None: that is not remembered."""
        return self._known.get(origin)

    def fetch(self, origin: str) -> bool:
        """Reads whether some client registered an origin; blocks its thread."""
        before = self._times_forgotten
        found = self._server.database.read(lambda tx: is_registered_origin(tx, origin))
        with self._keeping:
            if self._times_forgotten == before:
                if len(self._known) >= REMEMBERED_LIMIT:
                    self._known.clear()
                self._known[origin] = found
        return found

    def _forget(self, _client_id: str) -> None:
        with self._keeping:
            self._times_forgotten += 1
            self._known.clear()


def origin_of(request: Request) -> str | None:
    """Returns where a browser says a request comes from; None: nowhere, or an origin that any page can have."""
    origins = request.headers(b"origin")
    if len(origins) != 1 or origins[0] == "null" or len(origins[0]) > ORIGIN_LIMIT_CHARACTERS:
        return None
    return origins[0]


def preflight(origin: str | None, methods: tuple[str, ...], *, is_registered: bool) -> Answer:
    """Answers whether a page may ask."""
    if origin is None or not is_registered:
        return empty_answer(204, _VARY)
    allowed = (b"access-control-allow-methods", ", ".join(methods).encode())
    return empty_answer(
        204, _VARY, (b"access-control-allow-origin", origin.encode()), allowed, _ALLOWED_HEADERS, _KEPT_FOR
    )


def share(client: Client | None, request: Request, answer: Answer) -> None:
    """Lets a page read the answer if it is of the client that the request came from; client None: nobody knows it."""
    answer.headers.append(_VARY)
    origin = origin_of(request)
    if origin is not None and client is not None and origin in client.urls[UrlKind.ORIGIN]:
        answer.headers += [(b"access-control-allow-origin", origin.encode()), _EXPOSED]
