"""Recovery codes: ten for each person, shown once, kept as digests, each good for one sign-in."""

import secrets as chance
from typing import Final

from sqlalchemy import bindparam, delete, func, select, update

from rxauth.crypto import secrets
from rxauth.domain import users
from rxauth.ids import CROCKFORD
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import recovery_codes as table
from rxauth.storage.tenancy import insert_row, sql

CODES: Final = 10
CHARACTERS: Final = 16  # of 5 random bits each: 80 bits, so a plain digest is enough
_GROUP: Final = 4
# What people add, and what they take for a character that no code has (Crockford's base 32).
_FORGIVEN: Final = str.maketrans("OIL", "011", " -\t\r\n\u00a0\u2010\u2011\u2012\u2013\u2014")

_INSERT = insert_row(table)
_MINE = table.c.user_id == bindparam("the_user_id")
_REMOVE = sql(delete(table).where(_MINE))
_USE = sql(
    update(table)
    .where(_MINE, table.c.digest == bindparam("typed"), table.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
)
_LEFT = sql(select(func.count()).select_from(table).where(_MINE, table.c.used_at.is_(None)))


def make(transaction: Transaction, user_id: str, now: int) -> tuple[str, ...]:
    """Makes ten codes in place of those before, and returns them; they are known this once."""
    users.lock(transaction, user_id)
    remove(transaction, user_id)
    bare = ["".join(chance.choice(CROCKFORD) for _ in range(CHARACTERS)) for _ in range(CODES)]
    rows = [{"user_id": user_id, "digest": secrets.digest(one), "created_at": now, "used_at": None} for one in bare]
    transaction.run_many(_INSERT, rows)
    return tuple("-".join(one[at : at + _GROUP] for at in range(0, CHARACTERS, _GROUP)).lower() for one in bare)


def use(transaction: Transaction, user_id: str, typed: str, now: int) -> bool:
    """Uses a code up, and tells whether it was one; of two uses at once, one finds it used."""
    bare = typed.upper().translate(_FORGIVEN)
    if len(bare) != CHARACTERS or not bare.isascii():
        return False
    return transaction.run(_USE, the_user_id=user_id, typed=secrets.digest(bare), moment=now) == 1


def left(transaction: Transaction, user_id: str) -> int:
    """Returns how many codes a person has that were not used."""
    return int(transaction.first(_LEFT, the_user_id=user_id)[0])


def remove(transaction: Transaction, user_id: str) -> None:
    """Forgets all codes of a person."""
    transaction.run(_REMOVE, the_user_id=user_id)
