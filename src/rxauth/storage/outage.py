"""An outage: while the database does not answer, nobody waits for it but the one who looks whether it is back.

PostgreSQL that stands still keeps its connections: whoever asks it something would wait for as long as it likes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen

ANSWER_LIMIT_S: Final = 2.5  # what the watch asks is answered in a millisecond
GRACE_S: Final = 0.5
LOOK_EVERY_S: Final = 0.1
# Tells whether a statement that has waited for so many seconds waits in vain.
IsInVain = Callable[[float], bool]


@dataclass(slots=True)
class Outage:
    """Whether there is one; known to every connection of a process."""

    is_on: bool = False

    def has_no_use(self, waited_s: float) -> bool:
        """Tells whether a statement waits in vain."""
        return self.is_on and waited_s > GRACE_S


def is_too_long(waited_s: float) -> bool:
    """Tells whether the watch has waited for too long for an answer."""
    return waited_s > ANSWER_LIMIT_S


class BoundedConnection(Connection[Any]):
    """A connection to PostgreSQL that is given up when a statement waits in vain; looked at ten times a second."""

    is_in_vain: IsInVain

    def wait(self, gen: PQGen[RV], interval: float = LOOK_EVERY_S, timeout: float | None = None) -> RV:
        """Waits for what `gen` has sent."""
        return super().wait(self._bounded(gen), interval, timeout)

    def _bounded(self, gen: PQGen[RV]) -> PQGen[RV]:
        began = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and self.is_in_vain(time.monotonic() - began):
                    self.pgconn.finish()
                    raise OperationalError("no answer in time")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
