"""Database and Transaction: work is a plain function, run inside one transaction, that may run twice."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from rxauth.storage.alone import Alone, Outcome
from rxauth.storage.bounds import BUSY_PAUSE_S, begun, commit, roll_back
from rxauth.storage.engines import BUSY_TIMEOUT_S, Engines, open_engines
from rxauth.storage.errors import (
    ConflictError,
    DatabaseUnavailableError,
    KeptAsItIsError,
    NotPermittedError,
    OutcomeUnknownError,
    TryAgainError,
    UnacceptableValueError,
    meaning,
)
from rxauth.storage.places import NoPlaceError, Places
from rxauth.storage.sight import Sight, of_organization
from rxauth.storage.tenancy import Statement
from rxauth.storage.watch import Watch, open_watch

__all__ = [
    "ConflictError",
    "Database",
    "DatabaseUnavailableError",
    "KeptAsItIsError",
    "NotPermittedError",
    "Origin",
    "OutcomeUnknownError",
    "Transaction",
    "TryAgainError",
    "UnacceptableValueError",
]
Announcement = tuple[str, str]  # the kind of a thing that changed, and its identifier
Result = TypeVar("Result")
ATTEMPTS: Final = 5
_ENGINE_NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that a transaction is made for: what records of its acts say of it."""

    network: str
    request_id: str


class Transaction:
    """What work may do with the database: run statements that passed the tenancy guard, and announce changes.

    origin None: no request asked for it, or one that says itself where it came from. organization_id: whose rows it
    may touch; None: of each organization that a statement names.
    """

    def __init__(
        self, connection: Connection, origin: Origin | None = None, organization_id: str | None = None
    ) -> None:
        self.connection = connection
        self.origin = origin
        self._sight = Sight(organization_id, is_fixed=organization_id is not None)
        self._has_row_security = connection.dialect.name == "postgresql"
        self.announced: list[Announcement] = []

    def all(self, statement: Statement, **values: Any) -> Sequence[Any]:
        """Returns every row."""
        return self._execute(statement, values).all()

    def first(self, statement: Statement, **values: Any) -> Any:
        """Returns the first row, or None."""
        return self._execute(statement, values).first()

    def run(self, statement: Statement, **values: Any) -> int:
        """Runs a statement that returns no rows, and says how many it touched."""
        return self._execute(statement, values).rowcount

    def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs a statement once for each mapping of `rows`."""
        if rows:
            # The drivers make a batch, or a pipeline, of a list: not of one row.
            self._execute(statement, rows if len(rows) > 1 else rows[0])

    def attempt(self, work: "Callable[[Transaction], Result]") -> Result:
        """Runs `work`; if it raises, what it did is undone, and the rest of the transaction stays as it is."""
        self._driver_run("SAVEPOINT attempt")
        sight = replace(self._sight)
        try:
            result = work(self)
        except BaseException:
            self._sight = sight  # PostgreSQL goes back to it too
            with suppress(SQLAlchemyError):  # the connection is broken: the whole transaction is lost anyway
                self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT attempt")
            raise
        self._driver_run("RELEASE SAVEPOINT attempt")
        return result

    def _driver_run(self, statement: str) -> None:
        try:
            self.connection.exec_driver_sql(statement)
        except SQLAlchemyError as error:
            raise meaning(error) from None

    def _execute(self, statement: Statement, values: Any) -> CursorResult[Any]:
        told = self._sight.turn_to(statement, values)
        if told and self._has_row_security:
            self._driver_run(told)
        try:
            return self.connection.execute(statement.clause, values)
        except (SQLAlchemyError, UnicodeEncodeError) as error:
            raise meaning(error) from None  # a driver's text may quote values

    def engine_name(self) -> str:
        """Returns which engine this is, with its version."""
        dialect = self.connection.dialect
        version = ".".join(str(part) for part in dialect.server_version_info or ())
        return f"{_ENGINE_NAMES[dialect.name]} {version}".rstrip()

    def announce(self, kind: str, subject_id: str) -> None:
        """Has this process told of a change as soon as it is committed."""
        self.announced.append((kind, subject_id))


class Database:
    """One database. Blocks its thread: call it from a worker thread, never from the event loop."""

    def __init__(self, url: str) -> None:
        self.engines: Engines = open_engines(url)
        self.watch: Watch = open_watch(self.engines.watcher)
        self._places = Places(self.engines.writers)
        self._alone = Alone(self.engines.writer)
        self._counting = threading.Lock()
        self.refused_rights = 0  # how often something was tried here that the role, or a trigger, does not allow
        self.times_unavailable = 0  # how often a transaction ended in DatabaseUnavailableError
        self._listener: Callable[[Sequence[Announcement]], None] | None = None

    def listen(self, listener: Callable[[Sequence[Announcement]], None]) -> None:
        """Has `listener` called, after each commit of this process, with what the transaction announced."""
        self._listener = listener

    def read(self, work: Callable[[Transaction], Result], *, organization_id: str | None = None) -> Result:
        """Runs `work` on one unchanging view of the database.

        organization_id: the one organization that it is about, where that is known before.

        Raises:
            DatabaseUnavailableError: see there.
        """
        try:
            self._require_answers()
            return self._attempt(self.engines.reader, self.engines.begin_read, work, None, organization_id)
        except DatabaseUnavailableError:
            self._count_unavailable()
            raise

    def write(
        self,
        work: Callable[[Transaction], Result],
        origin: Origin | None = None,
        *,
        organization_id: str | None = None,
    ) -> Result:
        """Runs `work` and commits; the result is returned only when it is durable.

        `work` may run several times, so it must do nothing but use its transaction. organization_id: see `read`.

        Raises:
            ConflictError: a constraint refused it.
            DatabaseUnavailableError: see there. OutcomeUnknownError: see there.
        """
        return self._in_place(
            lambda: self._attempt(self.engines.writer, self.engines.begin_write, work, origin, organization_id)
        )

    def write_one(self, statement: Statement, **values: Any) -> None:
        """Commits one statement of no organization at the least cost; its rows have identifiers that there are once.

        Raises:
            ConflictError, DatabaseUnavailableError, OutcomeUnknownError: as `write`.
        """

        def act() -> None:
            outcome, work = self._alone.run(statement, values), partial(Transaction.run, statement=statement, **values)
            try:
                if outcome is not Outcome.COMMITTED:
                    self._attempt(self.engines.writer, self.engines.begin_write, work, None, None)
            except ConflictError:
                if outcome is Outcome.BROKEN:
                    raise OutcomeUnknownError("it was kept, or something like it") from None
                raise

        self._in_place(act)

    def look(self, work: Callable[[Transaction], Result]) -> Result:
        """Reads on the watch's own connection, for the one thread that has the watch.

        While the database does not answer it, `read` and `write` refuse at once: nobody waits, nobody connects but this
        thread, and when it gets an answer the others go on.

        Raises:
            DatabaseUnavailableError: see there.
        """
        try:
            result = self._attempt(self.engines.watcher, self.engines.begin_read, work, None, None)
        except DatabaseUnavailableError:
            self.engines.outage.is_on = True
            raise
        self.engines.outage.is_on = False
        return result

    def connections_in_use(self) -> dict[str, int]:
        """Returns how many connections are in use, by pool."""
        pools = {"reader": self.engines.reader.pool, "writer": self.engines.writer.pool}
        return {name: pool.checkedout() for name, pool in pools.items() if isinstance(pool, QueuePool)}

    def close(self) -> None:
        """Closes all connections."""
        self.engines.dispose()
        self.watch.close()

    def _in_place(self, act: Callable[[], Result]) -> Result:
        """Does something with a writer's connection, as soon as there is one."""
        try:
            self._require_answers()
            with self._places.take(BUSY_TIMEOUT_S):
                self._require_answers()
                return act()
        except NoPlaceError:
            self._count_unavailable()
            raise DatabaseUnavailableError("every connection is in use") from None
        except DatabaseUnavailableError:
            self._count_unavailable()
            raise

    def _attempt(
        self,
        engine: Engine,
        begin: str,
        work: Callable[[Transaction], Result],
        origin: Origin | None,
        organization_id: str | None,
    ) -> Result:
        if organization_id is not None and not self.engines.is_sqlite:
            begin = f"{begin}; {of_organization(organization_id)}"  # both go to PostgreSQL at once
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._transaction(engine, begin, origin, organization_id) as transaction:
                    result = work(transaction)
            except (NotPermittedError, KeptAsItIsError):
                self._count_refusal()
                raise
            except (SQLAlchemyError, TryAgainError) as error:
                meant = meaning(error)
                if isinstance(meant, (NotPermittedError, KeptAsItIsError)):
                    self._count_refusal()
                if not isinstance(meant, TryAgainError):
                    raise meant from None
                if attempt == ATTEMPTS:
                    raise DatabaseUnavailableError("the database kept refusing the transaction") from None
                time.sleep(random.uniform(*BUSY_PAUSE_S) * attempt)  # noqa: S311
                continue
            if transaction.announced and self._listener is not None:
                self._listener(transaction.announced)
            return result
        raise AssertionError("unreachable")

    def _require_answers(self) -> None:
        if self.engines.outage.is_on:
            raise DatabaseUnavailableError("it does not answer")

    def _count_unavailable(self) -> None:
        with self._counting:
            self.times_unavailable += 1

    def _count_refusal(self) -> None:
        with self._counting:
            self.refused_rights += 1

    @contextmanager
    def _transaction(
        self, engine: Engine, begin: str, origin: Origin | None, organization_id: str | None
    ) -> Iterator[Transaction]:
        with begun(engine, begin) as connection:
            try:
                yield Transaction(connection, origin, organization_id)
                commit(connection, may_change=begin == self.engines.begin_write)
            except BaseException:
                roll_back(connection)
                raise
