"""How large the database is; each engine is asked in its own way."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class database_bytes(FunctionElement[int]):  # noqa: N801
    """What the database takes on its disk, indexes and free room included; without the log of what was written."""

    inherit_cache = True
    type = BigInteger()


@compiles(database_bytes, "postgresql")
def _on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "pg_database_size(current_database())"


@compiles(database_bytes)
def _on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "(SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())"
