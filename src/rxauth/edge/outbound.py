"""The one client for outgoing HTTP: it goes to public addresses, and to the private networks that were named."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from rxauth.domain.destinations import Address, Network, is_allowed

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 5


class ForbiddenAddressError(Exception):
    """A host has an address that nobody may be sent to from here."""


class Outbound:
    """Posts to the URLs that others name. It follows no redirect, and reads no proxy from the environment."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._http: httpx.AsyncClient | None = None

    async def post_form(self, url: str, form: Mapping[str, str]) -> int:
        """Posts a form and returns the status of the answer, whose body is not read.

        Raises:
            ForbiddenAddressError: see there. OSError: nobody answered.
        """
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.post(url, urlencode(form).encode(), headers)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> int:
        """Posts bytes and returns the status of the answer, whose body is not read.

        Raises:
            ForbiddenAddressError: see there. OSError: nobody answered, or the URL leads nowhere.
        """
        import httpx  # noqa: PLC0415  # late: it is slow to import, and most servers call nobody

        try:
            target = httpx.URL(url)
            addresses = await self._resolve(target)
        except (httpx.InvalidURL, UnicodeError, KeyError) as error:
            raise ConnectionError(type(error).__name__) from None
        if self._http is None:
            # No connection is used again: the pool knows them by address, and many names may share one.
            once = httpx.Limits(max_keepalive_connections=0)
            self._http = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False, limits=once)
        failure = ""
        for address in addresses:
            # The address that was judged is the one that is called: asking for the name again could give another.
            request = self._http.build_request(
                "POST",
                target.copy_with(host=str(address)),
                content=content,
                headers={**headers, "host": target.netloc.decode("ascii")},
                extensions={"sni_hostname": target.host},
            )
            try:
                answer = await self._http.send(request, stream=True)
            except httpx.ConnectError as error:  # nothing was sent: the next address may listen
                failure = type(error).__name__
            except httpx.HTTPError as error:
                raise ConnectionError(type(error).__name__) from None
            else:
                await answer.aclose()
                return answer.status_code
        raise ConnectionError(failure)

    async def close(self) -> None:
        """Closes all connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _resolve(self, target: "httpx.URL") -> list[Address]:
        port = target.port or {"http": 80, "https": 443}[target.scheme]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
        if not addresses or not all(is_allowed(address, self._networks) for address in addresses):
            raise ForbiddenAddressError
        return list(dict.fromkeys(addresses))
