"""Connections: the one place that knows how SQLite and PostgreSQL differ when they are opened."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from rxauth.storage import compiled
from rxauth.storage.outage import Outage, is_too_long

READERS: Final = 6  # as many as there are worker threads
SQLITE_WRITERS: Final = 1
POSTGRES_WRITERS: Final = 4
BUSY_TIMEOUT_S: Final = 5
MIGRATION_TIMEOUT_S: Final = 60  # another migration has SQLite's file until it is through


class UnsupportedDatabaseError(ValueError):
    """The URL names no database that rxauth runs on."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Two pools on one database, a connection for the watch, and the words that open a transaction in each.

    Connections are in the driver's autocommit mode, so that BEGIN is ours: SQLite must say IMMEDIATE before it reads
    what it will write, or two writers that both read first refuse each other.
    """

    reader: Engine
    writer: Engine
    watcher: Engine
    outage: Outage
    begin_read: str
    begin_write: str
    writers: int

    @property
    def is_sqlite(self) -> bool:
        """Tells which of the two engines this is."""
        return self.writer.dialect.name == "sqlite"

    def dispose(self) -> None:
        """Closes all connections."""
        self.reader.dispose()
        self.writer.dispose()
        self.watcher.dispose()


def parse_url(url: str) -> URL:
    """Reads a database URL: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.

    Several hosts are named as `postgresql://USER:PASSWORD@/NAME?host=HOST:PORT&host=HOST:PORT`.

    Raises:
        UnsupportedDatabaseError: anything else.
    """
    try:
        parsed = make_url(url)
    except Exception:
        raise UnsupportedDatabaseError("must be a URL like sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed
    raise UnsupportedDatabaseError("must be sqlite:///FILE or postgresql://USER@HOST/NAME")


def open_engines(url: str) -> Engines:
    """Opens the pools; no connection is made before the first transaction."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        reader = _sqlite(parsed, READERS, "PRAGMA query_only=ON")
        writer = _sqlite(parsed, SQLITE_WRITERS, "PRAGMA busy_timeout=0")
        watcher = _sqlite(parsed, 1, "PRAGMA query_only=ON")
        return Engines(reader, writer, watcher, Outage(), "BEGIN", "BEGIN IMMEDIATE", SQLITE_WRITERS)
    from rxauth.storage.postgres import open_pool  # noqa: PLC0415  # late: SQLite needs no driver

    outage = Outage()
    return Engines(
        open_pool(parsed, READERS, outage.has_no_use),
        open_pool(parsed, POSTGRES_WRITERS, outage.has_no_use),
        open_pool(parsed, 1, is_too_long),
        outage,
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        POSTGRES_WRITERS,
    )


def open_owner(url: str) -> Engine:
    """Opens a connection of the tables' owner, for migrations: SQLite in autocommit mode, PostgreSQL as drivers do."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        return create_engine(parsed, isolation_level="AUTOCOMMIT", connect_args={"timeout": MIGRATION_TIMEOUT_S})
    from rxauth.storage.postgres import ON_PRIMARY  # noqa: PLC0415  # late: SQLite needs no driver

    return create_engine(parsed, connect_args=ON_PRIMARY)


def _sqlite(url: URL, connections: int, pragma: str) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        pool_reset_on_return=None,
        hide_parameters=True,
        execution_options={"compiled_cache": compiled.OF_THIS_PROCESS},
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
    )

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL", pragma):
            cursor.execute(statement)
        cursor.close()

    event.listen(engine, "connect", prepare)
    return engine
