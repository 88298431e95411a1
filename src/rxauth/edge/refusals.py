"""Counting of refusals, so that a flood of them is a few audit records and not a flood of writes."""

import asyncio
from dataclasses import replace
from typing import Final

from rxauth.clock import Clock
from rxauth.domain.audit import Act, row
from rxauth.edge.audit_group import AuditGroup
from rxauth.storage.database import DatabaseUnavailableError

WINDOW_S: Final = 60
KINDS_LIMIT: Final = 10_000
_Kind = tuple[str, str | None, str | None, str | None, str | None]


class Refusals:
    """Records the first refusal of a kind, client and network in a minute at once, and the others as one number."""

    def __init__(self, clock: Clock, audit: AuditGroup) -> None:
        self._clock = clock
        self._audit = audit
        self._counted: dict[_Kind, Act] = {}
        self._window = 0
        self._window_end: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def note(self, act: Act) -> None:
        """Counts one refusal; the answer to it does not wait for the record."""
        window, elapsed_s = divmod(self._clock.seconds(), WINDOW_S)
        if window != self._window or len(self._counted) >= KINDS_LIMIT:
            self._write_counts()
            self._window = window
        if not self._counted:
            self._stop_waiting()
            self._window_end = asyncio.get_running_loop().call_later(WINDOW_S - elapsed_s, self._write_counts)
        kind = (act.event, act.reason, act.actor.id, act.network, act.organization_id)
        counted = self._counted.get(kind)
        if counted is None:
            self._counted[kind] = replace(act, count=0)
            self._write(act)
        else:
            self._counted[kind] = replace(counted, count=counted.count + act.count)

    async def close(self) -> None:
        """Writes the numbers counted so far, and waits until they are kept."""
        self._closing = True
        self._stop_waiting()
        self._write_counts()
        await asyncio.gather(*self._tasks)

    def _stop_waiting(self) -> None:
        if self._window_end is not None:
            self._window_end.cancel()

    def _write_counts(self) -> None:
        counted, self._counted = self._counted, {}
        for act in counted.values():
            if act.count:
                self._write(act)

    def _write(self, act: Act) -> None:
        task = asyncio.get_running_loop().create_task(self._commit(act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _commit(self, act: Act) -> None:
        try:
            await self._audit.commit(row(act, self._clock.microseconds()))
        except DatabaseUnavailableError:
            if not self._closing:
                self.note(act)  # counted again, for a later minute
