"""Places: more threads write than there are connections, and none waits for ever while others are quicker."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

# Whoever is running already is quickest, and asks again first: that costs least, as long as nobody waits for longer.
PATIENCE_S: Final = 0.05


class NoPlaceError(Exception):
    """Every place was taken for as long as somebody would wait."""


@dataclass(eq=False, slots=True)
class _Waiter:
    """A thread that waits. gate: opened when it may look again, or has its turn."""

    since: float
    has_turn: bool = False
    gate: threading.Lock = field(default_factory=threading.Lock)


class Places:
    """So many places; a thread that has waited for `PATIENCE_S` gets the next one that is left."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[_Waiter] = deque()
        self._changing = threading.Lock()

    @contextmanager
    def take(self, timeout_s: float) -> Iterator[None]:
        """Holds a place for the length of a block.

        Raises:
            NoPlaceError: none was left for `timeout_s`.
        """
        self._enter(timeout_s)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, timeout_s: float) -> None:
        with self._changing:
            if self._took_one():
                return
            mine = _Waiter(time.monotonic())
            mine.gate.acquire()
            self._waiting.append(mine)
        while True:
            is_open = mine.gate.acquire(timeout=max(0, mine.since + timeout_s - time.monotonic()))
            with self._changing:
                if mine.has_turn:
                    return
                has_place = self._took_one()
                if has_place or not is_open:
                    self._waiting.remove(mine)
                if has_place:
                    self._wake_first()  # another place may have been left meanwhile
                    return
            if not is_open:
                raise NoPlaceError

    def _took_one(self) -> bool:
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def _leave(self) -> None:
        with self._changing:
            if self._waiting and time.monotonic() - self._waiting[0].since >= PATIENCE_S:
                next_one = self._waiting.popleft()
                next_one.has_turn = True
                if next_one.gate.locked():  # else it was woken already, and has not run since
                    next_one.gate.release()
                return
            self._free += 1
            self._wake_first()

    def _wake_first(self) -> None:
        if self._free and self._waiting and self._waiting[0].gate.locked():
            self._waiting[0].gate.release()
