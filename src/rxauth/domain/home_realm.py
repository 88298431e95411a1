"""Home realms: with which identity provider somebody signs in, as the domain of the address that was typed says.

Only the domain is looked at: whether anybody has the address, nobody learns here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain import connections, domains
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import domains as table
from rxauth.storage.tenancy import sql

_LEADING: Final = (table.c.verified_at.is_not(None), table.c.connection_id.is_not(None))
_ANY = sql(
    select(table.c.id).where(*_LEADING).limit(1),
    across_tenants="somebody signs in before anybody knows for which organization",
)
_OF_ORGANIZATION = sql(
    select(table.c.id).where(table.c.organization_id == bindparam("organization_id"), *_LEADING).limit(1)
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A connection as the login page shows it."""

    id: str
    display_name: str = field(repr=False)


def of_address(transaction: Transaction, email: str, organization_id: str | None) -> str | None:
    """Returns the connection that people with an address sign in with; None: they do so as everybody does.

    organization_id: the only one that the sign-in is for; None: it is for any.
    """
    domain = domains.of_email(transaction, email)
    if domain is None or domain.connection_id is None or organization_id not in {None, domain.organization_id}:
        return None
    connection = connections.find(transaction, domain.connection_id)
    return None if connection is None or connection.disabled_at is not None else connection.id


def is_useful(transaction: Transaction, organization_id: str | None) -> bool:
    """Tells whether an address could say with which provider somebody signs in; organization_id: see `of_address`."""
    if organization_id is None:
        return transaction.first(_ANY) is not None
    return transaction.first(_OF_ORGANIZATION, organization_id=organization_id) is not None


def offered(transaction: Transaction, organization_id: str | None) -> Sequence[Offered]:
    """Lists the connections of an organization that can be used; None: nobody knows which organization it is."""
    if organization_id is None:
        return []
    found = connections.all_of(transaction, organization_id)
    return [Offered(one.id, one.display_name) for one in found if one.disabled_at is None]
