"""Processes for what is slow on purpose: few of them, of lower priority, with a bounded number of callers waiting."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import LifoQueue
from typing import Any, Final, TypeVar

from rxauth.crypto.hashing import HashingProcess
from rxauth.oauth.errors import TemporarilyUnavailableError

PROCESSES: Final = 2
WAITING_LIMIT: Final = 64  # a second or two of work
Result = TypeVar("Result")


class SlowPool:
    """Runs slow functions beside the event loop, so that tokens are served while people sign in."""

    def __init__(self, waiting_limit: int = WAITING_LIMIT, processes: Sequence[HashingProcess] = ()) -> None:
        self._processes = processes or [HashingProcess() for _ in range(PROCESSES)]
        self._free: LifoQueue[HashingProcess] = LifoQueue()  # the second starts when two sign in at once
        for process in self._processes:
            self._free.put(process)
        self._threads = ThreadPoolExecutor(len(self._processes), thread_name_prefix="slow")  # each waits for a process
        self._limit = len(self._processes) + waiting_limit
        self._under_way = 0

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Runs a function of a module in one of the processes.

        Raises:
            TemporarilyUnavailableError: too many wait already; nothing was done.
        """
        if self._under_way >= self._limit:
            raise TemporarilyUnavailableError("Too many people are signing in at this moment. Try again.")
        self._under_way += 1
        work = self._threads.submit(self._work, function, *arguments)
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _work: _tell(loop, self._leave))
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """Ends the processes when they have done what is under way."""
        self._threads.shutdown()
        for process in self._processes:
            process.close()

    def _work(self, function: Callable[..., Result], *arguments: Any) -> Result:
        process = self._free.get()
        try:
            return process.run(function, *arguments)
        finally:
            self._free.put(process)

    def _leave(self) -> None:
        self._under_way -= 1


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Has the loop call a function; a loop that has ended needs no telling."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)
