"""What those are called whom an organization's own records name: people, and its clients."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.domain.names import Name
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients
from rxauth.storage.tables.people import users
from rxauth.storage.tenancy import sql

_IDS: Final[Any] = bindparam("ids", expanding=True)
_PEOPLE = sql(
    select(users.c.id, users.c.first_name, users.c.last_name, users.c.title, users.c.middle_name).where(
        users.c.id.in_(_IDS)
    )
)
_CLIENTS = sql(
    select(clients.c.id, clients.c.name).where(
        clients.c.organization_id == bindparam("organization_id"), clients.c.id.in_(_IDS)
    )
)


def people(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Name]:
    """Returns the names of people; ids: of those whom the organization's own records name."""
    return {row.id: Name(*row[1:]) for row in transaction.all(_PEOPLE, ids=ids)}


def apps(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, str]:
    """Returns the names of the organization's clients among `ids`."""
    return {row.id: row.name for row in transaction.all(_CLIENTS, organization_id=organization_id, ids=ids)}
