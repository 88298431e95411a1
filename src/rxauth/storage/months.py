"""What is asked of the months that tables are divided by on PostgreSQL; SQLite keeps every month in one table."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

LONGEST_MONTH_S = 35 * 86_400  # and a few days until it is dropped


class months_ahead(FunctionElement[Any]):  # noqa: N801
    """Makes the months that come next, as far as they are not there."""

    inherit_cache = True
    type = NullType()


class months_of_webhooks_dropped(FunctionElement[Any]):  # noqa: N801
    """Drops the months of what webhooks were sent that ended long enough ago, and in which nothing waits."""

    inherit_cache = True
    type = NullType()


class seconds_in_month(FunctionElement[int]):  # noqa: N801
    """For how much longer a row is kept because it goes with its month."""

    inherit_cache = True
    type = BigInteger()


@compiles(months_ahead, "postgresql")
def _ahead_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "months_make()"


@compiles(months_ahead)
def _ahead_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "NULL"


@compiles(months_of_webhooks_dropped, "postgresql")
def _dropped_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return "months_drop_webhooks()"


@compiles(months_of_webhooks_dropped)
def _dropped_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "NULL"


@compiles(seconds_in_month, "postgresql")
def _seconds_on_postgres(_element: object, _compiler: Any, **_options: Any) -> str:
    return str(LONGEST_MONTH_S)


@compiles(seconds_in_month)
def _seconds_on_sqlite(_element: object, _compiler: Any, **_options: Any) -> str:
    return "0"
