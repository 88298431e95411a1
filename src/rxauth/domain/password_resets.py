"""Links to choose a new password, sent to the address of the account: for one hour, once.

A link proves that somebody reads the address, and nothing more: it signs nobody in and stands for no second factor.
"""

from typing import Final

from sqlalchemy import bindparam, func, select, update

from rxauth.crypto import secrets
from rxauth.domain import letters, users
from rxauth.domain.mails import Outbox
from rxauth.domain.pruning import Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import password_resets as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 3_600
KEPT_S: Final = 86_400  # after it expired
LIVE_LIMIT: Final = 3  # letters an hour that strangers can have sent to somebody

_INSERT = insert_row(table)
_IS_LIVE = (table.c.used_at.is_(None), table.c.expires_at > bindparam("moment"))
_SENT_LATELY = sql(
    select(func.count())
    .select_from(table)
    .where(table.c.user_id == bindparam("user_id"), table.c.expires_at > bindparam("moment"))
)
_FIND = sql(select(table.c.user_id).where(table.c.digest == bindparam("presented"), *_IS_LIVE))
_SPEND = sql(
    update(table)
    .where(table.c.digest == bindparam("presented"), *_IS_LIVE)
    .values(used_at=bindparam("moment"))
    .returning(table.c.user_id)
)
FORGET: Final = Pruning(table, table.c.expires_at, KEPT_S)
_REVOKE = sql(
    update(table)
    .where(table.c.user_id == bindparam("the_user_id"), table.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
)


def ask(transaction: Transaction, email: str, outbox: Outbox, now: int) -> str | None:
    """Sends a link to an address, if somebody has it.

    Returns who it is, for the audit record alone: the answer to the browser is the same whoever asks for whatever.
    """
    user = users.find_by_email(transaction, email)
    if user is None or user.disabled_at is not None:
        return None
    users.lock(transaction, user.id)
    if transaction.first(_SENT_LATELY, user_id=user.id, moment=now)[0] >= LIVE_LIMIT:
        return user.id
    outbox.put(transaction, letters.password_reset(user.email, make_link(transaction, user.id, outbox, now)), now)
    return user.id


def make_link(transaction: Transaction, user_id: str, outbox: Outbox, now: int) -> str:
    """Makes a link for somebody, which the caller puts into a letter to that person's address, and nowhere else."""
    token = secrets.new_handle()
    transaction.run(
        _INSERT,
        digest=secrets.digest(token),
        user_id=user_id,
        created_at=now,
        expires_at=now + LIFETIME_S,
        used_at=None,
    )
    return outbox.link(letters.RESET_PATH, token)


def find(transaction: Transaction, token: str, now: int) -> str | None:
    """Returns whose link it is, and spends nothing; None: it is forged, used, replaced or too old."""
    row = transaction.first(_FIND, presented=secrets.digest(token), moment=now)
    return None if row is None else str(row.user_id)


def spend(transaction: Transaction, token: str, now: int) -> str | None:
    """Uses a link up and returns whose it is; None: see `find`. Of two at once, one gets None."""
    row = transaction.first(_SPEND, presented=secrets.digest(token), moment=now)
    return None if row is None else str(row.user_id)


def revoke_all(transaction: Transaction, user_id: str, now: int) -> None:
    """Ends every link that was sent to a person."""
    transaction.run(_REVOKE, the_user_id=user_id, moment=now)
