"""The one place where migrations ask which engine they run on: roles, locks, modes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from rxauth.storage.migrations import months

_MIGRATION_LOCK: Final = 7_296_001
LOCK_TIMEOUT_MS: Final = 500
# What the serving role may do; a table that is not named here gets the four usual rights.
_RIGHTS: Final = {
    **dict.fromkeys(
        (
            *("audit_outbox", "audit_log", "audit_keys", "audit_entries", "audit_reports", "audit_checkpoints"),
            *("audit_index", "audit_verifications", "access_records", "access_record_patients"),
        ),
        "SELECT, INSERT",
    ),
    **dict.fromkeys(("alembic_version", "compatibility"), "SELECT"),
}
# What somebody else put beside them is none of ours.
_OURS: Final = (
    "SELECT relname, relispartition FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace)"
    " AND pg_has_role(relowner, 'USAGE') AND relkind IN "
)
_TABLES: Final = text(_OURS + "('r', 'p')")
_SEQUENCES: Final = text(_OURS + "('S')")
_USUAL_RIGHTS: Final = "SELECT, INSERT, UPDATE, DELETE"
_COPY: Final = text(
    "INSERT INTO audit_entries SELECT * FROM audit_entries_before WHERE seq >= :first AND seq < :until ORDER BY seq"
)
# A range is made on its own and then attached, which lets others go on reading and adding. psycopg reads %% as %.
_MAKE_RANGE: Final = """
CREATE FUNCTION audit_make_range() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp
AS $$
DECLARE
    made bigint;
    head bigint;
BEGIN
    SELECT count(*) INTO made FROM pg_inherits WHERE inhparent = '{schema}.audit_entries'::regclass;
    SELECT coalesce(max(seq), 0) INTO head FROM {schema}.audit_entries;
    WHILE made < head / {entries} + 2 LOOP
        EXECUTE format(
            'CREATE TABLE {schema}.audit_entries_%%s (LIKE {schema}.audit_entries INCLUDING ALL)', made
        );
        EXECUTE format(
            'ALTER TABLE {schema}.audit_entries ATTACH PARTITION {schema}.audit_entries_%%s'
            ' FOR VALUES FROM (%%s) TO (%%s)',
            made, CASE made WHEN 0 THEN 'MINVALUE' ELSE (made * {entries})::text END, (made + 1) * {entries}
        );
        made := made + 1;
    END LOOP;
END
$$
"""


def prepare(connection: Connection) -> None:
    """Sets what must hold before the first revision: on SQLite the write-ahead log, and a file for its owner only."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA journal_mode=WAL"))
        connection.commit()
        Path(str(connection.engine.url.database)).chmod(0o600)


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Keeps a second migration out; on SQLite, where whoever writes is alone, by one transaction for all revisions."""
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
        yield
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()


@contextmanager
def revision_by_revision(connection: Connection) -> Iterator[None]:
    """Opens a transaction on PostgreSQL, so that no table is kept from servers for longer than one revision takes.

    Everybody who wants a table waits behind whoever waits for it alone: so that wait is short, and made again.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    with connection.begin():
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
        yield


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


def notify_of_rows(connection: Connection, table: str, channel: str) -> None:
    """Has whoever listens on a channel told of transactions that add rows to a table; SQLite tells nobody."""
    if connection.dialect.name == "sqlite":
        return
    connection.exec_driver_sql(
        f"CREATE FUNCTION {table}_notify() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN PERFORM pg_notify('{channel}', ''); RETURN NULL; END $$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_notify AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_notify()"
    )


def divide_audit_entries(connection: Connection, entries_in_range: int) -> None:
    """Divides the entries of the audit log into ranges of their numbers; SQLite keeps them in one table.

    The role that serves owns no table and makes none: it may call a function of the owner, which takes nothing and
    makes the range after the one that entries are in, unless that is there.
    """
    if connection.dialect.name == "sqlite":
        return
    run = connection.exec_driver_sql
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    run("ALTER TABLE audit_entries RENAME TO audit_entries_before")
    run("ALTER TABLE audit_entries_before DROP CONSTRAINT pk_audit_entries")
    run("DROP INDEX ix_audit_entries_id")
    run(
        "CREATE TABLE audit_entries (LIKE audit_entries_before, CONSTRAINT pk_audit_entries PRIMARY KEY (seq))"
        " PARTITION BY RANGE (seq)"
    )
    run("CREATE INDEX ix_audit_entries_id ON audit_entries (id)")
    run(_MAKE_RANGE.format(schema=schema, entries=entries_in_range))
    run("REVOKE ALL ON FUNCTION audit_make_range() FROM PUBLIC")
    last = run("SELECT coalesce(max(seq), 0) FROM audit_entries_before").scalar_one()
    for first in range(0, last + 1, entries_in_range):
        run("SELECT audit_make_range()")
        connection.execute(_COPY, {"first": first, "until": first + entries_in_range})
    run("SELECT audit_make_range()")
    run("DROP TABLE audit_entries_before")


def grant_to_serving_role(connection: Connection, role: str | None) -> None:
    """Gives the role that serves its rights on each table; the owner needs none, and SQLite has no roles."""
    if connection.dialect.name == "sqlite" or role is None or role == connection.engine.url.username:
        return
    grant(connection, role, _RIGHTS, _USUAL_RIGHTS)
    quoted = connection.dialect.identifier_preparer.quote(role)
    for function in ("audit_make_range", *months.FUNCTIONS):
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION {function}() TO {quoted}"))


def grant_across_tenants(connection: Connection, role: str, tables: Iterable[str]) -> None:
    """Gives a role the rights of the one that serves on these tables, and has it read the others."""
    rights = {table: _RIGHTS.get(table, _USUAL_RIGHTS) for table in tables}
    grant(connection, role, rights, "SELECT")


def grant(connection: Connection, role: str, rights: Mapping[str, str], usual: str) -> None:
    """Gives a role these rights on tables, and the usual ones on all others."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    for table, is_range in connection.execute(_TABLES).all():
        name = connection.dialect.identifier_preparer.quote(table)
        connection.execute(text(f"REVOKE ALL ON {name} FROM {quoted}"))
        if not is_range:  # a range is read and written as a part of its table, with the rights on that
            connection.execute(text(f"GRANT {rights.get(table, usual)} ON {name} TO {quoted}"))
    for sequence, _ in connection.execute(_SEQUENCES).all():
        name = connection.dialect.identifier_preparer.quote(sequence)
        connection.execute(text(f"GRANT USAGE ON SEQUENCE {name} TO {quoted}"))
