"""API clients: an organization's one machine client, and those that its people sign in with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import changes, client_records, client_secrets
from rxauth.domain.client_secrets import Described, NewSecret
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.ids import new_client_id
from rxauth.policy.permissions import BY_NAME, Machine
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions, clients
from rxauth.storage.tenancy import insert_row, sql

Client = client_records.Client
load = client_records.load
load_all = client_records.load_all
MACHINE: Final = "non_interactive"
SPA: Final = "spa"
NATIVE: Final = "native"
REGULAR_WEB: Final = "regular_web"
LIVE_SECRETS_LIMIT: Final = 2
OVERLAP_LIMIT_S: Final = 30 * 86_400
_UNDESCRIBED: Final = Described()

_OPERATOR = "the platform's operator works on every organization"
_INSERT_CLIENT = insert_row(clients)
_INSERT_PERMISSION = insert_row(client_permissions)
_LOCKED = sql(
    select(clients.c.organization_id).where(clients.c.id == bindparam("client_id")).with_for_update(),
    across_tenants=_OPERATOR,
)
_ALL = sql(select(clients.c.id).order_by(clients.c.organization_id, clients.c.id), across_tenants=_OPERATOR)
_OF_ORGANIZATION = sql(
    select(clients.c.id, clients.c.name, clients.c.app_type)
    .where(clients.c.organization_id == bindparam("organization_id"), clients.c.disabled_at.is_(None))
    .order_by(clients.c.created_at, clients.c.id)
)
_MACHINE = sql(
    select(clients.c.id).where(clients.c.organization_id == bindparam("organization_id"), clients.c.app_type == MACHINE)
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
