"""Where this server may send requests: public addresses, and the private networks that the settings name."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from rxauth.domain.errors import InvalidError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
URL_LIMIT_CHARACTERS: Final = 2_000
# Addresses of IPv6 that carry one of IPv4, which may be private: translation, 6to4 and Teredo.
_CARRIERS: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"), IPv6Network("2001::/32"))
_LOCALHOST: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Tells whether an address may be called; networks: the private ones that were named."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return is_allowed(address.ipv4_mapped, networks)
    if is_named(address, networks):
        return True
    if any(address in carrier for carrier in _CARRIERS):
        return False
    return address.is_global and not address.is_multicast


def is_named(address: Address, networks: Sequence[Network]) -> bool:
    """Tells whether an address is in one of the private networks that were named."""
    return any(address in network for network in networks)


def require_destination(url: str, networks: Sequence[Network]) -> None:
    """Checks a URL to which an organization wants something sent. No name is looked up: that is done at each send.

    Raises:
        InvalidError: it is not https, except to a named network; or its host is an address that nobody may be sent to.
    """
    parts = _parts(url)
    host = (parts.hostname or "").removesuffix(".")
    if parts.scheme not in {"http", "https"} or not host or "%" in host:
        raise InvalidError("url must be like https://example.com/path", "url")
    addresses = _written_addresses(host)
    if not all(is_allowed(address, networks) for address in addresses):
        raise InvalidError(
            "url leads to an address that nothing is sent to: it is private, or this machine itself", "url"
        )
    is_near = bool(addresses) and all(is_named(address, networks) for address in addresses)
    if parts.scheme == "http" and not is_near:
        raise InvalidError("url must be https", "url")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidError("url cannot be read", "url") from None
    if len(url) > URL_LIMIT_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidError("url is too long, or has characters that a URL does not have", "url")
    if "#" in url or "@" in parts.netloc or port == 0:
        raise InvalidError("url cannot have a fragment, a user name or port 0", "url")
    return parts


def _written_addresses(host: str) -> tuple[Address, ...]:
    """Returns the addresses that a host says itself, in any of the ways to write one; none: it is a name."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 §6.3
        return _LOCALHOST
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        return ()
    return tuple(ip_address(str(sockaddr[0])) for *_, sockaddr in found)
