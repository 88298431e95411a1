"""Clients that people sign in with: browser, native and confidential web applications."""

from dataclasses import dataclass
from typing import Final

from rxauth.domain import changes, client_secrets, clients
from rxauth.domain.client_secrets import NewSecret
from rxauth.domain.client_urls import Registered
from rxauth.domain.errors import InvalidError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_urls
from rxauth.storage.tenancy import insert_row

PEOPLES: Final = frozenset({clients.SPA, clients.NATIVE, clients.REGULAR_WEB})
_INSERT_URL = insert_row(client_urls)


@dataclass(frozen=True, slots=True)
class PeoplesClient:
    """A client that people sign in with, as it is registered. See `Client` for the marks."""

    name: str
    app_type: str
    registered: Registered
    third_party: bool = False
    any_organization: bool = False
    backchannel_logout_uri: str | None = None


def create_peoples_client(
    transaction: Transaction, organization_id: str, new: PeoplesClient, now: int
) -> tuple[str, NewSecret | None]:
    """Adds a client that people sign in with; returns its identifier, and the secret of a confidential one.

    Raises:
        InvalidError: a kind of client that people do not sign in with, or a URL that must not be registered.
    """
    if new.app_type not in PEOPLES:
        raise InvalidError(f"people sign in with clients of the types {', '.join(sorted(PEOPLES))}")
    stored = new.registered.stored(is_native=new.app_type == clients.NATIVE)
    client_id = clients.insert(
        transaction,
        organization_id,
        new.name,
        new.app_type,
        now,
        third_party=new.third_party,
        any_organization=new.any_organization,
        backchannel_logout_uri=new.backchannel_logout_uri,
    )
    owner = {"organization_id": organization_id, "client_id": client_id}
    transaction.run_many(_INSERT_URL, [{**owner, "kind": kind, "url": url} for kind, url in sorted(stored)])
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    if new.app_type != clients.REGULAR_WEB:
        return client_id, None
    return client_id, client_secrets.add(transaction, organization_id, client_id, now)
