"""Failed proofs, counted by person over every factor, page and process together (NIST SP 800-63B-4 §3.2.2).

Those in a browser that the person signed in with before are counted apart, so that a stranger who guesses, or only
wants to shut somebody out, does not stop the person itself. Both counts together stay within the standard's hundred.
"""

from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import users
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import failed_proofs as table
from rxauth.storage.tenancy import insert_row, sql

FREE_FAILURES: Final = 5
PAUSE_LIMIT_S: Final = 900
FAILURES_LIMIT: Final = 80
KNOWN_FAILURES_LIMIT: Final = 20
# Beyond the limit only a new password helps: no pause is long enough.
UNTIL_RESET_S: Final = 10 * 365 * 86_400

_MINE = table.c.user_id == bindparam("the_user_id")
_ONE = sql(select(table.c.count, table.c.last_at, table.c.known_count, table.c.known_last_at).where(_MINE))
_INSERT = insert_row(table)
_COUNT = sql(update(table).where(_MINE).values(count=table.c.count + 1, last_at=bindparam("moment")))
_COUNT_KNOWN = sql(
    update(table).where(_MINE).values(known_count=table.c.known_count + 1, known_last_at=bindparam("moment"))
)
_CLEAR = sql(delete(table).where(_MINE))
_CLEAR_KNOWN = sql(update(table).where(_MINE).values(known_count=0))


def wait_s(transaction: Transaction, user_id: str, now: int, *, is_known: bool = False) -> int:
    """Returns the seconds until the person may try again, 0 if it may now.

    The first five failures cost nothing; then the pause doubles from a second to a quarter of an hour, and after eighty
    failures in a row nothing but a new password helps. is_known: whether the person signed in with this browser before;
    then its own failures count alone, the first twenty of them.
    """
    row = transaction.first(_ONE, the_user_id=user_id)
    if row is None:
        return 0
    count, last_at = (row.known_count, row.known_last_at) if _is_apart(row, is_known) else (row.count, row.last_at)
    if count < FREE_FAILURES:
        return 0
    if count >= FAILURES_LIMIT:
        return UNTIL_RESET_S
    pause = min(PAUSE_LIMIT_S, 2 ** (count - FREE_FAILURES))
    return int(max(0, last_at + pause - now))


def begin_attempt(transaction: Transaction, user_id: str) -> None:
    """Has attempts on one person wait for each other, so that no number of them at once outruns the count."""
    users.lock(transaction, user_id)


def count(transaction: Transaction, user_id: str, now: int, *, is_known: bool = False) -> None:
    """Counts one failure more."""
    begin_attempt(transaction, user_id)
    row = transaction.first(_ONE, the_user_id=user_id)
    if row is not None:
        transaction.run(_COUNT_KNOWN if _is_apart(row, is_known) else _COUNT, the_user_id=user_id, moment=now)
        return
    of_known, of_strangers = (1, 0) if is_known else (0, 1)
    transaction.run(_INSERT, user_id=user_id, count=of_strangers, last_at=now, known_count=of_known, known_last_at=now)


def clear(transaction: Transaction, user_id: str, *, is_known: bool = False) -> None:
    """Forgets the failures of a person who proved itself; writes nothing if there are none.

    is_known: in a browser that it signed in with before; what strangers failed then stays counted.
    """
    row = transaction.first(_ONE, the_user_id=user_id)
    if row is None or (is_known and row.known_count == 0):
        return
    transaction.run(_CLEAR_KNOWN if is_known else _CLEAR, the_user_id=user_id)


def _is_apart(row: Any, is_known: bool) -> bool:
    return is_known and row.known_count < KNOWN_FAILURES_LIMIT
