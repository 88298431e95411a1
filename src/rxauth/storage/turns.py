"""Turns: work of one name that one transaction does at a time; another is told at once, and does not wait."""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class turn(FunctionElement[bool]):  # noqa: N801
    """Whether the turn of the name whose number is the parameter `turn` is this transaction's, until it ends.

    SQLite has one writer at a time anyway.
    """

    inherit_cache = True
    type = Boolean()


TURN: Final = turn(bindparam("turn", type_=BigInteger()))


@compiles(turn, "postgresql")
def _on_postgres(element: Any, compiler: Any, **options: Any) -> str:
    return f"pg_try_advisory_xact_lock({compiler.process(element.clauses, **options)})"


@compiles(turn)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} IS NOT NULL)"
