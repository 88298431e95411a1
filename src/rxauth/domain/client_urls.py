"""The URLs of a client: where people are sent back to. What is registered is matched byte for byte, never relaxed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from rxauth.domain.errors import InvalidError

URL_LIMIT_CHARACTERS: Final = 2_000
URLS_LIMIT: Final = 50
# @photonhealth/elements appends this to the origin it is given.
_ELEMENTS_QUERY: Final = "?photon=true"
_NATIVE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # RFC 8252 §7.1: a reversed domain name
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


class UrlKind(StrEnum):
    """What a URL is registered for."""

    CALLBACK = "callback"
    LOGOUT = "logout"
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True)
class Registered:
    """The URLs that a client gives when it is made.

    callbacks: redirect URIs, or origins. logout_urls: where people may be sent after a logout. origins: of pages that
    call the token endpoint, beside those of the callbacks.
    """

    callbacks: tuple[str, ...]
    logout_urls: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def stored(self, *, is_native: bool) -> set[tuple[UrlKind, str]]:
        """Returns the exact forms that requests are compared with.

        An origin is stored in each form in which clients send it: with and without `/`, and both with `?photon=true`.

        Raises:
            InvalidError: no callback, too many, or a URL that nobody may be sent to (RFC 9700 §2.6).
        """
        if not self.callbacks:
            raise InvalidError("the client has no callback URL")
        if len(self.callbacks) + len(self.logout_urls) + len(self.origins) > URLS_LIMIT:
            raise InvalidError(f"a client has at most {URLS_LIMIT} URLs")
        stored = set(_forms(UrlKind.CALLBACK, self.callbacks, is_native=is_native))
        stored |= set(_forms(UrlKind.LOGOUT, self.logout_urls, is_native=is_native))
        web_callbacks = [url for url in self.callbacks if urlsplit(url).scheme in {"http", "https"}]
        for url in (*web_callbacks, *self.origins):
            stored.add((UrlKind.ORIGIN, origin_of(require_url(url, is_native=False))))
        return stored


def given(stored: Iterable[tuple[UrlKind, str]]) -> Registered:
    """Returns the URLs of which `Registered.stored` makes these, sorted: origins without their other forms."""
    of = {kind: {url for one, url in stored if one is kind} for kind in UrlKind}
    callbacks, logout_urls = (
        tuple(sorted(of[kind] - {form for url in of[kind] if _is_bare_origin(url) for form in _other_forms(url)}))
        for kind in (UrlKind.CALLBACK, UrlKind.LOGOUT)
    )
    of_callbacks = {origin_of(urlsplit(url)) for url in callbacks if urlsplit(url).scheme in {"http", "https"}}
    return Registered(callbacks, logout_urls, tuple(sorted(of[UrlKind.ORIGIN] - of_callbacks)))


def require_url(url: str, *, is_native: bool) -> SplitResult:
    """Returns a URL that people may be sent to, taken apart.

    Raises:
        InvalidError: it is not https, nor http to this machine itself, nor, for a native client, a scheme of its own.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidError("a URL cannot be read") from None
    if len(url) > URL_LIMIT_CHARACTERS or _PRINTABLE.fullmatch(url) is None or "\\" in url or "*" in url:
        raise InvalidError("a URL is too long, or has characters that a URL does not have")
    if "#" in url or parts.username is not None or parts.password is not None or port == 0:
        raise InvalidError("a URL with a fragment, a user name or port 0 cannot be registered")
    if is_native and _NATIVE_SCHEME.fullmatch(parts.scheme) is not None:
        return parts
    host = parts.hostname or ""
    if not host or parts.scheme not in {"http", "https"} or (parts.scheme == "http" and not is_local(host)):
        raise InvalidError("a URL must be https, or http to localhost")
    if f"{parts.scheme}://{parts.netloc}" != f"{parts.scheme}://{parts.netloc}".lower():
        raise InvalidError("write the scheme and the host of a URL in lower case, as browsers do")
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        raise InvalidError("a URL with . or .. in its path cannot be registered")
    return parts


def origin_of(parts: SplitResult) -> str:
    """Returns the origin of a URL as a browser writes it (RFC 6454 §6.1)."""
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if parts.port in {None, default} else f":{parts.port}")


def is_local(host: str) -> bool:
    """Tells whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def matches(registered: Iterable[str], presented: str, *, is_native: bool) -> bool:
    """Tells whether a URL of a request is one of those registered, byte for byte.

    The one exception is the port of a native client's loopback address, which it cannot know before (RFC 8252 §7.3).
    """
    registered = frozenset(registered)
    if presented in registered:
        return True
    found = _LOOPBACK.fullmatch(presented) if is_native else None
    if found is None:
        return False
    without_port = found["origin"] + found["rest"]
    return any(
        one["origin"] + one["rest"] == without_port
        for one in (_LOOPBACK.fullmatch(url) for url in registered)
        if one is not None
    )


_LOOPBACK: Final = re.compile(r"(?P<origin>http://(127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?(?P<rest>([/?].*)?)")


def _forms(kind: UrlKind, urls: Iterable[str], *, is_native: bool) -> Iterable[tuple[UrlKind, str]]:
    for url in urls:
        parts = require_url(url, is_native=is_native)
        yield kind, url
        bare = url.removesuffix("/") if parts.path == "/" else url
        if _is_bare_origin(bare):
            yield kind, bare
            for form in _other_forms(bare):
                yield kind, form


def _is_bare_origin(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and not parts.path and "?" not in url


def _other_forms(origin: str) -> tuple[str, ...]:
    """Returns the forms in which clients send an origin, beside its own."""
    return (f"{origin}/", f"{origin}{_ELEMENTS_QUERY}", f"{origin}/{_ELEMENTS_QUERY}")
