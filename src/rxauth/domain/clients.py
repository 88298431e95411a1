"""API clients: an organization's one machine client, and those that its people sign in with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, or_, select, update

from rxauth.crypto import secrets
from rxauth.domain import changes, client_secrets
from rxauth.domain.client_secrets import Described, NewSecret, Secret
from rxauth.domain.client_urls import UrlKind
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.ids import is_client_id, new_client_id
from rxauth.policy.permissions import BY_NAME, Machine
from rxauth.policy.subjects import MachineSubject
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions, client_urls, clients, organizations
from rxauth.storage.tenancy import insert_row, sql

MACHINE: Final = "non_interactive"
SPA: Final = "spa"
NATIVE: Final = "native"
REGULAR_WEB: Final = "regular_web"
LIVE_SECRETS_LIMIT: Final = 2
OVERLAP_LIMIT_S: Final = 30 * 86_400
_UNDESCRIBED: Final = Described()

_NAMES_ITSELF = "a client names itself before its organization is known"
_OPERATOR = "the platform's operator works on every organization"
_INSERT_CLIENT = insert_row(clients)
_INSERT_PERMISSION = insert_row(client_permissions)
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
_ONE = sql(_WITH_ORGANIZATION.where(clients.c.id == bindparam("client_id")), across_tenants=_NAMES_ITSELF)
_LOCKED = sql(
    select(clients.c.organization_id).where(clients.c.id == bindparam("client_id")).with_for_update(),
    across_tenants=_OPERATOR,
)
_ALL = sql(_WITH_ORGANIZATION.order_by(clients.c.organization_id, clients.c.id), across_tenants=_OPERATOR)
_OF_ORGANIZATION = sql(
    select(clients.c.id, clients.c.name, clients.c.app_type)
    .where(clients.c.organization_id == bindparam("organization_id"), clients.c.disabled_at.is_(None))
    .order_by(clients.c.created_at, clients.c.id)
)
_MACHINE = sql(
    select(clients.c.id).where(clients.c.organization_id == bindparam("organization_id"), clients.c.app_type == MACHINE)
)
_PERMISSIONS = sql(
    select(client_permissions.c.permission).where(
        client_permissions.c.organization_id == bindparam("organization_id"),
        client_permissions.c.client_id == bindparam("client_id"),
    )
)
_URLS = sql(
    select(client_urls.c.kind, client_urls.c.url).where(
        client_urls.c.organization_id == bindparam("organization_id"),
        client_urls.c.client_id == bindparam("client_id"),
    )
)
_REVOKE_TOKENS = sql(
    update(clients)
    .where(
        clients.c.organization_id == bindparam("the_organization_id"),
        clients.c.id == bindparam("the_client_id"),
    )
    .values(tokens_valid_after=bindparam("moment"))
)
_DISABLE = sql(
    update(clients)
    .where(
        clients.c.organization_id == bindparam("the_organization_id"),
        clients.c.id == bindparam("the_client_id"),
    )
    .values(disabled_at=bindparam("moment"))
)


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


@dataclass(frozen=True, slots=True)
class Listed:
    """A client as a list shows it. secret None: it is not known any more, or there is none."""

    id: str
    name: str
    app_type: str
    secret: str | None = field(default=None, repr=False)


def insert(
    transaction: Transaction,
    organization_id: str,
    name: str,
    app_type: str,
    now: int,
    *,
    third_party: bool = False,
    any_organization: bool = False,
    backchannel_logout_uri: str | None = None,
) -> str:
    """Adds the row of a client and returns its identifier."""
    client_id = new_client_id()
    transaction.run(
        _INSERT_CLIENT,
        id=client_id,
        organization_id=organization_id,
        name=name,
        app_type=app_type,
        created_at=now,
        disabled_at=None,
        tokens_valid_after=0,
        third_party=third_party,
        any_organization=any_organization,
        backchannel_logout_uri=backchannel_logout_uri,
    )
    return client_id


def create_machine_client(
    transaction: Transaction, organization_id: str, name: str, permissions: Iterable[str], now: int
) -> NewSecret:
    """Adds the organization's machine client with its first secret.

    Raises:
        InvalidError: a permission that no machine may hold, or none of that name.
        ExistsError: the organization has its machine client already.
        ConflictError: at the end of the transaction, if another process made it at the same time.
    """
    permissions = list(dict.fromkeys(permissions))
    for permission in permissions:
        if permission not in BY_NAME or BY_NAME[permission].machine is Machine.NEVER:
            raise InvalidError(f"a machine client cannot be given {permission!r}")
    present = transaction.first(_MACHINE, organization_id=organization_id)
    if present is not None:
        raise ExistsError(f"the organization has its machine client already: {present.id}")
    client_id = insert(transaction, organization_id, name, MACHINE, now)
    transaction.run_many(
        _INSERT_PERMISSION,
        [
            {"organization_id": organization_id, "client_id": client_id, "permission": permission}
            for permission in permissions
        ],
    )
    return client_secrets.add(transaction, organization_id, client_id, now)


def load(transaction: Transaction, client_id: str) -> Client | None:
    """Returns a client with its secrets and permissions, or None."""
    if not is_client_id(client_id):
        return None  # nobody's, and not every database takes every text
    row = transaction.first(_ONE, client_id=client_id)
    # An unknown client costs the same statements as a known one, so that nobody can tell them apart by the time.
    owner = {"organization_id": "" if row is None else row.organization_id, "client_id": client_id}
    permissions = frozenset(found.permission for found in transaction.all(_PERMISSIONS, **owner))
    secrets_of_client = client_secrets.of_client(transaction, **owner)
    found_urls = transaction.all(_URLS, **owner)
    if row is None:
        return None
    urls = {kind: frozenset(found.url for found in found_urls if found.kind == kind) for kind in UrlKind}
    subject = MachineSubject(client_id, row.organization_id, permissions)
    return Client(**row._mapping, secrets=secrets_of_client, urls=urls, subject=subject)


def all_of_them(transaction: Transaction) -> list[Client]:
    """Lists the clients of every organization, for the operator."""
    found = (load(transaction, row.id) for row in transaction.all(_ALL))
    return [client for client in found if client is not None]


def of_organization(transaction: Transaction, organization_id: str) -> list[Listed]:
    """Lists an organization's own clients that are not disabled, the oldest first."""
    return [Listed(*row) for row in transaction.all(_OF_ORGANIZATION, organization_id=organization_id)]


def rotate_secret(
    transaction: Transaction, client_id: str, overlap_s: int, now: int, described: Described = _UNDESCRIBED
) -> NewSecret:
    """Makes a new secret; the one before it works for `overlap_s` seconds more.

    Raises:
        AbsentError: no such client.
        InvalidError: an overlap that is negative or longer than 30 days, or a client that has no secret.
        ExistsError: two secrets are live already, so the last rotation is not over.
    """
    if not 0 <= overlap_s <= OVERLAP_LIMIT_S:
        raise InvalidError(f"the overlap is 0 to {OVERLAP_LIMIT_S // 3600} hours (30 days)")
    client = _locked(transaction, client_id)
    if client.app_type not in {MACHINE, REGULAR_WEB}:
        raise InvalidError(f"a client of the type {client.app_type} has no secret: it cannot keep one")
    live = [secret for secret in client.secrets if secret.is_live(now)]
    if len(live) >= LIVE_SECRETS_LIMIT:
        raise ExistsError(
            f"two secrets work already ({live[0].id}, {live[1].id}): revoke one, or wait until the older one ends"
        )
    for secret in live:
        end = now + overlap_s if secret.expires_at is None else min(secret.expires_at, now + overlap_s)
        client_secrets.expire(transaction, client.organization_id, secret.id, end, now)
    return client_secrets.add(transaction, client.organization_id, client_id, now, described)


def revoke_secret(transaction: Transaction, client_id: str, secret_id: str, now: int) -> Client:
    """Ends a secret at once, and the tokens that were issued with it.

    Raises:
        AbsentError: no such client, or it has no such secret that is not revoked.
    """
    client = _locked(transaction, client_id)
    if not client_secrets.revoke(transaction, client.organization_id, client_id, secret_id, now):
        raise AbsentError(f"client {client_id} has no secret {secret_id} that is not revoked")
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    return client


def revoke_tokens(transaction: Transaction, client_id: str, now: int) -> Client:
    """Ends every token that was issued to the client so far; its secrets go on working.

    Raises:
        AbsentError: no such client.
    """
    client = _locked(transaction, client_id)
    # Tokens count whole seconds: those of this second end too, and the next one is dated after it.
    owner = {"the_organization_id": client.organization_id, "the_client_id": client_id}
    transaction.run(_REVOKE_TOKENS, **owner, moment=now + 1)
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    return client


def disable(transaction: Transaction, client_id: str, now: int) -> Client:
    """Shuts a client out: it gets no tokens, and those it holds are refused.

    Raises:
        AbsentError: no such client.
    """
    client = _locked(transaction, client_id)
    owner = {"the_organization_id": client.organization_id, "the_client_id": client_id}
    transaction.run(_DISABLE, **owner, moment=now)
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    return client


def _locked(transaction: Transaction, client_id: str) -> Client:
    """Reads a client that nobody else can change until the transaction ends."""
    transaction.first(_LOCKED, client_id=client_id)
    client = load(transaction, client_id)
    if client is None:
        raise AbsentError(f"there is no client {client_id}")
    return client
