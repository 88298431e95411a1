"""Row-level security on PostgreSQL: each tenant's table shows a transaction the rows of the organization it is for.

Not the owner of the tables either: where one role does all, it is the owner that serves.
"""

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from rxauth.storage.migrations.engine_specific import grant_across_tenants, revision_by_revision
from rxauth.storage.revisions import MissingRoleError
from rxauth.storage.sight import ACROSS_ROLE, ORGANIZATION_SETTING
from rxauth.storage.tables import metadata
from rxauth.storage.tables.metadata import TENANT_COLUMN, is_tenant_table

_MIGRATING: Final = "rxauth.migrating"
# CASE, since the planner takes it for true half of the time: a second comparison of the organization would have it
# expect a handful of rows of an organization that has a million. A setting is asked for once a statement, not once a
# row, where it stands in a SELECT of its own; the role is asked of rows of other organizations only.
_POLICIES: Final = f"""
ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{table}} FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS one_organization ON {{table}};
CREATE POLICY one_organization ON {{table}} USING (
    CASE WHEN {TENANT_COLUMN} = (SELECT current_setting('{ORGANIZATION_SETTING}', true)) THEN true
    ELSE CURRENT_USER = '{ACROSS_ROLE}' END
);
DROP POLICY IF EXISTS migrations ON {{table}};
CREATE POLICY migrations ON {{table}} TO CURRENT_USER USING ((SELECT current_setting('{_MIGRATING}', true)) = 'yes')
"""
_UNLOCKED: Final = text(
    "SELECT relname FROM pg_class WHERE relname = ANY(:tables) AND NOT (relrowsecurity AND relforcerowsecurity"
    " AND 2 = (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid"
    " AND pg_get_expr(polqual, polrelid) LIKE '%SELECT current_setting(%'))"
    " AND relnamespace = CAST(current_schema() AS regnamespace)"
)
_SERVES: Final = text("SELECT coalesce(CAST(:role AS text), CURRENT_USER)")
_IS_THERE: Final = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")
_IS_MEMBER: Final = text("SELECT pg_has_role(:member, :role, 'MEMBER')")
_IS_FREE: Final = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :role")


def see_everything(connection: Connection) -> None:
    """Lets the owner's migrations move the rows of every organization until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL {_MIGRATING} = 'yes'")


def require_role(connection: Connection, serving_role: str | None) -> None:
    """Sees to it that the second role is there and that the one that serves may change to it.

    Raises:
        MissingRoleError: it does not, and the owner may not mend it.
    """
    if connection.dialect.name == "sqlite":
        return
    role = connection.execute(_SERVES, {"role": serving_role}).scalar_one()
    quoted = connection.dialect.identifier_preparer.quote(role)
    wanted = []
    if not connection.execute(_IS_THERE, {"role": ACROSS_ROLE}).scalar_one():
        wanted.append(f"CREATE ROLE {ACROSS_ROLE} NOLOGIN")
    if wanted or not connection.execute(_IS_MEMBER, {"member": role, "role": ACROSS_ROLE}).scalar_one():
        wanted.append(f"GRANT {ACROSS_ROLE} TO {quoted}")
    try:
        for statement in wanted:
            with connection.begin_nested():
                connection.exec_driver_sql(statement)
    except ProgrammingError:
        commands = " ".join(f"{one};" for one in wanted)
        raise MissingRoleError(f"a superuser of PostgreSQL has to run this first: {commands}") from None


def grant_to_second_role(connection: Connection) -> None:
    """Gives the second role its rights: on tenants' tables those of the role that serves, to read the others."""
    if connection.dialect.name == "postgresql":
        grant_across_tenants(connection, ACROSS_ROLE, _tenants_tables())


def unlocked_tables(connection: Connection) -> list[str]:
    """Lists the tenants' tables without row-level security, or with policies of an older version; SQLite has none."""
    if connection.dialect.name == "sqlite":
        return []
    with revision_by_revision(connection):
        return list(connection.execute(_UNLOCKED, {"tables": _tenants_tables()}).scalars())


def lock_table(connection: Connection, table: str) -> None:
    """Puts row-level security on a table, for which it needs it alone for a moment."""
    with revision_by_revision(connection):
        quoted = connection.dialect.identifier_preparer.quote(table)
        connection.exec_driver_sql(_POLICIES.format(table=quoted))


def _tenants_tables() -> list[str]:
    return [table.name for table in metadata.tables.values() if is_tenant_table(table)]
