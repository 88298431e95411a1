"""Whether this process may be sent requests: what it cannot see by itself, asked of the database."""

from typing import Final

from sqlalchemy import select

from rxauth.storage.database import Transaction
from rxauth.storage.moments import clock_seconds
from rxauth.storage.tenancy import sql

CLOCK_BOUND_S: Final = 300  # 21 CFR 1311.120(b)(8): a signing application's clock is within five minutes of the time
_CLOCK = sql(select(clock_seconds().label("seconds")))


def is_clock_right(transaction: Transaction, now: int) -> bool:
    """Tells whether `now` (UTC seconds) is within the bound of what the database's clock shows.

    Until when a licence, an authority or a token holds is judged by this clock.
    """
    return bool(abs(transaction.first(_CLOCK).seconds - now) <= CLOCK_BOUND_S)
