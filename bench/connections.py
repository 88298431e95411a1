"""A cheap client for what wrk cannot do: kept connections that send requests made beforehand, each its own."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from bench.load import CONNECTIONS, Answered

USER_AGENT: Final = "bench"  # of the sessions made beforehand too: a new device would have a letter written
FORM: Final = "application/x-www-form-urlencoded"
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    head: str = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Returns a header; empty if there is none."""
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""


class Connection:
    """One kept connection. Opened when it is entered."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self._writer.close()

    @property
    def is_closed(self) -> bool:
        """Tells whether the server closed it: it lay idle."""
        return self._reader.at_eof()

    async def send(self, request: bytes) -> Reply:
        """Sends a request and reads its answer, which says how long it is."""
        self._writer.write(request)
        head = (await self._reader.readuntil(_HEAD_END)).decode("latin-1")
        reply = Reply(int(head[9:12]), head, b"")
        length = int(reply.header("content-length"))
        return Reply(reply.status, head, await self._reader.readexactly(length)) if length else reply


def get(path: str, cookie: str | None = None) -> bytes:
    """Returns the bytes of a GET."""
    return _request("GET", path, cookie, "")


def post(path: str, content: str, cookie: str | None = None, media_type: str = FORM) -> bytes:
    """Returns the bytes of a POST."""
    return _request("POST", path, cookie, content, f"content-type: {media_type}\r\n")


def _request(method: str, path: str, cookie: str | None, content: str, more: str = "") -> bytes:
    carried = "" if cookie is None else f"cookie: {cookie}\r\n"
    length = f"content-length: {len(content)}\r\n" if content else ""
    same = f"host: localhost\r\nuser-agent: {USER_AGENT}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{same}{carried}{more}{length}\r\n{content}".encode()


def require(reply: Reply, status: int) -> Reply:
    """Returns a reply that is as it should be.

    Raises:
        RuntimeError: it is not, so the figures would mean nothing.
    """
    if reply.status != status:
        raise RuntimeError(f"{reply.status} in place of {status}: {reply.body[:500]!r}")
    return reply


def each_once(url: str, requests: Iterable[bytes], status: int, seconds: float, connections: int) -> Answered:
    """Sends every request once, as fast as answers come, for so many seconds or until there are none left.

    Raises:
        RuntimeError: see `require`.
    """
    waits: list[float] = []
    rest = iter(requests)
    started_at = time.perf_counter()

    async def send_on(connection: Connection) -> None:
        for request in rest:
            sent_at = time.perf_counter()
            require(await connection.send(request), status)
            answered_at = time.perf_counter()
            waits.append(answered_at - sent_at)
            if answered_at > started_at + seconds:
                return

    asyncio.run(_on_each(url, connections, send_on))
    return _answered(waits, time.perf_counter() - started_at)


def chains(url: str, firsts: Sequence[bytes], after: Callable[[Reply], bytes], seconds: float) -> Answered:
    """Sends on as many connections as there are first requests, each after its answer to the one before.

    after: makes the next request of a reply.

    Raises:
        RuntimeError: see `require`.
    """
    waits: list[float] = []
    rest = iter(firsts)
    started_at = time.perf_counter()

    async def send_on(connection: Connection) -> None:
        request, answered_at = next(rest), started_at
        while answered_at < started_at + seconds:
            sent_at = time.perf_counter()
            reply = require(await connection.send(request), 200)
            answered_at = time.perf_counter()
            waits.append(answered_at - sent_at)
            request = after(reply)

    asyncio.run(_on_each(url, len(firsts), send_on))
    return _answered(waits, time.perf_counter() - started_at)


def at_rate(
    url: str, request: bytes, per_second: float, seconds: float, beside: Callable[[], Awaitable[None]]
) -> Answered:
    """Sends one request again and again at a steady rate, whether answers come or not, while something runs beside it.

    An answer's time counts from when its request was due if the connection was still busy then: nobody who is slow
    gets fewer requests for it.

    Raises:
        RuntimeError: see `require`.
    """
    waits: list[float] = []

    async def send_on(connection: Connection, number: int, started_at: float) -> None:
        for turn in range(number, round(per_second * seconds), CONNECTIONS):
            since = started_at + turn / per_second
            if (early := since - time.perf_counter()) > 0:
                await asyncio.sleep(early)
                since = time.perf_counter()  # the clock's own coarseness is not the server's
            require(await connection.send(request), 200)
            waits.append(time.perf_counter() - since)

    async def send() -> float:
        other = asyncio.ensure_future(beside())
        started_at = time.perf_counter()
        numbers = iter(range(CONNECTIONS))
        await _on_each(url, CONNECTIONS, lambda connection: send_on(connection, next(numbers), started_at))
        ended_at = time.perf_counter()
        if other.done():
            other.result()  # it broke
        other.cancel()
        await asyncio.wait([other])
        return ended_at - started_at

    return _answered(waits, asyncio.run(send()))


async def _on_each(url: str, connections: int, work: Callable[[Connection], Awaitable[None]]) -> None:
    async def one() -> None:
        async with Connection(url) as connection:
            await work(connection)

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())


def _answered(waits: Sequence[float], seconds: float) -> Answered:
    hundredths = statistics.quantiles(waits, n=100)
    return Answered(len(waits), seconds, hundredths[49] * 1e3, hundredths[98] * 1e3)
