"""Home realms: with which identity provider somebody signs in, as the domain of the address that was typed says.

Only the domain is looked at: whether anybody has the address, nobody learns here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rxauth.domain import connections, domains
from rxauth.storage.database import Transaction


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


def offered(transaction: Transaction, organization_id: str | None) -> Sequence[Offered]:
    """Lists the connections of an organization that can be used; None: nobody knows which organization it is."""
    if organization_id is None:
        return []
    found = connections.all_of(transaction, organization_id)
    return [Offered(one.id, one.display_name) for one in found if one.disabled_at is None]
