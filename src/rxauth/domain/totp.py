"""Codes of authenticator apps: one app for each person, whose secret is sealed and whose codes work once."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.crypto import one_time_codes, sealing
from rxauth.domain import users
from rxauth.domain.errors import AbsentError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import totp_factors as table
from rxauth.storage.tenancy import insert_row, sql

ISSUER_NAME: Final = "rxauth"
PENDING_S: Final = 1_800  # how long somebody may take to set up an app

_INSERT = insert_row(table)
_ONE = sql(select(*table.c).where(table.c.user_id == bindparam("user_id")))
_MINE = table.c.user_id == bindparam("the_user_id")
_BEGIN = sql(update(table).where(_MINE).values(sealed_pending=bindparam("pending"), pending_at=bindparam("moment")))
_CONFIRM = sql(
    update(table)
    .where(_MINE, table.c.sealed_pending == bindparam("pending"))
    .values(
        sealed_secret=bindparam("pending"),
        sealed_pending=None,
        confirmed_at=bindparam("moment"),
        last_step=bindparam("step"),
    )
)
_SPEND = sql(
    update(table)
    .where(_MINE, table.c.sealed_secret == bindparam("used"), table.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)
_REMOVE = sql(delete(table).where(_MINE, table.c.confirmed_at.is_not(None)))
_FORGET = sql(delete(table).where(_MINE))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An app that is being set up. secret: base32, to be typed; uri: the same for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def begin(transaction: Transaction, user_id: str, sealing_key: bytes, now: int) -> Enrolment:
    """Makes a new secret, in place of one that was begun and not confirmed; an app that is in use goes on working.

    Raises:
        AbsentError: nobody has this identifier.
    """
    users.lock(transaction, user_id)
    secret = one_time_codes.new_secret()
    enrolment = _enrolment(transaction, user_id, secret)
    pending = sealing.seal(secret, sealing_key, _purpose(user_id))
    if transaction.run(_BEGIN, the_user_id=user_id, pending=pending, moment=now) == 0:
        transaction.run(
            _INSERT,
            user_id=user_id,
            sealed_secret=None,
            confirmed_at=None,
            sealed_pending=pending,
            pending_at=now,
            last_step=-1,
        )
    return enrolment


def pending(transaction: Transaction, user_id: str, sealing_key: bytes, now: int) -> Enrolment | None:
    """Returns what was begun and not confirmed, to show it again after a wrong code; None: nothing, or too long ago."""
    row = _begun(transaction, user_id, now)
    if row is None:
        return None
    return _enrolment(transaction, user_id, sealing.unseal(row.sealed_pending, sealing_key, _purpose(user_id)))


def confirm(transaction: Transaction, user_id: str, typed: str, sealing_key: bytes, now: int) -> bool:
    """Puts the app that was begun to use if `typed` is its code, in place of the one before; tells whether it is."""
    row = _begun(transaction, user_id, now)
    if row is None:
        return False
    secret = sealing.unseal(row.sealed_pending, sealing_key, _purpose(user_id))
    return any(
        transaction.run(_CONFIRM, the_user_id=user_id, pending=row.sealed_pending, moment=now, step=step) == 1
        for step in one_time_codes.matching_steps(secret, typed, now)
    )


def verify(transaction: Transaction, user_id: str, typed: str, sealing_key: bytes, now: int) -> bool:
    """Uses a code up, and tells whether it was one: of this step or a neighbour, later than every code used before."""
    row = transaction.first(_ONE, user_id=user_id)
    if row is None or row.sealed_secret is None:
        return False
    secret = sealing.unseal(row.sealed_secret, sealing_key, _purpose(user_id))
    return any(
        transaction.run(_SPEND, the_user_id=user_id, used=row.sealed_secret, step=step) == 1
        for step in one_time_codes.matching_steps(secret, typed, now)
    )


def confirmed_at(transaction: Transaction, user_id: str) -> int | None:
    """Returns since when a person has an app, UTC seconds; None: it has none."""
    row = transaction.first(_ONE, user_id=user_id)
    return None if row is None else row.confirmed_at


def remove(transaction: Transaction, user_id: str) -> None:
    """Forgets a person's app; whether it may go, only `factors` knows.

    Raises:
        AbsentError: there is none.
    """
    if transaction.run(_REMOVE, the_user_id=user_id) == 0:
        raise AbsentError("there is no authenticator app to remove")


def forget(transaction: Transaction, user_id: str) -> None:
    """Forgets a person's app, and one that is being set up, if there is any."""
    transaction.run(_FORGET, the_user_id=user_id)


def _begun(transaction: Transaction, user_id: str, now: int) -> Any:
    row = transaction.first(_ONE, user_id=user_id)
    is_open = row is not None and row.sealed_pending is not None and now < row.pending_at + PENDING_S
    return row if is_open else None


def _enrolment(transaction: Transaction, user_id: str, secret: bytes) -> Enrolment:
    user = users.find(transaction, user_id)
    if user is None:
        raise AbsentError(f"there is no person {user_id}")
    return Enrolment(one_time_codes.as_text(secret), one_time_codes.as_uri(secret, ISSUER_NAME, user.email))


def _purpose(user_id: str) -> str:
    return f"totp:{user_id}"
