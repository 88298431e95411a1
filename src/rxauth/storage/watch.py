"""The watch: a connection of its own that looks for changes, however busy the others are, and hears hints of them.

A hint says that looking now is worth it. It may be lost, or come for nothing: nobody relies on one.
"""

import select
import socket
import sqlite3
import time
from contextlib import suppress
from typing import Any, Final, Protocol

import psycopg
from sqlalchemy import Engine, event

LOOK_EVERY_S: Final = 0.025
CHANNEL: Final = "rxauth_changes"
_LAST_CHANGE: Final = "SELECT max(id) FROM changes"


class Watch(Protocol):
    """Where one thread waits for hints. `wake` and `close` are for others."""

    def wait(self, timeout_s: float) -> None:
        """Returns at a hint, when it is woken, and at the latest after the timeout."""

    def wake(self) -> None:
        """Has `wait` return."""

    def close(self) -> None:
        """Ends it; nobody waits any more."""


class _Bell:
    """Wakes the thread that waits. It may be rung and taken down at any time, and more than once."""

    def __init__(self) -> None:
        self._hears, self._rings = socket.socketpair()
        self._rings.setblocking(False)

    def ring(self) -> None:
        """Wakes it."""
        with suppress(OSError):
            self._rings.send(b"!")

    def close(self) -> None:
        """Takes it down."""
        self._hears.close()
        self._rings.close()

    def wait(self, timeout_s: float, *others: int) -> bool:
        """Waits until it is rung, or one of the other descriptors has something to read; tells whether that was so."""
        if self._hears.fileno() < 0:  # it was taken down: there is nothing to hear any more
            time.sleep(timeout_s)
            return False
        waiting = select.poll()  # select() takes no descriptor above 1023, and there may be thousands of connections
        for one in (self._hears.fileno(), *others):
            waiting.register(one, select.POLLIN)
        return bool(waiting.poll(timeout_s * 1_000))


class PostgresWatch:
    """Listens on the connection that looks: a trigger notifies with each transaction that adds changes."""

    def __init__(self, engine: Engine) -> None:
        self._bell = _Bell()
        self._connection: psycopg.Connection[Any] | None = None
        self._was_hinted = False
        event.listen(engine, "connect", self._listen)

    def wait(self, timeout_s: float) -> None:
        """Returns at a hint; without a connection, when the time is over."""
        if not self._was_hinted:
            connection = self._connection
            heard = [] if connection is None or connection.closed else [connection.pgconn.socket]
            self._bell.wait(timeout_s, *heard)
            self._take_in()
        self._was_hinted = False

    def wake(self) -> None:
        """Has `wait` return."""
        self._bell.ring()

    def close(self) -> None:
        """Ends it."""
        self._bell.close()

    def _listen(self, connection: Any, _entry: object) -> None:
        connection.autocommit = True
        connection.add_notify_handler(self._hear)
        connection.execute(f"LISTEN {CHANNEL}")
        self._connection = connection

    def _hear(self, _notify: psycopg.Notify) -> None:
        self._was_hinted = True  # it came while somebody looked, and may be of something later

    def _take_in(self) -> None:
        """Reads what has come, so that it is not taken for news once more."""
        if self._connection is None or self._connection.closed:
            return
        with suppress(psycopg.OperationalError):  # it broke: whoever looks finds out
            self._connection.pgconn.consume_input()
            while self._connection.pgconn.notifies():
                pass


class SqliteWatch:
    """Looks at the number of the last change, which costs a few microseconds, many times a second."""

    def __init__(self, engine: Engine) -> None:
        self._bell = _Bell()
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
    return SqliteWatch(engine) if engine.dialect.name == "sqlite" else PostgresWatch(engine)
