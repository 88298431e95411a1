"""Sweeps: what was kept for long enough is removed, a few rows at once, in a thread of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.storage.database import Database, Transaction

SWEEP_EVERY_S: Final = 60
# Between two batches the thread rests for so many times as long as the one before took, and at least so long.
RESTS: Final = 4
REST_S: Final = 0.02
# Removes some of what is too old at a moment (UTC seconds); tells whether there may be more.
Sweep = Callable[[Transaction, int], bool]
_log = structlog.get_logger("rxauth.sweeps")


class Sweeps:
    """Runs sweeps one after the other, each in transactions of its own, once a minute."""

    def __init__(self, database: Database, clock: Clock, sweeps: Sequence[Sweep]) -> None:
        self._database = database
        self._clock = clock
        self._sweeps = tuple(sweeps)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweeps", daemon=True)

    def start(self) -> None:
        """Sweeps from now on, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the transaction that is under way."""
        self._stopping.set()
        self._thread.join()

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
        while is_more and not self._stopping.is_set():
            began = time.monotonic()
            is_more = self._database.write(lambda tx: sweep(tx, now))
            if is_more:
                self._stopping.wait(max(REST_S, RESTS * (time.monotonic() - began)))

    def _work(self) -> None:
        while not self._stopping.wait(SWEEP_EVERY_S):
            try:
                self.once()
            except Exception as error:  # whatever it is, the next one makes up for it
                _log.warning("sweep_failed", error=type(error).__name__)
