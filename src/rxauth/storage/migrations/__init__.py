"""Migrations: Alembic, one set of revisions for both engines, run by the owner of the tables while servers serve."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from rxauth.storage.database import DatabaseUnavailableError
from rxauth.storage.engines import open_owner, parse_url
from rxauth.storage.migrations.engine_specific import alone, grant_to_serving_role, prepare, revision_by_revision
from rxauth.storage.migrations.row_security import (
    grant_to_second_role,
    lock_table,
    require_role,
    unlocked_tables,
)
from rxauth.storage.revisions import read_revision

ATTEMPTS: Final = 60
_PAUSE_S: Final = (0.2, 1.0)  # in which those go on who waited behind a lock that was asked for in vain
_LOCK_NOT_AVAILABLE: Final = "55P03"


def migrate(owner_url: str, serving_url: str, attempts: int = ATTEMPTS) -> list[str]:
    """Brings the tables up to date and gives the serving role its rights; returns the revisions that were applied.

    owner_url: connects as the owner of the tables; serving_url: as the role that serves, which owns nothing. attempts:
    how often a revision is tried that cannot get a table from those who use it.

    Raises:
        DatabaseUnavailableError: it cannot be reached as the owner, or does not let go of a table. The revisions before
            are applied; of the one that failed nothing is.
        MissingRoleError: see there; nothing was changed.
    """
    engine = open_owner(owner_url)
    applied: list[str] = []
    try:
        with engine.connect() as connection:
            prepare(connection)
            with alone(connection):
                serving_role = parse_url(serving_url).username
                with revision_by_revision(connection):
                    require_role(connection, serving_role)
                scripts = ScriptDirectory.from_config(_config())
                for revision in _to_apply(connection, scripts):
                    _patiently(lambda one=revision: _upgrade(connection, scripts, one, applied), attempts)  # type: ignore[misc]
                with revision_by_revision(connection):
                    grant_to_serving_role(connection, serving_role)
                    grant_to_second_role(connection)
                for table in unlocked_tables(connection):
                    _patiently(lambda one=table: lock_table(connection, one), attempts)  # type: ignore[misc]
    except OperationalError as error:
        raise DatabaseUnavailableError(str(error.orig).strip()) from None
    finally:
        engine.dispose()
    return applied


def _to_apply(connection: Connection, scripts: ScriptDirectory) -> list[Script]:
    """Lists what is still to be applied, one by one where others may go on meanwhile."""
    with revision_by_revision(connection):
        found = read_revision(connection)
    return list(scripts.iterate_revisions("head", found or "base"))[::-1]


def _upgrade(connection: Connection, scripts: ScriptDirectory, revision: Script, applied: list[str]) -> None:
    before = len(applied)
    config = _config()
    config.attributes.update(connection=connection, applied=applied)
    step = MigrationStep.upgrade_from_script(scripts.revision_map, revision)
    try:
        with (
            revision_by_revision(connection),
            EnvironmentContext(config, scripts, fn=lambda *_: [step], destination_rev=revision.revision),
        ):
            scripts.run_env()
    except BaseException:
        del applied[before:]
        raise


def _patiently(apply: Callable[[], None], attempts: int) -> None:
    """Applies a revision; whoever uses a table keeps it, and is asked for it again a moment later."""
    for attempt in range(1, attempts + 1):
        try:
            return apply()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or attempt == attempts:
                raise
            time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311
    raise AssertionError("unreachable")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
