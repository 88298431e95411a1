"""The one client for outgoing HTTP: it goes to public addresses, and to the private networks that were named."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from rxauth.domain.destinations import Address, Network, is_allowed

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 5
MakeOutbound = Callable[[Sequence[Network]], "Outbound"]
ANSWER_LIMIT_BYTES: Final = 16_384


class ForbiddenAddressError(Exception):
    """A host has an address that nobody may be sent to from here."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody answered. body: no more of it than was to be read."""

    status: int
    body: bytes = field(repr=False)


def why(error: OSError | ForbiddenAddressError) -> str:
    """Returns the code of why nobody answered."""
    if isinstance(error, ForbiddenAddressError):
        return "forbidden_address"
    return "timeout" if isinstance(error, TimeoutError) else "no_answer"


def method_of(content: bytes | None) -> str:
    """Returns the method of a request that has this body; None: it has none."""
    return "GET" if content is None else "POST"


class Outbound:
    """Asks the URLs that others name. It follows no redirect, and reads no proxy from the environment."""

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
        return (await self.ask(url, content, headers, 0)).status

    async def get(self, url: str, headers: Mapping[str, str], limit_bytes: int = ANSWER_LIMIT_BYTES) -> Answered:
        """Gets what a URL leads to, with no more than `limit_bytes` of it.

        Raises:
            ForbiddenAddressError: see there. OSError: nobody answered, or the URL leads nowhere.
        """
        return await self.ask(url, None, headers, limit_bytes)

    async def ask(
        self, url: str, content: bytes | None, headers: Mapping[str, str], limit_bytes: int = ANSWER_LIMIT_BYTES
    ) -> Answered:
        """Posts bytes and returns the answer, with no more than `limit_bytes` of its body. content None: it gets.

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
                method_of(content),
                target.copy_with(host=str(address)),
                content=content,
                headers={**headers, "host": target.netloc.decode("ascii")},
                extensions={"sni_hostname": target.host},
            )
            try:
                answer = await self._http.send(request, stream=True)
                try:
                    return Answered(answer.status_code, await _beginning(answer, limit_bytes))
                finally:
                    await answer.aclose()
            except httpx.ConnectError as error:  # nothing was sent: the next address may listen
                failure = type(error).__name__
            except httpx.HTTPError as error:
                raise ConnectionError(type(error).__name__) from None
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


async def _beginning(answer: "httpx.Response", limit_bytes: int) -> bytes:
    """Returns the beginning of a body, as it was sent: nothing is unpacked, which could be large beyond measure."""
    body = b""
    if limit_bytes:
        async for chunk in answer.aiter_raw():
            body += chunk[: limit_bytes - len(body)]
            if len(body) >= limit_bytes:
                break
    return body
