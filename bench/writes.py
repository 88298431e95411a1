"""What was written to a database: the evidence that audit is on, and that verification writes nothing."""

from typing import Any

from sqlalchemy import text

from bench.installation import Installation
from rxauth.storage.engines import open_engines
from rxauth.storage.migrations.row_security import see_everything
from rxauth.storage.tables import metadata


class Writes:
    """Looks at a database from outside, on one connection that it keeps."""

    def __init__(self, installation: Installation) -> None:
        settings = installation.settings
        self._engines = open_engines(settings.owner_database_url or settings.database_url)
        self._connection = self._engines.reader.connect()

    def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()
        self._engines.dispose()

    def recorded_acts(self) -> int:
        """Counts the records of the audit outbox."""
        return int(self._one("SELECT count(*) FROM audit_outbox")[0])

    def mark(self) -> Any:
        """Returns something that differs as soon as anybody else commits a change.

        SQLite counts that itself, for each connection that asks. On PostgreSQL it is each table's number of rows, and
        the sum of the transactions that wrote them.
        """
        if self._engines.is_sqlite:
            return self._one("PRAGMA data_version")
        statement = "SELECT count(*), coalesce(sum(xmin::text::bigint), 0) FROM {}"
        return [self._one(statement.format(name)) for name in sorted(metadata.tables)]

    def _one(self, statement: str) -> tuple[Any, ...]:
        if self._engines.is_sqlite:
            return tuple(self._connection.execute(text(statement)).one())
        self._connection.exec_driver_sql("BEGIN")
        see_everything(self._connection)
        row = self._connection.execute(text(statement)).one()
        self._connection.exec_driver_sql("COMMIT")
        return tuple(row)
