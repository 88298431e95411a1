"""Passwords of people. A sign-in has three steps, because a slow hash must never be made inside a transaction:

`begin` reads in a transaction, `crypto.passwords.judge` takes its time in the slow pool, `settle` writes in another
transaction.
"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, select, update

from rxauth.crypto.passwords import Verdict
from rxauth.domain import users
from rxauth.domain.users import User
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import passwords as table
from rxauth.storage.tenancy import insert_row, sql

_INSERT = insert_row(table)
_ONE = sql(select(table.c.hash).where(table.c.user_id == bindparam("user_id")))
_LOCKED = sql(select(table.c.hash).where(table.c.user_id == bindparam("user_id")).with_for_update())
_REPLACE = sql(
    update(table)
    .where(table.c.user_id == bindparam("the_user_id"))
    .values(hash=bindparam("new_hash"), changed_at=bindparam("moment"))
)
# The same password in another hash: it was not changed.
_REHASH = sql(update(table).where(table.c.user_id == bindparam("the_user_id")).values(hash=bindparam("new_hash")))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that began. user None: nobody has the address; stored None: there is no password to compare with."""

    user: User | None
    stored: str | None = field(repr=False)


def begin(transaction: Transaction, email: str) -> Attempt:
    """Reads what a sign-in with an address is compared with; an unknown address costs what a known one costs."""
    user = users.find_by_email(transaction, email)
    stored = stored_hash(transaction, "" if user is None else user.id)
    # A disabled person is compared as nobody: the answer is the same as for a wrong password, and takes as long.
    return Attempt(user, None if user is None or user.disabled_at is not None else stored)


def begin_for(transaction: Transaction, user_id: str) -> Attempt:
    """Reads what a person who is signed in is compared with when it must prove itself again."""
    user = users.find(transaction, user_id)
    stored = stored_hash(transaction, user_id)
    return Attempt(user, None if user is None or user.disabled_at is not None else stored)


def settle(transaction: Transaction, attempt: Attempt, verdict: Verdict) -> User | None:
    """Returns the person who proved itself, or None; keeps the new hash if there is one.

    A password that was changed, or a person who was disabled, since `begin` counts as it is now.
    """
    if attempt.user is None or not verdict.is_right:
        return None
    user_id = attempt.user.id
    row = transaction.first(_ONE if verdict.replacement is None else _LOCKED, user_id=user_id)
    user = users.find(transaction, user_id)
    if row is None or row.hash != attempt.stored or user is None or user.disabled_at is not None:
        return None
    if verdict.replacement is not None:
        transaction.run(_REHASH, the_user_id=user_id, new_hash=verdict.replacement)
    return user


def stored_hash(transaction: Transaction, user_id: str) -> str | None:
    """Returns the hash of a person's password, or None."""
    row = transaction.first(_ONE, user_id=user_id)
    return None if row is None else str(row.hash)


def store(transaction: Transaction, user_id: str, new_hash: str, now: int) -> None:
    """Keeps the hash of a person's password in place of the one before."""
    if transaction.run(_REPLACE, the_user_id=user_id, new_hash=new_hash, moment=now) == 0:
        transaction.run(_INSERT, user_id=user_id, hash=new_hash, changed_at=now)
