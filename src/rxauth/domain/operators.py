"""Operators: the people who look after the installation. They belong to it, and to no organization by that.

Only the command line makes one. Nobody remembers who is one: each request asks, so that whoever was removed is out.
"""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, delete, select

from rxauth.crypto import secrets
from rxauth.domain import letters, password_resets, users
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.domain.mails import Outbox
from rxauth.domain.names import Name
from rxauth.domain.pruning import Pruning
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.operators import operator_forms as forms
from rxauth.storage.tables.operators import operators as table
from rxauth.storage.tables.people import users as people
from rxauth.storage.tenancy import insert_row, sql

CONSOLE_PATH: Final = "/admin"
FORM_KEPT_S: Final = 86_400
_INSERT = insert_row(table)
_REMOVE = sql(delete(table).where(table.c.user_id == bindparam("the_user_id")))
_ONE = sql(
    select(table.c.user_id)
    .join(people, people.c.id == table.c.user_id)
    .where(table.c.user_id == bindparam("user_id"), people.c.disabled_at.is_(None))
)
_ALL = sql(
    select(table.c.user_id, people.c.email, table.c.added_at, people.c.disabled_at)
    .join(people, people.c.id == table.c.user_id)
    .order_by(table.c.added_at, table.c.user_id)
)
_KEEP_FORM = insert_row(forms)
_FORM = sql(select(forms.c.led_to).where(forms.c.digest == bindparam("digest")))
FORGET_FORMS: Final = Pruning(forms, forms.c.sent_at, FORM_KEPT_S)


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator, as lists have it. added_at: UTC seconds."""

    user_id: str
    email: str = field(repr=False)
    added_at: int
    is_disabled: bool


def add(transaction: Transaction, email: str, outbox: Outbox, now: int) -> str:
    """Makes the person with an address an operator, and tells that person; returns who it is.

    Raises:
        AbsentError: nobody has the address. ExistsError: the person is one already.
    """
    user = users.find_by_email(transaction, email)
    if user is None or user.disabled_at is not None:
        raise AbsentError("nobody who may sign in has this address: with a name, somebody new is made")
    if is_operator(transaction, user.id):
        raise ExistsError("whoever has this address is an operator already")
    transaction.run(_INSERT, user_id=user.id, added_at=now)
    outbox.put(transaction, letters.operator_added(user.email, outbox.url(CONSOLE_PATH), None), now)
    return user.id


def add_new(transaction: Transaction, email: str, name: Name, outbox: Outbox, now: int) -> str:
    """Makes somebody new an operator, who gets a letter to choose a password; returns who it is.

    Raises:
        ExistsError: somebody has the address. InvalidError: the name or the address is none.
    """
    if users.find_by_email(transaction, email) is not None:
        raise ExistsError("somebody has this address already, and a name with it: leave the name out")
    user = User(new_id(Kind.USER, now * 1000), users.require_email(email), None, name, None)
    users.add(transaction, user, now)
    transaction.run(_INSERT, user_id=user.id, added_at=now)
    link = password_resets.make_link(transaction, user.id, outbox, now)
    outbox.put(transaction, letters.operator_added(user.email, outbox.url(CONSOLE_PATH), link), now)
    return user.id


def remove(transaction: Transaction, email: str) -> str:
    """Ends somebody's being an operator, from the next request on; returns who it was.

    Raises:
        AbsentError: nobody with this address is one.
    """
    user = users.find_by_email(transaction, email)
    if user is None or transaction.run(_REMOVE, the_user_id=user.id) == 0:
        raise AbsentError("no operator has this address")
    return user.id


def is_operator(transaction: Transaction, user_id: str) -> bool:
    """Tells whether a person is an operator, now."""
    return transaction.first(_ONE, user_id=user_id) is not None


def all_of_them(transaction: Transaction) -> list[Listed]:
    """Lists the operators, those first who have been it for longest."""
    rows = transaction.all(_ALL)
    return [Listed(row.user_id, row.email, row.added_at, row.disabled_at is not None) for row in rows]


def led_to(transaction: Transaction, key: str) -> str | None:
    """Returns where the form with this key led when it was sent before; None: it was not."""
    row = transaction.first(_FORM, digest=secrets.digest(key))
    return None if row is None else str(row.led_to)


def keep_form(transaction: Transaction, key: str, location: str, now: int) -> None:
    """Notes that a form was sent, and where it leads, in the transaction of what it did.

    Raises:
        ConflictError: it was sent before, and this time does nothing.
    """
    transaction.run(_KEEP_FORM, digest=secrets.digest(key), led_to=location, sent_at=now)
