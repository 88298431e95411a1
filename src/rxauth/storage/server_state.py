"""What the database is set to, as far as it decides whether an acknowledged write is kept, and what its role may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rxauth.storage.database import Transaction

OLDEST_POSTGRES: Final = 13
# What loses acknowledged writes, tears pages or lets tables swell, unless it is on.
MUST_BE_ON: Final = ("fsync", "full_page_writes", "autovacuum")
_SETTINGS: Final = (*MUST_BE_ON, "synchronous_standby_names", "max_connections", "server_version_num")
_OWNS: Final = (
    "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND pg_has_role(session_user, relowner, 'USAGE')"
)
_IS_UNBOUND: Final = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user"


@dataclass(frozen=True, slots=True)
class ServerState:
    """settings: of PostgreSQL, by name; on SQLite `journal_mode` and `synchronous`. The others: always False there.

    owns_tables: the role can change the tables, and with them the audit log. is_unbound: row-level security does not
    bind it. is_standby: it takes no writes.
    """

    settings: Mapping[str, str]
    owns_tables: bool
    is_unbound: bool
    is_standby: bool


def read(transaction: Transaction) -> ServerState:
    """Asks the database about itself; no organization has a part in it."""
    run = transaction.connection.exec_driver_sql
    if transaction.connection.dialect.name == "sqlite":
        pragmas = {name: str(run(f"PRAGMA {name}").scalar_one()) for name in ("journal_mode", "synchronous")}
        return ServerState(pragmas, owns_tables=False, is_unbound=False, is_standby=False)
    settings = {name: str(run(f"SELECT current_setting('{name}')").scalar_one()) for name in _SETTINGS}
    return ServerState(
        settings,
        owns_tables=bool(run(_OWNS).scalar_one()),
        is_unbound=bool(run(_IS_UNBOUND).scalar_one()),
        is_standby=bool(run("SELECT pg_is_in_recovery()").scalar_one()),
    )
