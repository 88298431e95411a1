"""Failed proofs, counted by person over every factor, page and process together (NIST SP 800-63B-4 §3.2.2)."""

from typing import Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import users
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import failed_proofs as table
from rxauth.storage.tenancy import insert_row, sql

FREE_FAILURES: Final = 5
PAUSE_LIMIT_S: Final = 900
FAILURES_LIMIT: Final = 100
# Beyond the limit only a new password helps: no pause is long enough.
UNTIL_RESET_S: Final = 10 * 365 * 86_400

_ONE = sql(select(table.c.count, table.c.last_at).where(table.c.user_id == bindparam("user_id")))
_INSERT = insert_row(table)
_COUNT = sql(
    update(table)
    .where(table.c.user_id == bindparam("the_user_id"))
    .values(count=table.c.count + 1, last_at=bindparam("moment"))
)
_CLEAR = sql(delete(table).where(table.c.user_id == bindparam("user_id")))


def wait_s(transaction: Transaction, user_id: str, now: int) -> int:
    """Returns the seconds until the person may try again, 0 if it may now.

    The first five failures cost nothing; then the pause doubles from a second to a quarter of an hour, and after a
    hundred failures in a row nothing but a new password helps.
    """
    row = transaction.first(_ONE, user_id=user_id)
    if row is None or row.count < FREE_FAILURES:
        return 0
    if row.count >= FAILURES_LIMIT:
        return UNTIL_RESET_S
    pause = min(PAUSE_LIMIT_S, 2 ** (row.count - FREE_FAILURES))
    return int(max(0, row.last_at + pause - now))


def begin_attempt(transaction: Transaction, user_id: str) -> None:
    """Has attempts on one person wait for each other, so that no number of them at once outruns the count."""
    users.lock(transaction, user_id)


def count(transaction: Transaction, user_id: str, now: int) -> None:
    """Counts one failure more."""
    begin_attempt(transaction, user_id)
    if transaction.run(_COUNT, the_user_id=user_id, moment=now) == 0:
        transaction.run(_INSERT, user_id=user_id, count=1, last_at=now)


def clear(transaction: Transaction, user_id: str) -> None:
    """Forgets the failures of a person who proved itself; writes nothing if there are none."""
    if transaction.first(_ONE, user_id=user_id) is not None:
        transaction.run(_CLEAR, user_id=user_id)
