"""Moments as the database tells them, in the order of commits and by its clock; each engine spells them its own way."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class transaction_number(FunctionElement[int]):  # noqa: N801
    """The number of the transaction that is writing this row.

    PostgreSQL counts transactions as they begin, so they commit out of order. SQLite has one writer at a time: its
    next row number is as good.
    """

    inherit_cache = True
    type = BigInteger()


class settled_before(FunctionElement[int]):  # noqa: N801
    """The lowest number that a transaction still under way may have: whatever is below it is committed or gone."""

    inherit_cache = True
    type = BigInteger()


class clock_seconds(FunctionElement[int]):  # noqa: N801
    """What the database's own clock shows now, UTC seconds. SQLite's is the clock of this machine."""

    inherit_cache = True
    type = BigInteger()


class clock_microseconds(FunctionElement[int]):  # noqa: N801
    """What the database's own clock shows now, UTC microseconds; SQLite counts only their thousands."""

    inherit_cache = True
    type = BigInteger()


@compiles(transaction_number, "postgresql")
def _number_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(pg_current_xact_id()::text::bigint)"


@compiles(transaction_number)
def _number_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(SELECT coalesce(max(id), 0) + 1 FROM changes)"


@compiles(settled_before, "postgresql")
def _settled_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"


@compiles(settled_before)
def _settled_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(SELECT coalesce(max(id), 0) + 1 FROM changes)"


@compiles(clock_seconds, "postgresql")
def _clock_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(extract(epoch FROM clock_timestamp())::bigint)"


@compiles(clock_seconds)
def _clock_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(clock_microseconds, "postgresql")
def _microseconds_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


@compiles(clock_microseconds)
def _microseconds_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
