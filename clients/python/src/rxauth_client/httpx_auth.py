"""What `httpx` asks before it sends a request: the token, and another one if the first is refused."""

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from rxauth_client.credentials import MachineCredentials

REFUSED = 401


class MachineAuth(httpx.Auth):
    """Sends the token of machine credentials: `httpx.Client(auth=credentials.auth)`.

    A request that is answered 401 is sent once more with a new token: the secret may have been revoked. One whose body
    was a stream is not, because the stream is used up.
    """

    def __init__(self, credentials: "MachineCredentials") -> None:
        self._credentials = credentials

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the token in a synchronous client."""
        self._credentials.origins.require(str(request.url))
        token = self._credentials.token()
        response = yield _carrying(request, token)
        if response.status_code == REFUSED and _can_repeat(request):
            self._credentials.forget(token)
            yield _carrying(request, self._credentials.token())

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Adds the token in an asynchronous client."""
        self._credentials.origins.require(str(request.url))
        token = await self._credentials.token_async()
        response = yield _carrying(request, token)
        if response.status_code == REFUSED and _can_repeat(request):
            self._credentials.forget(token)
            yield _carrying(request, await self._credentials.token_async())


def _carrying(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _can_repeat(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
