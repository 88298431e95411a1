"""Sweeps: what was kept for long enough is removed, a few rows at once, in a thread of its own."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.regular_work import RegularWork
from rxauth.storage.database import Database, Transaction

SWEEP_EVERY_S: Final = 60
# Between two batches the thread rests for so many times as long as the one before took, and at least so long.
RESTS: Final = 4
REST_S: Final = 0.02
# Removes some of what is too old at a moment (UTC seconds); tells whether there may be more.
Sweep = Callable[[Transaction, int], bool]
_log = structlog.get_logger("rxauth.sweeps")


class Sweeps(RegularWork):
    """Runs sweeps one after the other, each in transactions of its own, once a minute."""

    def __init__(self, database: Database, clock: Clock, sweeps: Sequence[Sweep]) -> None:
        super().__init__("sweeps", SWEEP_EVERY_S, self.once, _note, rests_first=True)
        self._database = database
        self._clock = clock
        self._sweeps = tuple(sweeps)

    def once(self) -> None:
        """Removes all that is too old now; one that fails keeps no other from its turn.

        Raises:
            DatabaseUnavailableError: see there.
        """
        now, failed = self._clock.seconds(), None
        for sweep in self._sweeps:
            try:
                self._drain(sweep, now)
            except Exception as error:  # whatever it is, the next time makes up for it
                failed = error
        if failed is not None:
            raise failed

    def _drain(self, sweep: Sweep, now: int) -> None:
        is_more = True
        while is_more and not self.is_over:
            began = time.monotonic()
            is_more = self._database.write(lambda tx: sweep(tx, now))
            if is_more:
                self.rest(max(REST_S, RESTS * (time.monotonic() - began)))


def _note(error: Exception) -> None:
    _log.warning("sweep_failed", error=type(error).__name__)
