"""Threads for what is slow on purpose: few of them, of lower priority, with a bounded number of callers waiting."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from rxauth.oauth.errors import TemporarilyUnavailableError

THREADS: Final = 2
WAITING_LIMIT: Final = 64  # under a second of work
_NICENESS: Final = 15
Result = TypeVar("Result")


class SlowPool:
    """Runs slow functions beside the event loop, so that tokens are served while people sign in."""

    def __init__(self, waiting_limit: int = WAITING_LIMIT) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="slow", initializer=_step_back)
        self._limit = THREADS + waiting_limit
        self._under_way = 0

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Runs a function in one of the threads.

        Raises:
            TemporarilyUnavailableError: too many wait already; nothing was done.
        """
        if self._under_way >= self._limit:
            raise TemporarilyUnavailableError("Too many people are signing in at this moment. Try again.")
        self._under_way += 1
        work = self._threads.submit(function, *arguments)
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _work: _tell(loop, self._leave))
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """Ends the threads when they have done what is under way."""
        self._threads.shutdown()

    def _leave(self) -> None:
        self._under_way -= 1


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Has the loop call a function; a loop that has ended needs no telling."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)


def _step_back() -> None:
    """Lowers the priority of this thread alone, where the system can do that."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
