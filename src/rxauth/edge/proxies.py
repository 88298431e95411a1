"""Who really asks, when a proxy passes the request on, and what it is called: trusted proxies say it (RFC 7239)."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from rxauth.ids import random_octets

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
REQUEST_ID: Final = b"x-request-id"
_IDENTIFIER: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_PEERS_REMEMBERED: Final = 1_024
_LIMIT_CHARACTERS: Final = 4_096
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # RFC 9110 §5.6.2
_PAIR: Final = re.compile(rf'({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")')
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


class Proxies:
    """The networks whose word on a client's address is taken.

    Each proxy adds, on the right, whom it heard from. So the last address that is not a trusted proxy's own is the
    client's; what stands before it, the client may have written itself.
    """

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._is_known = lru_cache(_PEERS_REMEMBERED)(self._look_up)

    def is_trusted(self, scope: Scope) -> bool:
        """Tells whether a request comes from a trusted proxy."""
        client = scope.get("client")
        return bool(self._networks) and client is not None and self._is_known(client[0])

    def request_id(self, scope: Scope) -> str:
        """Returns the name of a request in logs: what a trusted proxy calls it, or else one of our own."""
        if self.is_trusted(scope):
            named = [value for name, value in scope["headers"] if name == REQUEST_ID]
            if len(named) == 1 and _IDENTIFIER.fullmatch(named[0]):
                return str(named[0].decode("ascii"))
        return random_octets()[:8].hex()

    def address(self, scope: Scope) -> str | None:
        """Returns the address of whoever asks; None: it has none, as on a socket file."""
        client = scope.get("client")
        peer: str | None = client[0] if client else None
        if not self._networks or peer is None or not self._is_known(peer):
            return peer
        return self._told(scope) or peer

    def _told(self, scope: Scope) -> str | None:
        """Returns what the headers say; None: nothing, or nothing that can be relied on.

        A proxy writes one of the two headers and may pass the other on as it came: then both must agree.
        """
        lists: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            if name in _READERS:
                lists.setdefault(name, []).append(value.decode("latin-1"))
        if sum(len(line) for lines in lists.values() for line in lines) > _LIMIT_CHARACTERS:
            return None
        found = {self._client(_READERS[name](",".join(lines))) for name, lines in lists.items()}
        return found.pop() if len(found) == 1 else None

    def _client(self, hops: list[str] | None) -> str | None:
        address = None
        for hop in reversed(hops or ()):
            address = _address(hop)
            if address is None or not self._is_known(address):
                break
        return address

    def _look_up(self, written: str) -> bool:
        try:
            address = plain(ipaddress.ip_address(written))
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def plain(address: Address) -> Address:
    """Returns an IPv4 address that is written as one of IPv6 as what it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _x_forwarded_for(value: str) -> list[str]:
    return [hop.strip() for hop in value.split(",")]


def _forwarded(value: str) -> list[str] | None:
    """Returns each `for` of a Forwarded header, empty where a proxy did not say; None: it is malformed."""
    hops = []
    for element in _split(value, ","):
        named: dict[str, str] = {}
        for pair in _split(element, ";"):
            match = _PAIR.fullmatch(pair.strip())
            if match is None or match[1].lower() in named:
                return None
            named[match[1].lower()] = match[2]
        hops.append(named.get("for", "").strip('"'))
    return hops


def _split(value: str, separator: str) -> list[str]:
    """Splits a text at a separator that stands in no quotes."""
    hidden = _QUOTED.sub(lambda match: "_" * len(match[0]), value)
    ends = [place for place, character in enumerate(hidden) if character == separator]
    starts = [0, *(end + 1 for end in ends)]
    return [value[start:end] for start, end in zip(starts, [*ends, len(value)], strict=True)]


def _address(hop: str) -> str | None:
    """Returns the address of a hop without its port; None: it is hidden, unknown or malformed."""
    host, colon, port = hop, "", ""
    if hop.startswith("["):
        host, closed, rest = hop[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not closed or ":" not in host or colon not in {"", ":"}:
            return None
    elif hop.count(":") == 1:
        host, colon, port = hop.partition(":")
    if "%" in host or (colon and not (port.isascii() and port.isdigit())):
        return None
    try:
        return str(plain(ipaddress.ip_address(host)))
    except ValueError:
        return None


_READERS: Final = {b"x-forwarded-for": _x_forwarded_for, b"forwarded": _forwarded}
