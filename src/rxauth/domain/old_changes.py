"""Old changes: rows of the feed that every process has heard of, or has stopped hearing long ago."""

from typing import Final

from sqlalchemy import BindParameter, bindparam, delete, select

from rxauth.domain.changes import KEPT_S
from rxauth.storage.batches import ON_POSTGRES
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import changes as table
from rxauth.storage.tenancy import sql

_THESE: BindParameter[int] = bindparam("ids", expanding=True)
_OLDEST: Final = sql(
    select(table.c.id, table.c.changed_at).order_by(table.c.id).limit(ON_POSTGRES + 1).with_for_update(skip_locked=True)
)
_OLDEST_OF_ALL: Final = sql(select(table.c.changed_at).order_by(table.c.id).limit(2))
_REMOVE: Final = sql(delete(table).where(table.c.id.in_(_THESE)))


def forget(transaction: Transaction, now: int) -> bool:
    """Removes some rows that are older than `KEPT_S`; tells whether there may be more.

    The newest stays: on SQLite the next one is numbered after it.
    """
    ids = [row.id for row in transaction.all(_OLDEST)[:-1] if row.changed_at <= now - KEPT_S]
    if ids:
        transaction.run(_REMOVE, ids=ids)
    return len(ids) == ON_POSTGRES


def overdue_s(transaction: Transaction, now: int) -> int:
    """Returns for how many seconds the oldest row has been too old; 0: none is, or it is the newest too."""
    oldest = transaction.all(_OLDEST_OF_ALL)[:-1]
    return max(0, now - KEPT_S - oldest[0].changed_at) if oldest else 0
