"""The one client for outgoing HTTP: it goes to public addresses, and to the private networks that were named."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
TIMEOUT_S: Final = 5
# Addresses of IPv6 that carry one of IPv4, which may be private: translation, 6to4 and Teredo.
_CARRIERS: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"), IPv6Network("2001::/32"))


class ForbiddenAddressError(Exception):
    """A host has an address that nobody may be sent to from here."""


class Outbound:
    """Posts forms to the URLs of clients. It follows no redirect, and reads no proxy from the environment."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._http: httpx.AsyncClient | None = None

    async def post_form(self, url: str, form: Mapping[str, str]) -> int:
        """Posts a form and returns the status of the answer, whose body is not read.

        Raises:
            ForbiddenAddressError: see there. OSError: nobody answered.
        """
        import httpx  # noqa: PLC0415  # late: it is slow to import, and most servers call nobody

        target = httpx.URL(url)
        address = await self._resolve(target)
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        # The address that was judged is the one that is called: asking for the name again could give another.
        request = self._http.build_request(
            "POST",
            target.copy_with(host=str(address)),
            data=dict(form),
            headers={"host": target.netloc.decode("ascii")},
            extensions={"sni_hostname": target.host},
        )
        try:
            answer = await self._http.send(request, stream=True)
        except httpx.HTTPError as error:
            raise ConnectionError(type(error).__name__) from None
        await answer.aclose()
        return answer.status_code

    async def close(self) -> None:
        """Closes all connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _resolve(self, target: "httpx.URL") -> Address:
        port = target.port or {"http": 80, "https": 443}[target.scheme]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise ForbiddenAddressError
        return addresses[0]

    def _is_allowed(self, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            return self._is_allowed(address.ipv4_mapped)
        if any(address in network for network in self._networks):
            return True
        if any(address in carrier for carrier in _CARRIERS):
            return False
        return address.is_global and not address.is_multicast
