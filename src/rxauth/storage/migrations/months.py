"""Months: on PostgreSQL the tables that grow fastest are divided by month, and a month goes as a whole.

Rows are told apart by an identifier that begins with the time it was made at. The rows that a table has when it is
divided stay where they are, as the months until now. What comes after the last month that was made goes to the rest, so
that nothing fails when nobody made one.

The role that serves makes no table and drops none: it calls two functions of the owner that take nothing. One makes the
months ahead; the other drops months of webhooks that ended long enough ago and in which nothing waits. Both give up at
once if somebody uses a table, and are called again.
"""

from typing import Any, Final

from sqlalchemy import Connection, func, literal_column, select, text
from sqlalchemy import table as table_clause

AHEAD: Final = 2  # with the one that is now; each month more is one index more to look at
WEBHOOKS_KEPT_DAYS: Final = 30
_GIVE_UP_MS: Final = 200
_LOCK: Final = 7_296_003
_TIMES: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LATEST: Final = 1_200  # months from now, of which a wrong clock may have made an identifier
# The ten characters of a ULID that are its time.
_FIRST_ID: Final = """
CREATE FUNCTION {schema}.month_first_id(month timestamp) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(
        substr('{times}', (((extract(epoch FROM month) * 1000)::bigint >> (45 - 5 * place)) & 31)::integer + 1, 1),
        '' ORDER BY place
    ) FROM generate_series(0, 9) AS place
$$
"""
_MAKE: Final = """
CREATE FUNCTION {schema}.months_make() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET lock_timeout = '{give_up_ms}ms' AS $$
DECLARE
    whole record;
    low text;
    high text;
    month timestamp;
BEGIN
    IF NOT pg_try_advisory_xact_lock({lock}) THEN
        RETURN;
    END IF;
    FOR whole IN SELECT known.*, rest.oid AS rest_oid, known.name || '_rest' AS rest FROM (VALUES
            ('webhook_events', 'id', ''), ('webhook_deliveries', 'id', 'dlv_'),
            ('webhook_attempts', 'delivery_id', 'dlv_'),
            ('access_records', 'id', ''), ('access_record_patients', 'record_id', '')
        ) AS known (name, key, prefix)
        JOIN pg_class AS rest ON rest.relname = known.name || '_rest' AND rest.relnamespace = '{schema}'::regnamespace
    LOOP
        SELECT substring(pg_get_expr(relpartbound, oid) FROM '''(.*)''') INTO low
            FROM pg_class WHERE oid = whole.rest_oid;
        FOR ahead IN 0..{ahead} LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') + ahead * interval '1 month';
            high := whole.prefix || {schema}.month_first_id(month + interval '1 month');
            CONTINUE WHEN high COLLATE "C" <= low COLLATE "C";
            BEGIN
                PERFORM {schema}.months_split(whole.name, whole.key, to_char(month, '_YYYY_MM'), low, high);
                low := high;
            EXCEPTION WHEN lock_not_available THEN
                EXIT;
            END;
        END LOOP;
    END LOOP;
END
$$
"""
# Between the months there is no gap: what is in the rest is taken out of it, and put where it belongs then.
_SPLIT: Final = """
CREATE FUNCTION {schema}.months_split(whole text, key text, ending text, low text, high text) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    month text := whole || ending;
    rest text := whole || '_rest';
    strays text := whole || '_strays';
BEGIN
    EXECUTE format('LOCK TABLE %%I IN ACCESS EXCLUSIVE MODE', whole);
    EXECUTE format('CREATE TABLE %%I AS SELECT * FROM %%I', strays, rest);
    EXECUTE format('DROP TABLE %%I', rest);
    EXECUTE format('CREATE TABLE %%I (LIKE %%I INCLUDING ALL)', month, whole);
    EXECUTE format('CREATE TABLE %%I (LIKE %%I INCLUDING ALL)', rest, whole);
    EXECUTE format('INSERT INTO %%I SELECT * FROM %%I WHERE %%I < %%L', month, strays, key, high);
    EXECUTE format('INSERT INTO %%I SELECT * FROM %%I WHERE %%I >= %%L', rest, strays, key, high);
    EXECUTE format('DROP TABLE %%I', strays);
    EXECUTE format('ALTER TABLE %%I ATTACH PARTITION %%I FOR VALUES FROM (%%L) TO (%%L)', whole, month, low, high);
    EXECUTE format('ALTER TABLE %%I ATTACH PARTITION %%I FOR VALUES FROM (%%L) TO (MAXVALUE)', whole, rest, high);
END
$$
"""
_DROP: Final = """
CREATE FUNCTION {schema}.months_drop_webhooks() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET lock_timeout = '{give_up_ms}ms' AS $$
DECLARE
    ending text;
    is_waiting boolean;
BEGIN
    FOR ending IN SELECT substr(relname, length('webhook_deliveries') + 1) FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = '{schema}.webhook_deliveries'::regclass AND relname ~ '_[0-9]{{4}}_[0-9]{{2}}$'
        AND to_date(right(relname, 7), 'YYYY_MM') + interval '1 month {kept_days} days' <= now() AT TIME ZONE 'UTC'
    LOOP
        BEGIN
            LOCK TABLE {schema}.webhook_events, {schema}.webhook_deliveries, {schema}.webhook_attempts
                IN ACCESS EXCLUSIVE MODE;
            EXECUTE format(
                'SELECT EXISTS (SELECT FROM {schema}.%%I WHERE state = ''waiting'')', 'webhook_deliveries' || ending
            ) INTO is_waiting;
            CONTINUE WHEN is_waiting;
            EXECUTE format('DROP TABLE {schema}.%%I, {schema}.%%I, {schema}.%%I',
                'webhook_attempts' || ending, 'webhook_deliveries' || ending, 'webhook_events' || ending);
        EXCEPTION WHEN lock_not_available THEN
            RETURN;
        END;
    END LOOP;
END
$$
"""
FUNCTIONS: Final = ("months_make", "months_drop_webhooks")
_MADE_OF: Final = text(
    "SELECT contype AS kind, conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint"
    " WHERE conrelid = CAST(:name AS regclass) AND contype IN ('p', 'u', 'f') ORDER BY contype, conname"
)
_INDEXES: Final = text(
    "SELECT relname AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index"
    " JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = CAST(:name AS regclass)"
    " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))"
)
_MONTH: Final = text(
    "SELECT to_char(month, 'YYYY_MM') AS name, month_first_id(month + interval '1 month') AS ends"
    " FROM generate_series(0, CAST(:latest AS integer)) AS later, LATERAL (SELECT"
    " date_trunc('month', now() AT TIME ZONE 'UTC') + later * interval '1 month' AS month) AS months"
    " WHERE CAST(:newest AS text) COLLATE \"C\" < :prefix || month_first_id(month + interval '1 month')"
    " ORDER BY later LIMIT 1"
)


def make_functions(connection: Connection) -> None:
    """Makes the functions; SQLite keeps every month in one table."""
    if connection.dialect.name == "sqlite":
        return
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    known = {"schema": schema, "give_up_ms": _GIVE_UP_MS, "lock": _LOCK, "times": _TIMES}
    for function in (_FIRST_ID, _SPLIT, _MAKE, _DROP):
        made = function.format(**known, ahead=AHEAD - 1, kept_days=WEBHOOKS_KEPT_DAYS)
        connection.exec_driver_sql(made)
    for name in (*(f"{one}()" for one in FUNCTIONS), "months_split(text, text, text, text, text)"):
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")


def divide(connection: Connection, table: str, column: str, prefix: str = "", *, goes: bool = False) -> None:
    """Divides a table by month; what it has stays as it is, as the months until the one that is now.

    column: of identifiers, which is in each of the table's keys. prefix: what stands before their ULID. goes: whether
    months are dropped; then there is a place for rows of a month that is gone.
    """
    if connection.dialect.name == "sqlite":
        return
    run = connection.exec_driver_sql
    constraints = connection.execute(_MADE_OF, {"name": table}).all()
    indexes = connection.execute(_INDEXES, {"name": table}).all()
    last, end = _last_month(connection, table, column, prefix)
    before = f"{table}_until_{last}"
    run(f"ALTER TABLE {table} RENAME TO {before}")
    for one in constraints:
        if one.kind != "f":
            run(f"ALTER TABLE {before} RENAME CONSTRAINT {one.name} TO {one.name}_until")
    for one in indexes:
        run(f"ALTER INDEX {one.name} RENAME TO {one.name}_until")
    kept = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
    run(f"CREATE TABLE {table} (LIKE {before} {kept}) PARTITION BY RANGE ({column})")
    for one in constraints:
        run(f"ALTER TABLE {table} ADD CONSTRAINT {one.name} {one.definition}")
    for one in indexes:
        run(one.definition)
    run(f"ALTER TABLE {table} ATTACH PARTITION {before} FOR VALUES FROM (MINVALUE) TO ('{end}')")
    run(f"CREATE TABLE {table}_rest PARTITION OF {table} FOR VALUES FROM ('{end}') TO (MAXVALUE)")
    if goes:
        run(f"CREATE TABLE {table}_past PARTITION OF {table} DEFAULT")
    run("SELECT months_make()")


def _last_month(connection: Connection, table: str, column: str, prefix: str) -> tuple[str, str]:
    """Returns the month until which a table has rows, this one at least, and the first identifier after it."""
    newest = connection.execute(select(func.max(literal_column(column))).select_from(table_clause(table))).scalar()
    found: Any = connection.execute(_MONTH, {"newest": newest or "", "prefix": prefix, "latest": _LATEST}).one()
    return str(found.name), prefix + str(found.ends)
