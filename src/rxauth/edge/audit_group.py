"""Group commit of audit records: what comes while one commit is under way goes into the next, together."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rxauth.domain.audit import record_group
from rxauth.storage.database import Database


class AuditGroup:
    """Commits audit records in groups; who awaits `commit` knows that its record is durable."""

    def __init__(self, database: Database, observe: Callable[[int, float], None] | None = None) -> None:
        self._database = database
        self._observe = observe  # hears of every commit: of how many records, and how many seconds it took
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit-group")
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def commit(self, row: dict[str, Any]) -> None:
        """Returns when `row` is committed.

        Raises:
            DatabaseUnavailableError: it was not; no answer that needs it may leave.
        """
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._waiting.append((row, committed))
        if self._writing is None:
            self._writing = loop.create_task(self._write_groups())
        await committed

    def waiting(self) -> int:
        """Returns how many records wait for the commit that is under way."""
        return len(self._waiting)

    async def close(self) -> None:
        """Waits for what is under way."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _write_groups(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            rows = [row for row, _ in group]
            began = time.perf_counter()
            try:
                await loop.run_in_executor(self._thread, self._commit, rows)
            except Exception as error:  # each of those who wait raises it
                _settle(group, error)
            else:
                _settle(group, None)
                if self._observe is not None:
                    self._observe(len(rows), time.perf_counter() - began)
        self._writing = None

    def _commit(self, rows: list[dict[str, Any]]) -> None:
        record_group(self._database, rows)


def _settle(group: list[tuple[dict[str, Any], asyncio.Future[None]]], error: Exception | None) -> None:
    for _, committed in group:
        if committed.done():
            continue  # its request was given up
        if error is None:
            committed.set_result(None)
        else:
            committed.set_exception(error)
