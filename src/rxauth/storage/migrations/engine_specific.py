"""The one place where migrations ask which engine they run on: roles, locks, modes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

_MIGRATION_LOCK: Final = 7_296_001
# What the serving role may do; a table that is not named here gets the four usual rights.
_RIGHTS: Final = {
    **dict.fromkeys(("audit_outbox", "audit_log", "audit_entries", "audit_checkpoints"), "SELECT, INSERT"),
    "alembic_version": "SELECT",
}
_USUAL_RIGHTS: Final = "SELECT, INSERT, UPDATE, DELETE"


def prepare(connection: Connection) -> None:
    """Sets what must hold before the first revision: on SQLite the write-ahead log, and a file for its owner only."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA journal_mode=WAL"))
        connection.commit()
        Path(str(connection.engine.url.database)).chmod(0o600)


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Opens one transaction for all revisions, and keeps a second migration out while it runs."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        return
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    connection.commit()
    try:
        with connection.begin():
            yield
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()


def refuse_changes(connection: Connection, tables: Iterable[str]) -> None:
    """Lets rows be added to these tables only: by triggers on SQLite; PostgreSQL has the serving role's rights."""
    if connection.dialect.name != "sqlite":
        return
    for table in tables:
        for act in ("UPDATE", "DELETE"):
            refusal = "SELECT RAISE(ABORT, 'the audit log is kept as it is');"
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} BEGIN {refusal} END"
            )


def grant_to_serving_role(connection: Connection, role: str | None) -> None:
    """Gives the role that serves its rights on each table; the owner needs none, and SQLite has no roles."""
    if connection.dialect.name == "sqlite" or role is None or role == connection.engine.url.username:
        return
    quoted = connection.dialect.identifier_preparer.quote(role)
    tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"))
    for (table,) in tables.all():
        name = connection.dialect.identifier_preparer.quote(table)
        connection.execute(text(f"REVOKE ALL ON {name} FROM {quoted}"))
        connection.execute(text(f"GRANT {_RIGHTS.get(table, _USUAL_RIGHTS)} ON {name} TO {quoted}"))
    current_schema = connection.execute(text("SELECT current_schema()")).scalar_one()
    schema = connection.dialect.identifier_preparer.quote(current_schema)
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted}"))
