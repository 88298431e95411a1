"""P10: what is answered when three times more is asked than can be, by clients who do not wait for each other.

`python -m bench.overload`: first what a few clients get who wait (the peak), then open loops at multiples of it:
requests are sent when they are due, whether answers came or not, each on a connection that is free, or on a new one.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

import uvloop

from bench.installation import Installation, on_sqlite
from bench.load import Post
from bench.machine import processor_seconds, two_cores
from bench.servers import Running, rxauth_serve, started

SECONDS: Final = 6.0
WARM_UP_S: Final = 2.0
CLOSED_CONNECTIONS: Final = 24
CONNECTIONS_LIMIT: Final = 2_000
TIMES: Final = (1, 2, 3)
ENOUGH: Final = 0.8
_TICK_S: Final = 0.002


@dataclass
class Answers:
    """What came back while it was counted. waits: seconds of those that were answered; busy_s: of the server's core."""

    by_status: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    unsent: int = 0
    busy_s: float = 0.0

    @property
    def per_second(self) -> float:
        """How many were answered."""
        return self.by_status[200] / SECONDS

    @property
    def per_busy_s(self) -> float:
        """How many were answered for each second of the server's core: others may use this machine too."""
        return self.by_status[200] / self.busy_s

    def note(self, status: int, wait_s: float) -> None:
        """Counts one answer."""
        self.by_status[status] += 1
        if status == 200:
            self.waits.append(wait_s)

    def line(self, name: str) -> str:
        """Describes them."""
        hundredths = statistics.quantiles(self.waits, n=100)
        return (
            f"{name:>12}: {self.per_second:6.0f} answered and {self.by_status[503] / SECONDS:6.0f} sent away a second, "
            f"{self.unsent} not sent; p50 {hundredths[49] * 1e3:.1f} ms, p99 {hundredths[98] * 1e3:.1f} ms; "
            f"{self.per_busy_s:.0f} for a second of the core"
        )


class Connection(asyncio.Protocol):
    """A kept connection with one request under way at most."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._received = b""
        self._due_at = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is open."""
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, due_at: float) -> None:
        """Sends the request."""
        self._due_at = due_at
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        """Reads an answer."""
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        start = self._received.lower().index(b"content-length: ") + 16
        length = int(self._received[start : self._received.index(b"\r", start)])
        if len(self._received) < head_end + 4 + length:
            return
        status, self._received = int(self._received[9:12]), b""
        self._load.answered(self, status, time.perf_counter() - self._due_at)


class Load:
    """Clients who send one request again and again."""

    def __init__(self, url: str, request: bytes, busy_s: Callable[[], float]) -> None:
        self.request = request
        self._busy_s = busy_s
        self._host, self._port = urlsplit(url).hostname or "", urlsplit(url).port or 80
        self._free: deque[Connection] = deque()
        self._opening = 0
        self._open = 0
        self._is_closed_loop = False
        self.answers = Answers()

    def answered(self, connection: Connection, status: int, wait_s: float) -> None:
        """Takes an answer."""
        self.answers.note(status, wait_s)
        if self._is_closed_loop:
            connection.ask(time.perf_counter())
        else:
            self._free.append(connection)

    async def open_one(self) -> None:
        """Opens a connection more."""
        self._opening += 1
        try:
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), self._host, self._port
            )
            self._free.append(made)
            self._open += 1
        finally:
            self._opening -= 1

    def begin_to_count(self) -> None:
        """Forgets what was until now."""
        self.answers = Answers(busy_s=-self._busy_s())

    def counted(self) -> Answers:
        """Returns what was since."""
        self.answers.busy_s += self._busy_s()
        return self.answers

    async def closed_loop(self, connections: int) -> Answers:
        """Returns what clients get who wait for each answer before they ask again."""
        for _ in range(connections):
            await self.open_one()
        self._is_closed_loop = True
        while self._free:
            self._free.popleft().ask(time.perf_counter())
        await asyncio.sleep(WARM_UP_S)
        self.begin_to_count()
        await asyncio.sleep(SECONDS)
        self._is_closed_loop = False
        return self.counted()

    async def open_loop(self, per_second: float) -> Answers:
        """Returns what clients get who ask when they have to."""
        tasks: set[asyncio.Task[None]] = set()
        is_counting = False
        began_at, sent = time.perf_counter(), 0
        while (elapsed_s := time.perf_counter() - began_at) < WARM_UP_S + SECONDS:
            if not is_counting and elapsed_s > WARM_UP_S:
                is_counting = True
                self.begin_to_count()
            while sent < elapsed_s * per_second:
                due_at = began_at + sent / per_second
                sent += 1
                if self._free:
                    self._free.popleft().ask(due_at)
                elif self._open + self._opening < CONNECTIONS_LIMIT:
                    task = asyncio.ensure_future(self.open_one())
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                    self.answers.unsent += 1
                else:
                    self.answers.unsent += 1
            await asyncio.sleep(_TICK_S)
        return self.counted()


def body_of(installation: Installation) -> bytes:
    """Returns the body of a token request."""
    said = {"client_id": installation.client_id, "client_secret": installation.secret}
    return json.dumps({"grant_type": "client_credentials"} | said).encode()


def request_of(body: bytes) -> bytes:
    """Returns the bytes of a token request."""
    head = "POST /oauth/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    """Measures, and says whether enough is answered."""
    cores = two_cores()
    with tempfile.TemporaryDirectory() as folder:
        installation = on_sqlite(Path(folder))
        body = body_of(installation)
        request = request_of(body)
        first = Post("/oauth/token", {"content-type": "application/json"}, (body.decode(),))
        with started(rxauth_serve(installation), cores, first) as running:
            peak = _run(running, request, 0.0)
            print(peak.line("peak"))
            share, of_processor = 0.0, 0.0
            for times in TIMES:
                answers = _run(running, request, peak.per_second * times)
                print(answers.line(f"{times}x the peak"))
                share, of_processor = answers.per_second / peak.per_second, answers.per_busy_s / peak.per_busy_s
            print(f"At {TIMES[-1]}x the peak {share:.0%} of it is answered; {ENOUGH:.0%} are promised.")
            print(f"For each second of its core, the server answers {of_processor:.0%} of what it does at the peak.")


def _run(running: Running, request: bytes, per_second: float) -> Answers:
    """Runs an open loop, or at a rate of 0 the closed one."""

    def busy_s() -> float:
        return processor_seconds(running.process_id)

    load = Load(running.url, request, busy_s)
    return uvloop.run(load.open_loop(per_second) if per_second else load.closed_loop(CLOSED_CONNECTIONS))


if __name__ == "__main__":
    main()
