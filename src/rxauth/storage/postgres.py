"""PostgreSQL's connections and its watch: what needs the driver, which a server on SQLite never loads."""

import time
from contextlib import suppress
from typing import Any, Final

from psycopg import Connection, Notify, OperationalError
from psycopg.abc import RV, PQGen
from sqlalchemy import URL, Engine, create_engine, event

from rxauth.storage import compiled
from rxauth.storage.bell import Bell
from rxauth.storage.outage import IsInVain

CHANNEL: Final = "rxauth_changes"
POOL_TIMEOUT_S: Final = 2
STATEMENT_TIMEOUT_MS: Final = 5_000
# A standby is behind: nothing is read there, whatever the URL says. Of several hosts the one that takes writes is used.
ON_PRIMARY: Final = {"target_session_attrs": "read-write", "connect_timeout": 2}
# A process that stops in the middle of a transaction loses it, and with it the locks that others wait for.
IDLE_TIMEOUT_MS: Final = 10_000
# A peer that is gone without a word: what was sent is not confirmed, or an idle connection is not.
_NOTICING: Final = {
    "tcp_user_timeout": 3_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
_LOOK_EVERY_S: Final = 0.1
_LONGEST_LOOK_S: Final = 0.5  # a machine that stood still for longer did not wait for PostgreSQL meanwhile


class BoundedConnection(Connection[Any]):
    """A connection to PostgreSQL that is given up when a statement waits in vain; looked at ten times a second."""

    is_in_vain: IsInVain

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_EVERY_S, timeout: float | None = None) -> RV:
        """Waits for what `gen` has sent."""
        return super().wait(self._bounded(gen), interval, timeout)

    def _bounded(self, gen: PQGen[RV]) -> PQGen[RV]:
        waited_s, looked_at = 0.0, time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready:
                    before, looked_at = looked_at, time.monotonic()
                    waited_s += min(looked_at - before, _LONGEST_LOOK_S)
                    if self.is_in_vain(waited_s):
                        self.pgconn.finish()
                        raise OperationalError("no answer in time")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def open_pool(url: URL, connections: int, is_in_vain: IsInVain) -> Engine:
    """Opens a pool of connections that are given up when a statement waits in vain."""
    # Every statement is short: to compile one, or to start processes for it, would take longer than to run it.
    alone = "-c jit=off -c max_parallel_workers_per_gather=0"
    limits = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
    options = f"-c synchronous_commit=on {limits} -c timezone=UTC {alone}"
    arguments: dict[str, Any] = {**ON_PRIMARY, **_NOTICING, "options": options, "application_name": "rxauth"}
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_reset_on_return=None,
        hide_parameters=True,
        execution_options={"compiled_cache": compiled.OF_THIS_PROCESS},
        connect_args=arguments,
    )

    def connect(_dialect: object, _entry: object, positional: Any, named: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(*positional, **named)
        connection.is_in_vain = is_in_vain
        return connection

    event.listen(engine, "do_connect", connect)
    return engine


class PostgresWatch:
    """Listens on the connection that looks: a trigger notifies with each transaction that adds changes."""

    def __init__(self, engine: Engine) -> None:
        self._bell = Bell()
        self._connection: Connection[Any] | None = None
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

    def _hear(self, _notify: Notify) -> None:
        self._was_hinted = True  # it came while somebody looked, and may be of something later

    def _take_in(self) -> None:
        """Reads what has come, so that it is not taken for news once more."""
        if self._connection is None or self._connection.closed:
            return
        with suppress(OperationalError):  # it broke: whoever looks finds out
            self._connection.pgconn.consume_input()
            while self._connection.pgconn.notifies():
                pass
