"""Forms of our own pages: read, and refused when a foreign page or another browser sends them."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

from rxauth.crypto import secrets
from rxauth.crypto.jws import encode_base64url
from rxauth.edge import multipart
from rxauth.edge.cookies import carrying, kept_of, session_handle
from rxauth.edge.requests import FIELDS_LIMIT, VALUE_LIMIT_CHARACTERS, Request
from rxauth.oauth.browser import Browser
from rxauth.oauth.errors import InvalidRequestError

TOKEN_FIELD: Final = "csrf"  # noqa: S105
# What a browser says of a request that one of our own pages, or the person itself, began (Fetch Metadata).
_OWN_SITES: Final = frozenset({None, "same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many fields a form has at most, and how many characters each. files: whether it may have files too."""

    fields: int
    characters: int
    files: bool = False


_USUAL: Final = Limits(FIELDS_LIMIT, VALUE_LIMIT_CHARACTERS)
# What is far too long for a field is refused beside it, with all that was typed still there.
SETTINGS_LIMITS: Final = Limits(500, 100_000, files=True)


class ForeignFormError(InvalidRequestError):
    """The form was not filled in on a page that this server gave to this browser."""

    status = 403
    section = "RFC 6819 §5.3.5"

    def __init__(self) -> None:
        super().__init__("This form does not belong to this browser, or is too old. Open the page again and repeat it.")


def browser_of(request: Request) -> Browser:
    """Returns where a request comes from."""
    device = request.header(b"user-agent") or ""
    return Browser(session_handle(request), request.network, device, kept_of(request))


def greeted(browser: Browser) -> tuple[Browser, list[tuple[bytes, bytes]]]:
    """Returns a browser that has a handle, and the header that gives it one if it had none."""
    if browser.handle is not None:
        return browser, []
    handle = secrets.new_handle()
    return replace(browser, handle=handle), [carrying(handle)]


def token(handle: str, purpose: str) -> str:
    """Returns what a form must bring along: only the page that this browser was given has it."""
    return encode_base64url(hmac.digest(handle.encode(), f"form {purpose}".encode(), hashlib.sha256))


async def read_form(request: Request, purpose: str) -> Mapping[str, str]:
    """Reads a form that one of our pages sent; a field that is there twice counts once, as the last.

    Raises:
        ForeignFormError: see there. InvalidRequestError: it is no form.
    """
    return dict(await read_form_pairs(request, purpose, _USUAL))


async def read_form_pairs(request: Request, purpose: str, limits: Limits) -> list[tuple[str, str]]:
    """Reads a form that one of our pages sent, repeated names too.

    Raises:
        ForeignFormError: see there. InvalidRequestError: it is no form.
    """
    handle = session_handle(request)
    if handle is None or request.header(b"sec-fetch-site") not in _OWN_SITES:
        raise ForeignFormError
    pairs = await form_pairs(request, limits)
    presented = next((value for name, value in pairs if name == TOKEN_FIELD), "")
    if not hmac.compare_digest(presented.encode(), token(handle, purpose).encode()):
        raise ForeignFormError
    return [pair for pair in pairs if pair[0] != TOKEN_FIELD]


async def form_pairs(request: Request, limits: Limits = _USUAL) -> list[tuple[str, str]]:
    """Reads the body of a form, repeated names too.

    Raises:
        InvalidRequestError: it is no form.
    """
    if request.media_type() == multipart.MEDIA_TYPE and limits.files:
        body, content_type = await request.body(), request.header(b"content-type") or ""
        return _within(multipart.pairs(content_type, body, limits.fields), limits)
    if request.media_type() != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body is not a form.")
    return _pairs(await request.body(), limits)


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """Reads the parameters of a URL, repeated names too.

    Raises:
        InvalidRequestError: they are no text in UTF-8, or too many.
    """
    return _pairs(request.query, _USUAL)


def _pairs(raw: bytes, limits: Limits) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=limits.fields,
            encoding="utf-8",
            errors="strict",
        )
    except ValueError:
        raise InvalidRequestError(f"The parameters are not at most {limits.fields} texts in UTF-8.") from None
    return _within(pairs, limits)


def _within(pairs: list[tuple[str, str]], limits: Limits) -> list[tuple[str, str]]:
    if any(len(value) > limits.characters for _, value in pairs):
        raise InvalidRequestError(f"A parameter is longer than {limits.characters} characters.")
    return pairs
