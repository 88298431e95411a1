"""A file for what an import has to remember and memory should not hold; it is thrown away with the import."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any


class Scratch:
    """Tables of an import's own, in a file that only it sees."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def make(self, statement: str) -> None:
        """Makes a table or an index."""
        self._connection.execute(statement)

    def add(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement for each of many rows."""
        self._connection.executemany(statement, rows)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Reads rows, one after the other."""
        yield from self._connection.execute(statement, values)


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Makes a scratch file, and removes it."""
    with (
        tempfile.TemporaryDirectory(prefix="rxauth-import-") as folder,
        closing(sqlite3.connect(Path(folder) / "scratch.sqlite", isolation_level=None)) as connection,
    ):
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16000", "temp_store = FILE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        yield Scratch(connection)
