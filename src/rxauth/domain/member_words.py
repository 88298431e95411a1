"""The words by which members are found: those of their names and addresses, for each organization they work for."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, select

from rxauth.domain.names import Name, search_words
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import member_words as table
from rxauth.storage.tables.people import memberships
from rxauth.storage.tenancy import insert_row, sql

_EVERYWHERE = "a person has one name, wherever they work"
_INSERT = insert_row(table)
_REMOVE = sql(
    delete(table).where(
        table.c.organization_id == bindparam("the_organization_id"),
        table.c.user_id.in_(bindparam("user_ids", expanding=True)),
    )
)
_REMOVE_ALL = sql(delete(table).where(table.c.user_id == bindparam("of")), across_tenants=_EVERYWHERE)
_ORGANIZATIONS = sql(
    select(memberships.c.organization_id).where(memberships.c.user_id == bindparam("of")), across_tenants=_EVERYWHERE
)


def words_of(name: Name, email: str) -> list[str]:
    """Returns the words of a name and an address."""
    return search_words(f"{name.full} {email}")


def add(transaction: Transaction, organization_id: str, user_id: str, words: Iterable[str]) -> None:
    """Has a new member found."""
    rows = [{"organization_id": organization_id, "user_id": user_id, "word": word} for word in words]
    transaction.run_many(_INSERT, rows)


def remove(transaction: Transaction, organization_id: str, user_ids: Sequence[str]) -> None:
    """Has people who are no members any more not found."""
    transaction.run(_REMOVE, the_organization_id=organization_id, user_ids=user_ids)


def replace(transaction: Transaction, user_id: str, words: Iterable[str]) -> None:
    """Has a person found by another name, or another address, wherever they work."""
    kept = tuple(words)
    transaction.run(_REMOVE_ALL, of=user_id)
    for row in transaction.all(_ORGANIZATIONS, of=user_id):
        add(transaction, row.organization_id, user_id, kept)
