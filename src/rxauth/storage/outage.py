"""An outage: while the database does not answer, nobody waits for it but the one who looks whether it is back.

PostgreSQL that stands still keeps its connections: whoever asks it something would wait for as long as it likes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

ANSWER_LIMIT_S: Final = 2.5  # what the watch asks is answered in a millisecond
GRACE_S: Final = 0.5
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
