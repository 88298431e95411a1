"""Where a transaction begins and ends, on either engine."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from rxauth.storage.engines import BUSY_TIMEOUT_S
from rxauth.storage.errors import OutcomeUnknownError, is_busy

BUSY_PAUSE_S: Final = (0.0005, 0.002)
AT_ONCE_S: Final = 1.0  # whoever takes longer to say that a connection broke stands still, and would again


@contextmanager
def begun(engine: Engine, begin: str) -> Iterator[Connection]:
    """Opens a transaction, waiting for SQLite's other writers with short random pauses."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    fresh_connections = 1
    while True:
        connection, asked_at = engine.connect(), time.monotonic()
        try:
            connection.exec_driver_sql(begin)
            break
        except OperationalError as error:
            connection.close()
            broke_at_once = error.connection_invalidated and time.monotonic() - asked_at <= AT_ONCE_S
            if broke_at_once and fresh_connections:
                fresh_connections -= 1  # it broke while it lay in the pool: nothing was sent, so ask a new one
            elif not is_busy(error) or time.monotonic() >= deadline:
                raise
            else:
                time.sleep(random.uniform(*BUSY_PAUSE_S))  # noqa: S311
    with connection:
        yield connection


def commit(connection: Connection, *, may_change: bool) -> None:
    """Commits.

    Raises:
        OutcomeUnknownError: the connection broke, and something may have changed. SQLAlchemyError: nothing was kept.
    """
    try:
        connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        if may_change and error.connection_invalidated:
            raise OutcomeUnknownError(type(error.orig).__name__) from None
        raise


def roll_back(connection: Connection) -> None:
    """Undoes what was done since the beginning."""
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:
        connection.invalidate()  # it is broken: the server rolls back what it loses
