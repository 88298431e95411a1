"""Cross-origin requests: who may ask from a browser, and who may read the answer (the Fetch standard §3.2).

A preflight names no client, so it is answered for an origin that some client registered. The answer itself may be read
by pages of the client's own origins alone. No cookie is ever sent along.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from rxauth.domain import registered_origins
from rxauth.domain.changes import ChangeKind
from rxauth.domain.client_urls import UrlKind
from rxauth.domain.clients import Client
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
    """The origins that clients registered, as they were asked for; forgotten whenever some client changes.

    limit: how many of them are remembered, and how many that nobody registered.
    """

    def __init__(self, server: Server, limit: int = REMEMBERED_LIMIT) -> None:
        self._server = server
        self._limit = limit
        # Apart, so that made-up ones push none out that is registered.
        self._known: dict[bool, set[str]] = {True: set(), False: set()}
        self._times_forgotten = 0
        self._keeping = threading.Lock()
        server.feed.on(ChangeKind.CLIENT, self._forget)

    def peek(self, origin: str) -> bool | None:
        """Tells whether some client registered an origin; None: that is not remembered."""
        return next((is_registered for is_registered, origins in self._known.items() if origin in origins), None)

    def fetch_all(self, origins: Iterable[str]) -> Mapping[str, bool]:
        """Reads of some origins whether some client registered them; blocks its thread."""
        asked, before = frozenset(origins), self._times_forgotten
        found = self._server.database.read(lambda tx: registered_origins.among(tx, asked))
        with self._keeping:
            if self._times_forgotten == before:
                self._keep(self._known[True], found)
                self._keep(self._known[False], asked - found)
        return {origin: origin in found for origin in asked}

    def _keep(self, known: set[str], more: frozenset[str]) -> None:
        if len(known) + len(more) > self._limit:
            known.clear()
        known.update(more)

    def _forget(self, _client_id: str) -> None:
        with self._keeping:
            self._times_forgotten += 1
            for origins in self._known.values():
                origins.clear()


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
