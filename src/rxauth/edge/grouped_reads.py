"""Reads of what is not remembered: what comes while one read is under way goes into the next, together.

A flood of made-up clients or origins costs the database one read at a time, however many there are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

Found = TypeVar("Found")


class GroupedReads(Generic[Found]):
    """Reads records in groups. read_all: reads many at once by their names, without blocking the loop."""

    def __init__(self, read_all: Callable[[Iterable[str]], Awaitable[Mapping[str, Found]]]) -> None:
        self._read_all = read_all
        self._waiting: dict[str, asyncio.Future[Found | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def read(self, name: str) -> Found | None:
        """Returns a record as it is in the database by now, or None.

        Raises:
            DatabaseUnavailableError: nobody knows.
        """
        loop = asyncio.get_running_loop()
        found = self._waiting.get(name)
        if found is None:
            found = self._waiting[name] = loop.create_future()
        if self._reading is None:
            self._reading = loop.create_task(self._read_groups())
        return await asyncio.shield(found)  # whoever gives up leaves it to the others

    async def _read_groups(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, {}
            try:
                records = await self._read_all(group)
            except Exception as error:  # each of those who wait raises it
                for found in group.values():
                    found.set_exception(error)
                    found.exception()  # whoever asked may have given up: then nobody else looks at it
            else:
                for name, found in group.items():
                    found.set_result(records.get(name))
        self._reading = None
