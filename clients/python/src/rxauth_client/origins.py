"""Where tokens may go: scheme, host and port of a URL, compared whole (RFC 6454 §4)."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from rxauth_client.errors import WrongOriginError

_PORTS: Final = {"https": 443, "http": 80}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def issuer_of(domain: str) -> str:
    """Returns the issuer of a domain, `auth.example.com` or a whole URL; it ends in a slash.

    Raises:
        ValueError: it is none, or would send secrets in the clear to another machine.
    """
    url = domain if "://" in domain else f"https://{domain}"
    parts = urlsplit(url)
    is_local = parts.hostname in _LOOPBACK
    if not parts.hostname or parts.scheme not in _PORTS or parts.query or parts.fragment:
        raise ValueError(f"{domain!r} is no domain: write auth.example.com or https://auth.example.com")
    if parts.scheme == "http" and not is_local:
        raise ValueError(f"{domain!r} would send secrets in the clear: write https://")
    return url.rstrip("/") + "/"


def origin_of(url: str) -> str:
    """Returns the origin of a URL, with its port."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


class Origins:
    """The origins that tokens may be sent to."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._allowed = frozenset(origin_of(url) for url in urls if "://" in url)

    def require(self, url: str) -> None:
        """Checks where a request goes.

        Raises:
            WrongOriginError: no token goes there.
        """
        origin = origin_of(url)
        if origin not in self._allowed:
            raise WrongOriginError(origin)
