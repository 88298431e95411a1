"""Counts of requests in the current minute, added up over processes; who is limited by them is not known here."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, case, select
from sqlalchemy.dialects.postgresql import insert

from rxauth.domain.pruning import Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.request_counts import request_counts as table
from rxauth.storage.tenancy import sql

MINUTE_S: Final = 60
KEPT_S: Final = 3_600
FORGET: Final = Pruning(table, table.c.minute_at, KEPT_S)

# SQLite has taken this form of PostgreSQL's as its own.
_NEW = insert(table).values({column.name: bindparam(column.name) for column in table.c})
_ADD = sql(
    _NEW.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={
            "minute_at": _NEW.excluded.minute_at,
            "count": case(
                (table.c.minute_at == _NEW.excluded.minute_at, table.c.count + _NEW.excluded.count),
                else_=_NEW.excluded.count,
            ),
        },
        # A process whose clock is behind does not undo what the others counted since.
        where=table.c.minute_at <= _NEW.excluded.minute_at,
    )
)
_COUNTS = sql(
    select(table.c.key, table.c.count).where(
        table.c.minute_at == bindparam("minute_at"), table.c.key.in_(bindparam("keys", expanding=True))
    )
)


def add(transaction: Transaction, minute_at: int, counted: Mapping[str, int]) -> Mapping[str, int]:
    """Adds what this process counted in a minute; returns what all processes counted of the same keys.

    minute_at: when it began, UTC seconds.
    """
    # In order, so that two processes never wait for each other in a circle.
    rows = [{"key": key, "minute_at": minute_at, "count": counted[key]} for key in sorted(counted)]
    transaction.run_many(_ADD, rows)
    found = transaction.all(_COUNTS, minute_at=minute_at, keys=sorted(counted))
    return {row.key: row.count for row in found}
