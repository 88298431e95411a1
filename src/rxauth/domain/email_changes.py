"""Changes of e-mail address: a link to the new one makes it so, and the old one is told before and after."""

from typing import Final

from sqlalchemy import bindparam, update

from rxauth.crypto import secrets
from rxauth.domain import letters, password_resets, users
from rxauth.domain.errors import AbsentError
from rxauth.domain.mails import Outbox
from rxauth.domain.pruning import Pruning
from rxauth.domain.users import User
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import email_changes as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 86_400
KEPT_S: Final = 86_400  # after it expired

_INSERT = insert_row(table)
_SPEND = sql(
    update(table)
    .where(
        table.c.digest == bindparam("presented"),
        table.c.used_at.is_(None),
        table.c.expires_at > bindparam("moment"),
    )
    .values(used_at=bindparam("moment"))
    .returning(table.c.user_id, table.c.email)
)
FORGET: Final = Pruning(table, table.c.expires_at, KEPT_S)
_REVOKE = sql(
    update(table)
    .where(table.c.user_id == bindparam("the_user_id"), table.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
)


def ask(transaction: Transaction, user_id: str, email: str, outbox: Outbox, now: int) -> None:
    """Sends a link to a new address, in place of every link before, and a notice to the present one.

    An address that somebody else has looks the same to whoever asks; no link is sent to it.

    Raises:
        InvalidError: it is no address. AbsentError: nobody has this identifier.
    """
    email = users.require_email(email)
    user = users.find(transaction, user_id)
    if user is None:
        raise AbsentError(f"there is no person {user_id}")
    revoke_all(transaction, user_id, now)
    other = users.find_by_email(transaction, email)
    if other is None or other.id == user_id:
        token = secrets.new_handle()
        transaction.run(
            _INSERT,
            digest=secrets.digest(token),
            user_id=user_id,
            email=email,
            created_at=now,
            expires_at=now + LIFETIME_S,
            used_at=None,
        )
        outbox.put(transaction, letters.email_change(email, outbox.link(letters.EMAIL_PATH, token)), now)
    outbox.put(transaction, letters.email_change_asked(user.email), now)


def confirm(transaction: Transaction, token: str, outbox: Outbox, now: int) -> User | None:
    """Makes the change that a link stands for; reset links sent to the old address die with it.

    Returns the person with the new address, or None: the link is forged, used, replaced or too old, its person was
    disabled, or somebody has the address by now.

    Raises:
        ConflictError: somebody took the address at the same moment.
    """
    row = transaction.first(_SPEND, presented=secrets.digest(token), moment=now)
    user = None if row is None else users.find(transaction, row.user_id)
    if row is None or user is None or user.disabled_at is not None:
        return None
    other = users.find_by_email(transaction, row.email)
    if other is not None and other.id != user.id:
        return None
    users.change_email(transaction, user.id, row.email, now)
    password_resets.revoke_all(transaction, user.id, now)
    outbox.put(transaction, letters.email_changed(user.email), now)
    return users.find(transaction, user.id)


def revoke_all(transaction: Transaction, user_id: str, now: int) -> None:
    """Ends every link for a person."""
    transaction.run(_REVOKE, the_user_id=user_id, moment=now)
