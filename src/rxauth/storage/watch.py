"""The watch: a connection of its own that looks for changes, however busy the others are, and hears hints of them.

A hint says that looking now is worth it. It may be lost, or come for nothing: nobody relies on one.
"""

import sqlite3
import time
from typing import Any, Final, Protocol

from sqlalchemy import Engine, event

from rxauth.storage.bell import Bell

LOOK_EVERY_S: Final = 0.025
_LAST_CHANGE: Final = "SELECT max(id) FROM changes"


class Watch(Protocol):
    """Where one thread waits for hints. `wake` and `close` are for others."""

    def wait(self, timeout_s: float) -> None:
        """Returns at a hint, when it is woken, and at the latest after the timeout."""

    def wake(self) -> None:
        """Has `wait` return."""

    def close(self) -> None:
        """Ends it; nobody waits any more."""


class SqliteWatch:
    """Looks at the number of the last change, which costs a few microseconds, many times a second."""

    def __init__(self, engine: Engine) -> None:
        self._bell = Bell()
        self._connection: sqlite3.Connection | None = None
        self._last: object = None
        event.listen(engine, "connect", self._keep)

    def wait(self, timeout_s: float) -> None:
        """Returns when there is a change that was not there at the last look."""
        ends_at = time.monotonic() + timeout_s
        while (left_s := ends_at - time.monotonic()) > 0:
            if self._bell.wait(min(LOOK_EVERY_S, left_s)) or self._is_new():
                return

    def wake(self) -> None:
        """Has `wait` return."""
        self._bell.ring()

    def close(self) -> None:
        """Ends it."""
        self._bell.close()

    def _keep(self, connection: Any, _entry: object) -> None:
        self._connection = connection

    def _is_new(self) -> bool:
        if self._connection is None:
            return False
        try:
            [last] = self._connection.execute(_LAST_CHANGE).fetchone()
        except sqlite3.Error:
            return True  # whoever looks finds out
        before, self._last = self._last, last
        return bool(last != before)


def open_watch(engine: Engine) -> Watch:
    """Opens the watch on an engine that has one connection, which nobody else uses."""
    if engine.dialect.name == "sqlite":
        return SqliteWatch(engine)
    from rxauth.storage.postgres import PostgresWatch  # noqa: PLC0415  # late: SQLite needs no driver

    return PostgresWatch(engine)
