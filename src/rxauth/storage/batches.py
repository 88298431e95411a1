"""How many rows go in one transaction: on SQLite everybody who writes waits for its end, so there they are fewer."""

from typing import Any, Final

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

ON_POSTGRES: Final = 500
ON_SQLITE: Final = 100


class rows_at_once(FunctionElement[int]):  # noqa: N801
    """So many rows at most, as a LIMIT."""

    inherit_cache = True
    type = BigInteger()


@compiles(rows_at_once, "postgresql")
def _on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return str(ON_POSTGRES)


@compiles(rows_at_once)
def _on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return str(ON_SQLITE)
