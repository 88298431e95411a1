"""A client as it is remembered: all that a request of it is judged by, read in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from sys import intern
from typing import Any, Final

from sqlalchemy import bindparam, func, or_, select

from rxauth.crypto import secrets
from rxauth.domain.client_secrets import COLUMNS as SECRET_COLUMNS
from rxauth.domain.client_secrets import Secret
from rxauth.domain.client_urls import UrlKind
from rxauth.ids import is_client_id
from rxauth.policy.subjects import MachineSubject
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions, client_urls, clients, organizations
from rxauth.storage.tables.access import client_secrets as secrets_table
from rxauth.storage.tenancy import sql

_SHARED: Final = 4_096  # different sets of permissions that are kept once
_NO_URLS: Final[Mapping[UrlKind, frozenset[str]]] = dict.fromkeys(UrlKind, frozenset())
_NAMES_ITSELF = "a client names itself before its organization is known"
_CLIENT_COLUMNS = (
    clients.c.id,
    clients.c.organization_id,
    clients.c.name,
    clients.c.app_type,
    clients.c.created_at,
    clients.c.tokens_valid_after,
    clients.c.third_party,
    clients.c.any_organization,
    clients.c.backchannel_logout_uri,
    or_(clients.c.disabled_at.is_not(None), organizations.c.disabled_at.is_not(None)).label("disabled"),
)
_WITH_ORGANIZATION = select(*_CLIENT_COLUMNS).join(organizations, organizations.c.id == clients.c.organization_id)
# One statement for all of a client, a row for each of its secrets: whoever was not remembered waits for one read.
_WHOLE = (
    _WITH_ORGANIZATION.add_columns(
        select(func.aggregate_strings(client_permissions.c.permission, " "))
        .where(client_permissions.c.client_id == clients.c.id)
        .scalar_subquery()
        .label("permissions"),
        select(func.aggregate_strings(client_urls.c.kind + " " + client_urls.c.url, "\n"))
        .where(client_urls.c.client_id == clients.c.id)
        .scalar_subquery()
        .label("urls"),
        *(secrets_table.c[name].label(f"secret_{name}") for name in SECRET_COLUMNS),
    )
    .outerjoin(secrets_table, secrets_table.c.client_id == clients.c.id)
    .order_by(clients.c.id, secrets_table.c.id)
)
_ONE = sql(_WHOLE.where(clients.c.id == bindparam("client_id")), across_tenants=_NAMES_ITSELF)
_MANY = sql(_WHOLE.where(clients.c.id.in_(bindparam("client_ids", expanding=True))), across_tenants=_NAMES_ITSELF)


@dataclass(frozen=True, slots=True)
class Client:
    """A client. disabled: it, or its organization, is; tokens_valid_after: UTC seconds.

    third_party: people are asked before it gets anything. any_organization: it serves everybody's people.
    backchannel_logout_uri None: it does not hear of logouts. urls: by what each is registered for.
    """

    id: str
    organization_id: str
    name: str
    app_type: str
    created_at: int
    tokens_valid_after: int
    third_party: bool
    any_organization: bool
    backchannel_logout_uri: str | None
    disabled: bool
    secrets: tuple[Secret, ...]
    urls: Mapping[UrlKind, frozenset[str]]
    subject: MachineSubject

    def live_secret(self, digest: bytes, now: int) -> Secret | None:
        """Returns the live secret with this digest; every live one is compared, in constant time."""
        found = None
        for secret in self.secrets:
            if secret.is_live(now) and secrets.matches(digest, secret.digest):
                found = secret
        return found

    def secret(self, secret_id: str) -> Secret | None:
        """Returns one of the client's secrets, live or not."""
        return next((secret for secret in self.secrets if secret.id == secret_id), None)


def load(transaction: Transaction, client_id: str) -> Client | None:
    """Returns a client with its secrets and permissions, or None."""
    if not is_client_id(client_id):
        return None  # nobody's, and not every database takes every text
    # An unknown client costs the same statement as a known one, so that nobody can tell them apart by the time.
    rows = transaction.all(_ONE, client_id=client_id)
    return _client(rows) if rows else None


def load_all(transaction: Transaction, client_ids: Iterable[str]) -> dict[str, Client]:
    """Returns those of some clients that there are, by their identifiers."""
    asked = [one for one in dict.fromkeys(client_ids) if is_client_id(one)]
    if len(asked) < 2:
        return {one: client for one in asked if (client := load(transaction, one)) is not None}
    # So many as a power of two: a statement of each length would be prepared for each connection.
    asked += asked[-1:] * ((1 << (len(asked) - 1).bit_length()) - len(asked))
    rows = transaction.all(_MANY, client_ids=asked)
    return {client_id: _client(list(its)) for client_id, its in groupby(rows, attrgetter("id"))}


def _client(rows: Sequence[Any]) -> Client:
    """Puts a client together, of a row for each of its secrets; what many have alike they share."""
    one = rows[0]
    return Client(
        id=one.id,
        organization_id=one.organization_id,
        name=one.name,
        app_type=intern(one.app_type),
        created_at=one.created_at,
        tokens_valid_after=one.tokens_valid_after,
        third_party=one.third_party,
        any_organization=one.any_organization,
        backchannel_logout_uri=one.backchannel_logout_uri,
        disabled=bool(one.disabled),
        secrets=tuple(_secret(row) for row in rows if row.secret_id is not None),
        urls=_urls(one.urls),
        subject=MachineSubject(one.id, one.organization_id, _permissions(one.permissions)),
    )


def _secret(row: Any) -> Secret:
    return Secret(**{name: getattr(row, f"secret_{name}") for name in SECRET_COLUMNS})


@lru_cache(_SHARED)
def _permissions(written: str | None) -> frozenset[str]:
    return frozenset((written or "").split())


def _urls(written: str | None) -> Mapping[UrlKind, frozenset[str]]:
    if written is None:
        return _NO_URLS
    found = [line.partition(" ") for line in written.split("\n")]
    return {kind: frozenset(url for name, _, url in found if name == kind) for kind in UrlKind}
