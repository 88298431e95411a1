"""Which tables this version of rxauth works with; it does not load what makes them, so that a server starts quickly."""

from sqlalchemy import Connection, column, inspect, select, table

from rxauth.storage.database import Database, Transaction
from rxauth.storage.latest import latest_revision
from rxauth.storage.tables.installation import compatibility
from rxauth.storage.tenancy import sql

_OLDEST_SERVER = sql(select(compatibility.c.oldest_server))


class NotMigratedError(Exception):
    """The database does not have the tables this version of rxauth works with; str() says what to do."""


class MissingRoleError(Exception):
    """PostgreSQL lacks a role, or a membership in it, that the server needs; str() says what to do."""


def require_tables(database: Database) -> None:
    """Checks that this version works with the tables: they are its own, or newer ones that older servers may serve.

    Raises:
        NotMigratedError: they are older, too new or not there.
    """
    found, wanted = database.read(current_revision), latest_revision()
    if found is None or found < wanted:
        state = "no tables yet" if found is None else f"the tables of revision {found}"
        raise NotMigratedError(f"the database has {state}, this version needs {wanted}: run `rxauth migrate`")
    if found == wanted:
        return
    oldest = str(database.read(lambda tx: tx.first(_OLDEST_SERVER)).oldest_server)
    if wanted < oldest:
        raise NotMigratedError(
            f"the database has the tables of revision {found}, which need a version for {oldest} or later, "
            f"and this one is for {wanted}: install a newer version of rxauth"
        )


def current_revision(transaction: Transaction) -> str | None:
    """Reads what the migrations left, None before the first."""
    return read_revision(transaction.connection)


def read_revision(connection: Connection) -> str | None:
    """Reads what the migrations left; no organization has a part in it, so no guard is asked."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
