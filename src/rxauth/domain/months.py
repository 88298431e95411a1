"""The months by which the tables that grow fastest are divided on PostgreSQL: made ahead, dropped as a whole."""

from typing import Final

from sqlalchemy import select

from rxauth.storage.database import Transaction
from rxauth.storage.months import months_ahead, months_of_webhooks_dropped
from rxauth.storage.tenancy import sql

_MAKE: Final = sql(select(months_ahead()))
_DROP: Final = sql(select(months_of_webhooks_dropped()))


def make_ahead(transaction: Transaction, _now: int) -> bool:
    """Makes the months that come next by the database's clock; tells that there are no more."""
    transaction.first(_MAKE)
    return False


def drop_old(transaction: Transaction, _now: int) -> bool:
    """Drops the months of webhooks that are old enough by the database's clock; tells that there are no more."""
    transaction.first(_DROP)
    return False
