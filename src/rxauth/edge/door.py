"""The door: when more is asked than can be answered, what is cheap to ask again is sent away before its body is read.

Each kind of request has a bound on how many may be under way at once, so none keeps another out. It is judged by the
head of a request alone, and costs a small part of what an answer would.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rxauth.edge.responses import Answer

_PERSON: Final = b'"sid":"'  # a person's token names the session; what machines ask, they can ask again
_ANYBODY: Final = (b"access-control-allow-origin", b"*")  # so that a page's script sees that it may try again
_OF_MACHINES: Final = b"/scim/"
_FREE: Final = (b"/.well-known/", b"/static/")
_TOKEN_REQUEST: Final = b"POST /oauth/token HTTP/1.1\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,5})(?:\r\n|$)")
_UNUSUAL: Final = re.compile(rb"\r\n(?:connection|expect|transfer-encoding|upgrade)[ \t]*:")
Headers = Iterable[tuple[bytes, bytes]]


class Lane:
    """One kind of request: how many are under way, and how many may be. machines: how many, if a machine asks."""

    __slots__ = ("head", "limit", "machines", "name", "page", "refused", "under_way", "words")

    def __init__(self, name: str, limit: int, machines: int) -> None:
        self.name = name
        self.limit = limit
        self.machines = machines
        self.under_way = 0
        self.refused = 0
        self.say(Answer(503, b"", []))

    def say(self, answer: Answer) -> None:
        """Takes what is said to those who are sent away."""
        length = (b"content-length", str(len(answer.body)).encode())
        lines = [b"%s: %s\r\n" % header for header in (*answer.headers, _ANYBODY, length)]
        self.head = b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(lines)
        self.page = answer.body
        self.words = self.head + b"\r\n" + self.page

    @property
    def is_full(self) -> bool:
        """Whether nobody else is let in."""
        return self.under_way >= self.limit

    def leave(self, _task: object = None) -> None:
        """Notes that one was answered."""
        self.under_way -= 1


class Door:
    """The lanes of one process."""

    def __init__(self, tokens: int = 128, api: int = 128, pages: int = 256) -> None:
        self.tokens = Lane("tokens", tokens, tokens)
        self.api = Lane("api", api, api // 2)
        self.pages = Lane("pages", pages, pages)
        of_tokens = (b"/oauth/token", b"/oauth/introspect", b"/oauth/revoke", b"/userinfo")
        self._lanes: Mapping[bytes, Lane | None] = {
            **dict.fromkeys(of_tokens, self.tokens),
            b"/graphql": self.api,
            **dict.fromkeys((b"/readyz", b"/healthz", b"/openapi.json")),
        }

    @property
    def lanes(self) -> Sequence[Lane]:
        """Every lane."""
        return self.tokens, self.api, self.pages

    def lane(self, path: bytes) -> Lane | None:
        """Returns the lane of a path; None: it is answered at once, and never sent away."""
        if path in self._lanes:
            return self._lanes[path]
        if path.startswith(_OF_MACHINES):
            return self.api
        return None if path.startswith(_FREE) else self.pages

    def lane_of(self, url: bytes) -> Lane | None:
        """Returns the lane of a URL; see `lane`."""
        return self.lane(url.partition(b"?")[0])

    def refuses(self, lane: Lane, headers: Headers) -> bool:
        """Tells whether a request cannot be answered now, and counts it if so."""
        if lane.under_way < lane.machines or (lane.under_way < lane.limit and _is_person(headers)):
            return False
        lane.refused += 1
        return True

    def under_way(self) -> dict[str, float]:
        """Returns how many requests are under way, by lane."""
        return {lane.name: lane.under_way for lane in self.lanes}

    def refused(self) -> dict[str, float]:
        """Returns how many were sent away, by lane."""
        return {lane.name: lane.refused for lane in self.lanes}


def _is_person(headers: Headers) -> bool:
    """Tells whether a token says that it is a person's; whether it is a token of ours, nobody has looked yet."""
    for name, value in headers:
        if name == b"authorization":
            payload = value.partition(b".")[2].partition(b".")[0]
            try:
                return _PERSON in base64.urlsafe_b64decode(payload + b"===")
            except binascii.Error:
                return False
    return False


def is_whole_token_request(data: bytes) -> bool:
    """Tells whether bytes are one plain request for a token, no more and no less; what is unusual is not."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0 or not data.startswith(_TOKEN_REQUEST):
        return False
    head = data[:head_end].lower()
    match = _LENGTH.search(head)
    return (
        match is not None
        and len(data) == head_end + 4 + int(match[1])
        and head.count(b"content-length") == 1
        and _UNUSUAL.search(head) is None
    )
