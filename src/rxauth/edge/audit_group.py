"""Group commit of audit records: what comes while one commit is under way goes into the next, together."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rxauth.domain.audit import record_all
from rxauth.storage.database import Database


class AuditGroup:
    """Commits audit records in groups; who awaits `commit` knows that its record is durable."""

    def __init__(self, database: Database) -> None:
        self._database = database
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
            try:
                await loop.run_in_executor(self._thread, self._commit, rows)
            except Exception as error:  # each of those who wait raises it
                _settle(group, error)
            else:
                _settle(group, None)
        self._writing = None

    def _commit(self, rows: list[dict[str, Any]]) -> None:
        self._database.write(lambda tx: record_all(tx, rows))


def _settle(group: list[tuple[dict[str, Any], asyncio.Future[None]]], error: Exception | None) -> None:
    for _, committed in group:
        if committed.done():
            continue  # its request was given up
        if error is None:
            committed.set_result(None)
        else:
            committed.set_exception(error)
