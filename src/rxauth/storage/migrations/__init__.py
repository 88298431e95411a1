"""Migrations: Alembic, one set of revisions for both engines, run by the owner of the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from rxauth.storage.database import DatabaseUnavailableError
from rxauth.storage.engines import open_owner, parse_url
from rxauth.storage.migrations.engine_specific import alone, prepare


def migrate(owner_url: str, serving_url: str) -> list[str]:
    """Brings the tables up to date and gives the serving role its rights; returns the revisions that were applied.

    owner_url: connects as the owner of the tables; serving_url: as the role that serves, which owns nothing.

    Raises:
        DatabaseUnavailableError: it cannot be reached as the owner; nothing was changed.
    """
    engine = open_owner(owner_url)
    try:
        with engine.connect() as connection:
            prepare(connection)
            with alone(connection):
                return _upgrade(connection, parse_url(serving_url).username)
    except OperationalError as error:
        raise DatabaseUnavailableError(str(error.orig).strip()) from None
    finally:
        engine.dispose()


def _upgrade(connection: Connection, serving_role: str | None) -> list[str]:
    config = _config()
    applied: list[str] = []
    config.attributes.update(connection=connection, serving_role=serving_role, applied=applied)
    command.upgrade(config, "head")
    return applied


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
