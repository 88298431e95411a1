"""The cookies: a browser's handle, which names its session once somebody signed in, and who did before (RFC 6265)."""

from typing import Final

from rxauth.edge.requests import Request

NAME: Final = "__Host-rxauth"
# Not readable by scripts, not sent by forms of foreign pages, gone with the browser; how long it works is kept here.
_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"
HANDLE_CHARACTERS: Final = 43
KNOWN_NAME: Final = "__Host-rxauth-known"
KNOWN_LIMIT_CHARACTERS: Final = 300
_KNOWN_FOR_S: Final = 180 * 86_400
CLEARED: Final = (b"set-cookie", f"{NAME}=; {_ATTRIBUTES}; Max-Age=0".encode())


def session_handle(request: Request) -> str | None:
    """Returns the browser's handle; None: it sent none, or two, of which one was planted."""
    found = _only(request, NAME)
    return found if found is not None and len(found) == HANDLE_CHARACTERS else None


def kept_of(request: Request) -> str | None:
    """Returns what the browser keeps of the people who signed in with it; None: nothing."""
    found = _only(request, KNOWN_NAME)
    return found if found is not None and len(found) <= KNOWN_LIMIT_CHARACTERS and found.isascii() else None


def carrying(handle: str) -> tuple[bytes, bytes]:
    """Returns the header that gives the browser a handle."""
    return b"set-cookie", f"{NAME}={handle}; {_ATTRIBUTES}".encode()


def keeping(kept: str) -> tuple[bytes, bytes]:
    """Returns the header that has the browser keep whose it is, longer than any session."""
    return b"set-cookie", f"{KNOWN_NAME}={kept}; {_ATTRIBUTES}; Max-Age={_KNOWN_FOR_S}".encode()


def _only(request: Request, wanted: str) -> str | None:
    """Returns the value of a cookie; None: there is none, or there are two, of which one was planted."""
    found = []
    for header in request.headers(b"cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                found.append(value)
    return found[0] if len(found) == 1 else None
