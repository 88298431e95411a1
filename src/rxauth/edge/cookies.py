"""The one cookie: a browser's handle, which names its session once somebody signed in (RFC 6265)."""

from typing import Final

from rxauth.edge.requests import Request

NAME: Final = "__Host-rxauth"
# Not readable by scripts, not sent by forms of foreign pages, gone with the browser; how long it works is kept here.
_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"
HANDLE_CHARACTERS: Final = 43
CLEARED: Final = (b"set-cookie", f"{NAME}=; {_ATTRIBUTES}; Max-Age=0".encode())


def session_handle(request: Request) -> str | None:
    """Returns the browser's handle; None: it sent none, or two, of which one was planted."""
    found = []
    for header in request.headers(b"cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == NAME:
                found.append(value)
    if len(found) != 1 or len(found[0]) != HANDLE_CHARACTERS:
        return None
    return found[0]


def carrying(handle: str) -> tuple[bytes, bytes]:
    """Returns the header that gives the browser a handle."""
    return b"set-cookie", f"{NAME}={handle}; {_ATTRIBUTES}".encode()
