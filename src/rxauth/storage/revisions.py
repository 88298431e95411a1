"""Which tables this version of rxauth works with; it does not load what makes them, so that a server starts quickly."""

from importlib.resources import files

from sqlalchemy import column, inspect, select, table

from rxauth.storage.database import Database, Transaction


class NotMigratedError(Exception):
    """The database does not have the tables this version of rxauth works with; str() says what to do."""


def latest_revision() -> str:
    """Returns the revision that this version of rxauth works with: the last of the files, by their numbers."""
    names = (file.name for file in files("rxauth.storage.migrations").joinpath("versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[0].isdigit())


def require_latest(database: Database) -> None:
    """Checks that the tables are those this version works with.

    Raises:
        NotMigratedError: they are older, newer or not there.
    """
    found, wanted = database.read(current_revision), latest_revision()
    if found != wanted:
        state = "no tables yet" if found is None else f"the tables of revision {found}"
        raise NotMigratedError(f"the database has {state}, this version needs {wanted}: run `rxauth migrate`")


def current_revision(transaction: Transaction) -> str | None:
    """Reads what the migrations left, None before the first; no organization has a part in it, so no guard is asked."""
    if not inspect(transaction.connection).has_table("alembic_version"):
        return None
    return transaction.connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
