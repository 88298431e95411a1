"""What the audit log's sequencer asks of each engine: its turn, which records are settled, room for more entries."""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

RANGE_ENTRIES: Final = 5_000_000  # as migration 0008 has it
_LOCK: Final = 7_296_002
_NEXT_ON_SQLITE: Final = "(SELECT coalesce(max(number), 0) + 1 FROM audit_outbox)"


class record_number(FunctionElement[int]):  # noqa: N801
    """The number of the transaction that is writing this record; it never falls behind what was settled before."""

    inherit_cache = True
    type = BigInteger()


class settled_records(FunctionElement[int]):  # noqa: N801
    """The lowest number that a record still under way may have."""

    inherit_cache = True
    type = BigInteger()


class sequencers_turn(FunctionElement[bool]):  # noqa: N801
    """Whether this transaction is the one that numbers; until it ends, no other is. SQLite has one writer anyway."""

    inherit_cache = True
    type = Boolean()


class range_ahead(FunctionElement[Any]):  # noqa: N801
    """Makes room after the range of numbers that entries are in now; SQLite keeps them in one table."""

    inherit_cache = True
    type = NullType()


class rows_of_texts(FunctionElement[Any]):  # noqa: N801
    """The rows of a JSON array of arrays of texts, `value` each: one parameter for many rows, which costs a fifth."""

    inherit_cache = True
    type = NullType()


class text_at(FunctionElement[str]):  # noqa: N801
    """The text at a place, which is a literal, of a row of `rows_of_texts`."""

    inherit_cache = True
    type = Text()


@compiles(rows_of_texts, "postgresql")
def _rows_on_postgres(element: rows_of_texts, compiler: Any, **options: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **options)} AS jsonb))"


@compiles(text_at, "postgresql")
def _text_on_postgres(element: text_at, compiler: Any, **options: Any) -> str:
    row, place = (compiler.process(one, **options) for one in element.clauses)
    return f"{row} ->> {place}"


@compiles(rows_of_texts)
def _rows_on_sqlite(element: rows_of_texts, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(text_at)
def _text_on_sqlite(element: text_at, compiler: Any, **options: Any) -> str:
    row, place = (compiler.process(one, **options) for one in element.clauses)
    return f"json_extract({row}, '$[{place}]')"


@compiles(record_number, "postgresql")
def _number_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(pg_current_xact_id()::text::bigint)"


@compiles(settled_records, "postgresql")
def _settled_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"


@compiles(sequencers_turn, "postgresql")
def _turn_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return f"pg_try_advisory_xact_lock({_LOCK})"


@compiles(range_ahead, "postgresql")
def _range_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "audit_make_range()"


@compiles(record_number)
def _number_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return _NEXT_ON_SQLITE


@compiles(settled_records)
def _settled_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return _NEXT_ON_SQLITE


@compiles(sequencers_turn)
def _turn_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "1"


@compiles(range_ahead)
def _range_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "NULL"
