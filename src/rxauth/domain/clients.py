"""API clients: an organization's one machine client, its permissions and its secrets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, or_, select, update

from rxauth.crypto import secrets
from rxauth.domain import changes
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.ids import Kind, new_client_id, new_id
from rxauth.policy.permissions import BY_NAME, Machine
from rxauth.policy.subjects import MachineSubject
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions, client_secrets, clients, organizations
from rxauth.storage.tenancy import insert_row, sql

MACHINE: Final = "non_interactive"
LIVE_SECRETS_LIMIT: Final = 2
OVERLAP_LIMIT_S: Final = 30 * 86_400

_NAMES_ITSELF = "a client names itself before its organization is known"
_OPERATOR = "the platform's operator works on every organization"
_INSERT_CLIENT = insert_row(clients)
_INSERT_PERMISSION = insert_row(client_permissions)
_INSERT_SECRET = insert_row(client_secrets)
_CLIENT_COLUMNS = (
    clients.c.id,
    clients.c.organization_id,
    clients.c.name,
    clients.c.app_type,
    clients.c.created_at,
    clients.c.tokens_valid_after,
    or_(clients.c.disabled_at.is_not(None), organizations.c.disabled_at.is_not(None)).label("disabled"),
)
_WITH_ORGANIZATION = select(*_CLIENT_COLUMNS).join(organizations, organizations.c.id == clients.c.organization_id)
_ONE = sql(_WITH_ORGANIZATION.where(clients.c.id == bindparam("client_id")), across_tenants=_NAMES_ITSELF)
_LOCKED = sql(
    select(clients.c.organization_id).where(clients.c.id == bindparam("client_id")).with_for_update(),
    across_tenants=_OPERATOR,
)
_ALL = sql(_WITH_ORGANIZATION.order_by(clients.c.organization_id, clients.c.id), across_tenants=_OPERATOR)
_MACHINE = sql(
    select(clients.c.id).where(clients.c.organization_id == bindparam("organization_id"), clients.c.app_type == MACHINE)
)
_PERMISSIONS = sql(
    select(client_permissions.c.permission).where(
        client_permissions.c.organization_id == bindparam("organization_id"),
        client_permissions.c.client_id == bindparam("client_id"),
    )
)
_SECRETS = sql(
    select(
        client_secrets.c.id,
        client_secrets.c.digest,
        client_secrets.c.created_at,
        client_secrets.c.expires_at,
        client_secrets.c.revoked_at,
    )
    .where(
        client_secrets.c.organization_id == bindparam("organization_id"),
        client_secrets.c.client_id == bindparam("client_id"),
    )
    .order_by(client_secrets.c.id)
)
_EXPIRE = sql(
    update(client_secrets)
    .where(
        client_secrets.c.organization_id == bindparam("the_organization_id"),
        client_secrets.c.id == bindparam("secret_id"),
    )
    .values(expires_at=bindparam("moment"))
)
_REVOKE = sql(
    update(client_secrets)
    .where(
        client_secrets.c.organization_id == bindparam("the_organization_id"),
        client_secrets.c.client_id == bindparam("the_client_id"),
        client_secrets.c.id == bindparam("secret_id"),
        client_secrets.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("moment"))
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
class Secret:
    """One of a client's secrets: its digest and its times (UTC seconds).

    expires_at None: it has no end. revoked_at None: it was not revoked.
    """

    id: str
    digest: bytes = field(repr=False)
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def is_live(self, now: int) -> bool:
        """Tells whether the secret may be exchanged for tokens."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Client:
    """A machine client. disabled: it, or its organization, is; tokens_valid_after: UTC seconds."""

    id: str
    organization_id: str
    name: str
    app_type: str
    created_at: int
    tokens_valid_after: int
    disabled: bool
    secrets: tuple[Secret, ...]
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
class NewSecret:
    """A secret that was just made: the only time that its text is known."""

    id: str
    client_id: str
    text: str = field(repr=False)


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
    client_id = new_client_id()
    transaction.run(
        _INSERT_CLIENT,
        id=client_id,
        organization_id=organization_id,
        name=name,
        app_type=MACHINE,
        created_at=now,
        disabled_at=None,
        tokens_valid_after=0,
    )
    transaction.run_many(
        _INSERT_PERMISSION,
        [
            {"organization_id": organization_id, "client_id": client_id, "permission": permission}
            for permission in permissions
        ],
    )
    return _add_secret(transaction, organization_id, client_id, now)


def load(transaction: Transaction, client_id: str) -> Client | None:
    """Returns a client with its secrets and permissions, or None."""
    row = transaction.first(_ONE, client_id=client_id)
    # An unknown client costs the same statements as a known one, so that nobody can tell them apart by the time.
    owner = {"organization_id": "" if row is None else row.organization_id, "client_id": client_id}
    permissions = frozenset(found.permission for found in transaction.all(_PERMISSIONS, **owner))
    secrets_of_client = tuple(Secret(*found) for found in transaction.all(_SECRETS, **owner))
    if row is None:
        return None
    subject = MachineSubject(client_id, row.organization_id, permissions)
    return Client(**row._mapping, secrets=secrets_of_client, subject=subject)


def all_of_them(transaction: Transaction) -> list[Client]:
    """Lists the clients of every organization, for the operator."""
    found = (load(transaction, row.id) for row in transaction.all(_ALL))
    return [client for client in found if client is not None]


def rotate_secret(transaction: Transaction, client_id: str, overlap_s: int, now: int) -> NewSecret:
    """Makes a new secret; the one before it works for `overlap_s` seconds more.

    Raises:
        AbsentError: no such client.
        InvalidError: an overlap that is negative or longer than 30 days.
        ExistsError: two secrets are live already, so the last rotation is not over.
    """
    if not 0 <= overlap_s <= OVERLAP_LIMIT_S:
        raise InvalidError(f"the overlap is 0 to {OVERLAP_LIMIT_S // 3600} hours (30 days)")
    client = _locked(transaction, client_id)
    live = [secret for secret in client.secrets if secret.is_live(now)]
    if len(live) >= LIVE_SECRETS_LIMIT:
        raise ExistsError(
            f"two secrets work already ({live[0].id}, {live[1].id}): revoke one, or wait until the older one ends"
        )
    for secret in live:
        end = now + overlap_s if secret.expires_at is None else min(secret.expires_at, now + overlap_s)
        transaction.run(_EXPIRE, the_organization_id=client.organization_id, secret_id=secret.id, moment=end)
    return _add_secret(transaction, client.organization_id, client_id, now)


def revoke_secret(transaction: Transaction, client_id: str, secret_id: str, now: int) -> Client:
    """Ends a secret at once, and the tokens that were issued with it.

    Raises:
        AbsentError: no such client, or it has no such secret that is not revoked.
    """
    client = _locked(transaction, client_id)
    owner = {"the_organization_id": client.organization_id, "the_client_id": client_id}
    if transaction.run(_REVOKE, **owner, secret_id=secret_id, moment=now) == 0:
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


def _add_secret(transaction: Transaction, organization_id: str, client_id: str, now: int) -> NewSecret:
    secret = NewSecret(new_id(Kind.SECRET, now * 1000), client_id, secrets.new_secret())
    transaction.run(
        _INSERT_SECRET,
        id=secret.id,
        organization_id=organization_id,
        client_id=client_id,
        digest=secrets.digest(secret.text),
        created_at=now,
        expires_at=None,
        revoked_at=None,
    )
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    return secret
