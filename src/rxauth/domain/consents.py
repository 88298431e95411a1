"""Consents: what people agreed that applications of others may do for them; remembered, and taken back at once."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from rxauth.domain import token_families
from rxauth.domain.errors import AbsentError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients
from rxauth.storage.tables.sign_in import consents
from rxauth.storage.tenancy import insert_row, sql

_INSERT = insert_row(consents)
_MINE = (consents.c.user_id == bindparam("the_user_id"), consents.c.client_id == bindparam("the_client_id"))
_ONE = sql(select(consents.c.scope).where(*_MINE))
_DELETE = sql(delete(consents).where(*_MINE))
_OF_USER = sql(
    select(consents.c.client_id, clients.c.name, consents.c.scope, consents.c.given_at)
    .join(clients, clients.c.id == consents.c.client_id)
    .where(consents.c.user_id == bindparam("user_id"))
    .order_by(consents.c.given_at, consents.c.client_id),
    across_tenants="a person sees what it agreed to, whoever's application it was",
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to. given_at: UTC seconds."""

    client_id: str
    client_name: str
    scope: str
    given_at: int


def given(transaction: Transaction, user_id: str, client_id: str) -> frozenset[str]:
    """Returns the names that a person agreed to for a client; empty if it never did."""
    row = transaction.first(_ONE, the_user_id=user_id, the_client_id=client_id)
    return frozenset() if row is None else frozenset(row.scope.split())


def give(transaction: Transaction, user_id: str, client_id: str, names: frozenset[str], now: int) -> None:
    """Remembers that a person agreed, beside what it agreed to before."""
    names |= given(transaction, user_id, client_id)
    transaction.run(_DELETE, the_user_id=user_id, the_client_id=client_id)
    transaction.run(_INSERT, user_id=user_id, client_id=client_id, scope=" ".join(sorted(names)), given_at=now)


def take_back(transaction: Transaction, user_id: str, client_id: str, now: int) -> None:
    """Forgets a consent, and ends every token that came of it.

    Raises:
        AbsentError: there is none.
    """
    if transaction.run(_DELETE, the_user_id=user_id, the_client_id=client_id) == 0:
        raise AbsentError("there is no such consent")
    token_families.revoke_of_client(transaction, user_id, client_id, now)


def of_user(transaction: Transaction, user_id: str) -> list[Consent]:
    """Lists what a person agreed to, oldest first."""
    return [Consent(*row) for row in transaction.all(_OF_USER, user_id=user_id)]
