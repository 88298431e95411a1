"""Loading rows by the million: COPY on PostgreSQL, many at a time on SQLite; indexes are made again afterwards."""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import psycopg

from bench.big.records import COLUMNS, Row
from rxauth.storage.engines import parse_url

Say = Callable[[str], None]
_PROGRESS_ROWS: Final = 1_000_000
_BATCH_ROWS: Final = 2_000
_CHUNK_CHARACTERS: Final = 1 << 16
_FOREIGN_KEYS: Final = """
SELECT conrelid::regclass::text AS home, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND (conrelid::regclass::text = ANY(%(names)s) OR confrelid::regclass::text = ANY(%(names)s))
"""
_KEYS: Final = """
SELECT conrelid::regclass::text AS home, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype IN ('p', 'u') AND conrelid::regclass::text = ANY(%(names)s)
"""
_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = current_schema() AND tablename = ANY(%(names)s)
AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


def load(owner_url: str, rows: Iterable[tuple[str, Row]], say: Say) -> None:
    """Adds rows, each with the name of its table, to the tables of `COLUMNS`; owner_url: of the tables' owner."""
    url = parse_url(owner_url)
    seen = _counted(rows, say)
    if url.drivername == "sqlite":
        _load_sqlite(str(url.database), seen, say)
    else:
        _load_postgres(url.set(drivername="postgresql").render_as_string(hide_password=False), seen, say)


def _counted(rows: Iterable[tuple[str, Row]], say: Say) -> Iterator[tuple[str, Row]]:
    started_at, number = time.monotonic(), 0
    for number, row in enumerate(rows, 1):
        yield row
        if number % _PROGRESS_ROWS == 0:
            say(f"{number:,} rows after {time.monotonic() - started_at:.0f} s")
    say(f"{number:,} rows in {time.monotonic() - started_at:.0f} s")


def _load_postgres(url: str, rows: Iterator[tuple[str, Row]], say: Say) -> None:
    names = {"names": list(COLUMNS)}
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("SET maintenance_work_mem = '512MB'")
        foreign_keys, keys = owner.execute(_FOREIGN_KEYS, names).fetchall(), owner.execute(_KEYS, names).fetchall()
        indexes = owner.execute(_INDEXES, names).fetchall()
        for home, name, _ in [*foreign_keys, *keys]:
            _run(owner, f"ALTER TABLE {home} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            _run(owner, f"DROP INDEX {name}")
        for name in COLUMNS:  # COPY is for those whom row-level security lets alone
            _run(owner, f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
        _copy(url, rows)
        for name in COLUMNS:
            _run(owner, f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        for home, name, definition in keys:
            _timed(owner, f"ALTER TABLE {home} ADD CONSTRAINT {name} {definition}", name, say)
        for name, definition in indexes:
            _timed(owner, definition, name, say)
        for home, name, definition in foreign_keys:
            _timed(owner, f"ALTER TABLE {home} ADD CONSTRAINT {name} {definition}", name, say)
        for name in COLUMNS:
            _timed(owner, f"VACUUM (ANALYZE) {name}", f"statistics of {name}", say)


def _copy(url: str, rows: Iterator[tuple[str, Row]]) -> None:
    """Writes to every table at once, each on a connection of its own: nothing binds them until the keys are back."""
    with ExitStack() as stack:
        copies: dict[str, psycopg.Copy] = {}
        for name, columns in COLUMNS.items():
            connection = stack.enter_context(psycopg.connect(url))
            connection.execute("SET synchronous_commit = off")
            statement = f"COPY {name} ({', '.join(columns)}) FROM STDIN"
            copies[name] = stack.enter_context(connection.cursor().copy(statement.encode()))
        chunks: defaultdict[str, list[str]] = defaultdict(list)
        sizes: defaultdict[str, int] = defaultdict(int)
        for name, row in rows:
            line = _line(row)
            chunks[name].append(line)
            sizes[name] += len(line)
            if sizes[name] > _CHUNK_CHARACTERS:
                copies[name].write("".join(chunks[name]))
                chunks[name], sizes[name] = [], 0
        for name, chunk in chunks.items():
            copies[name].write("".join(chunk))


def _line(row: Row) -> str:
    """Writes a row in COPY's text format; no value has a character that would be escaped in it."""
    return "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"


def _timed(owner: psycopg.Connection[Any], statement: str, name: str, say: Say) -> None:
    started_at = time.monotonic()
    _run(owner, statement)
    took_s = time.monotonic() - started_at
    if took_s > 1:
        say(f"{name} in {took_s:.0f} s")


def _run(owner: psycopg.Connection[Any], statement: str) -> None:
    owner.execute(statement.encode())


def _load_sqlite(path: str, rows: Iterator[tuple[str, Row]], say: Say) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        with _without_indexes(connection, say):
            waiting: defaultdict[str, list[Row]] = defaultdict(list)
            for name, row in rows:
                waiting[name].append(row)
                if len(waiting[name]) == _BATCH_ROWS:
                    _insert(connection, name, waiting.pop(name))
            for name, some in waiting.items():
                _insert(connection, name, some)
        connection.execute("COMMIT")
    finally:
        connection.close()


@contextmanager
def _without_indexes(connection: sqlite3.Connection, say: Say) -> Iterator[None]:
    places = ", ".join("?" * len(COLUMNS))
    wanted = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({places})"
    indexes = connection.execute(wanted, tuple(COLUMNS)).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for name, definition in indexes:
        started_at = time.monotonic()
        connection.execute(definition)
        if time.monotonic() - started_at > 1:
            say(f"{name} in {time.monotonic() - started_at:.0f} s")


def _insert(connection: sqlite3.Connection, name: str, some: list[Row]) -> None:
    columns = COLUMNS[name]
    statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    connection.executemany(statement, some)
