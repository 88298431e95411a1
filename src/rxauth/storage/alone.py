"""A statement that is a transaction of its own: one step for SQLite, one round trip to PostgreSQL, by the driver alone.

BEGIN and COMMIT around it, and the layers that they go through, take longer than the statement. What goes wrong is left
to the ordinary way, which knows what each error means.
"""

import random
import time
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

from sqlalchemy import Engine

from rxauth.storage.bounds import AT_ONCE_S, BUSY_PAUSE_S
from rxauth.storage.engines import BUSY_TIMEOUT_S
from rxauth.storage.errors import DatabaseUnavailableError, OutcomeUnknownError, is_busy
from rxauth.storage.tenancy import Statement


class Outcome(Enum):
    """What came of a statement. BROKEN: so did the connection, and whether anything was kept is not known."""

    COMMITTED = auto()
    REFUSED = auto()
    BROKEN = auto()


class Alone:
    """Runs statements of no organization on connections in autocommit mode."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._prepared: dict[Statement, tuple[str, Sequence[str] | None]] = {}

    def run(self, statement: Statement, values: Mapping[str, Any]) -> Outcome:
        """Runs one.

        Raises:
            DatabaseUnavailableError: another writer has SQLite's file for too long; nothing was kept.
            OutcomeUnknownError: the connection broke after a while; another would wait for as long.
        """
        text, order = self._prepared.get(statement) or self._prepare(statement)
        dialect, began = self._engine.dialect, time.monotonic()
        pooled = None
        try:
            pooled = self._engine.raw_connection()
            parameters = values if order is None else [values[name] for name in order]
            self._execute(pooled.driver_connection, text, parameters)
        except dialect.loaded_dbapi.Error as error:
            if pooled is None or not dialect.is_disconnect(error, pooled.driver_connection, None):
                return Outcome.REFUSED
            pooled.invalidate(error)
            if time.monotonic() - began > AT_ONCE_S:
                raise OutcomeUnknownError(type(error).__name__) from None
            return Outcome.BROKEN
        finally:
            if pooled is not None:
                pooled.close()
        return Outcome.COMMITTED

    def _execute(self, connection: Any, text: str, parameters: Any) -> None:
        """Executes a statement as soon as no other writer has SQLite's file; it was refused while one had."""
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                connection.execute(text, parameters)
                return
            except self._engine.dialect.loaded_dbapi.OperationalError as error:
                if not is_busy(error):
                    raise
                if time.monotonic() >= deadline:
                    raise DatabaseUnavailableError(type(error).__name__) from None
            time.sleep(random.uniform(*BUSY_PAUSE_S))  # noqa: S311

    def _prepare(self, statement: Statement) -> tuple[str, Sequence[str] | None]:
        if statement.owner is not None or statement.is_across:
            raise ValueError("row-level security would have to be told whose rows the statement touches")
        compiled = statement.clause.compile(dialect=self._engine.dialect)  # type: ignore[attr-defined]
        self._prepared[statement] = compiled.string, compiled.positiontup
        return self._prepared[statement]
