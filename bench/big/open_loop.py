"""An open loop: requests at a constant rate, whether answers come or not; time counts from when a request was due."""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from bench.big.asking import Question
from bench.connections import Connection, require

KEPT: Final = 2  # connections to each server; more are opened when these are busy


@dataclass(frozen=True, slots=True)
class Waited:
    """How long answers took, in seconds, by the kind of question."""

    by_kind: dict[str, list[float]]

    @property
    def all_of_them(self) -> list[float]:
        """Every answer's time."""
        return [one for some in self.by_kind.values() for one in some]

    def percentile_ms(self, percent: int, kind: str | None = None) -> float:
        """Returns a percentile in milliseconds, of one kind or of all."""
        some = self.all_of_them if kind is None else self.by_kind[kind]
        return statistics.quantiles(some, n=100, method="inclusive")[percent - 1] * 1e3


def ask(urls: Sequence[str], questions: Iterator[Question], token: str, per_second: float, seconds: float) -> Waited:
    """Sends so many requests a second for so many seconds, to the servers in turn.

    Raises:
        RuntimeError: an answer is not a good one, so the figures would mean nothing.
    """
    return asyncio.run(_ask(urls, questions, token, per_second, seconds))


async def _ask(
    urls: Sequence[str], questions: Iterator[Question], token: str, per_second: float, seconds: float
) -> Waited:
    waits: defaultdict[str, list[float]] = defaultdict(list)
    prepared = [
        (one.kind, one.sent(token)) for one, _ in zip(questions, range(round(per_second * seconds)), strict=False)
    ]
    idle: defaultdict[str, list[Connection]] = defaultdict(list)
    async with AsyncExitStack() as stack:

        async def send(kind: str, request: bytes, url: str, due_at: float) -> None:
            connection = None
            while idle[url] and (connection is None or connection.is_closed):
                connection = idle[url].pop()
            if connection is None or connection.is_closed:
                connection = await stack.enter_async_context(Connection(url))
            reply = require(await connection.send(request), 200)
            waits[kind].append(time.perf_counter() - due_at)
            if b'"errors"' in reply.body[:12]:
                raise RuntimeError(reply.body[:500].decode())
            if len(idle[url]) < KEPT:  # servers close what lies idle
                idle[url].append(connection)

        started_at = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as group:
            for number, (kind, request) in enumerate(prepared):
                due_at = started_at + number / per_second
                if (early := due_at - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                group.create_task(send(kind, request, urls[number % len(urls)], due_at))
    return Waited(dict(waits))
