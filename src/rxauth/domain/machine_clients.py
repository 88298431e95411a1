"""An organization's machine client: found, made without a secret, and what people change of it and of its secrets."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import bindparam, delete, select

from rxauth.domain import changes, client_secrets, clients
from rxauth.domain.client_secrets import Described, NewSecret, Secret
from rxauth.domain.clients import Client
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import require_text
from rxauth.domain.paging import Page
from rxauth.policy.permissions import BY_NAME, MACHINE_DEFAULT, Machine
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions
from rxauth.storage.tables.access import clients as table
from rxauth.storage.tenancy import insert_row, sql

DAY_S: Final = 86_400
LONGEST_LIFE_S: Final = 1_826 * DAY_S  # five years

_ID = select(table.c.id).where(
    table.c.organization_id == bindparam("organization_id"), table.c.app_type == clients.MACHINE
)
_FIND = sql(_ID)
_LOCK = sql(_ID.with_for_update())
_INSERT_PERMISSION = insert_row(client_permissions)
_TAKE_PERMISSIONS = sql(
    delete(client_permissions).where(
        client_permissions.c.organization_id == bindparam("organization_id"),
        client_permissions.c.client_id == bindparam("client_id"),
    )
)


@dataclass(frozen=True, slots=True)
class Given:
    """What a change of its permissions gave a machine client, and what it took."""

    given: frozenset[str]
    taken: frozenset[str]


def find(transaction: Transaction, organization_id: str) -> Client | None:
    """Returns an organization's machine client, disabled or not; None: it has none yet."""
    row = transaction.first(_FIND, organization_id=organization_id)
    return None if row is None else clients.load(transaction, row.id)


def lock(transaction: Transaction, organization_id: str) -> Client:
    """Returns the machine client, which nobody else can change until the transaction ends.

    Raises:
        AbsentError: the organization has none.
    """
    row = transaction.first(_LOCK, organization_id=organization_id)
    found = None if row is None else clients.load(transaction, row.id)
    if found is None:
        raise AbsentError("the organization has no machine client")
    return found


def create(transaction: Transaction, organization_id: str, name: str, now: int) -> Client:
    """Adds the machine client with what every machine has from the start, and no secret yet.

    Raises:
        InvalidError: the name is none. ExistsError: there is one already.
        ConflictError: at the end of the transaction, if another process made it at the same time.
    """
    require_text(name, "name")
    if transaction.first(_FIND, organization_id=organization_id) is not None:
        raise ExistsError("the organization has its machine client already")
    client_id = clients.insert(transaction, organization_id, name.strip(), clients.MACHINE, now)
    _insert_permissions(transaction, organization_id, client_id, MACHINE_DEFAULT)
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    return lock(transaction, organization_id)


def set_permissions(transaction: Transaction, client: Client, permissions: frozenset[str], now: int) -> Given:
    """Gives a locked machine client these permissions in place of those before; it bites at the next request.

    Raises:
        InvalidError: a permission that no machine may hold, or none of that name.
    """
    for name in permissions:
        if name not in BY_NAME or BY_NAME[name].machine is Machine.NEVER:
            raise InvalidError(f"a machine client cannot be given {name!r}", "permissions")
    before = client.subject.permissions
    if permissions != before:
        transaction.run(_TAKE_PERMISSIONS, organization_id=client.organization_id, client_id=client.id)
        _insert_permissions(transaction, client.organization_id, client.id, sorted(permissions))
        changes.record(transaction, changes.ChangeKind.CLIENT, client.id, now)
    return Given(permissions - before, before - permissions)


def make_secret(
    transaction: Transaction, client: Client, overlap_s: int, now: int, described: Described
) -> tuple[NewSecret, Secret]:
    """Makes a secret of a locked machine client; what works goes on for the overlap: see `clients.rotate_secret`.

    Raises:
        InvalidError: the name or the end is none, or the overlap. ExistsError: two secrets work already.
    """
    _require_name(described.name)
    require_end(described.expires_at, now)
    new = clients.rotate_secret(transaction, client.id, overlap_s, now, described)
    return new, secret_of(lock(transaction, client.organization_id), new.id)


def rename_secret(transaction: Transaction, client: Client, secret_id: str, name: str, now: int) -> Secret:
    """Gives a secret of a locked machine client another name.

    Raises:
        AbsentError: it has no such secret. InvalidError: the name is none.
    """
    secret = secret_of(client, secret_id)
    _require_name(name)
    client_secrets.rename(transaction, client.organization_id, secret.id, name.strip())
    changes.record(transaction, changes.ChangeKind.CLIENT, client.id, now)
    return replace(secret, name=name.strip())


def set_expiry(transaction: Transaction, client: Client, secret_id: str, expires_at: int | None, now: int) -> Secret:
    """Sets when a secret of a locked machine client stops working (UTC seconds); None: it goes on.

    Raises:
        AbsentError: it has no such secret. ExistsError: the secret has ended. InvalidError: no secret ends then, or the
        secret was replaced and would outlive the longest overlap.
    """
    secret = secret_of(client, secret_id)
    if not secret.is_live(now):
        raise ExistsError("the secret has ended: make a new one")
    require_end(expires_at, now)
    is_replaced = any(one.is_live(now) and one.id > secret.id for one in client.secrets)
    if is_replaced and (expires_at is None or expires_at > now + clients.OVERLAP_LIMIT_S):
        raise InvalidError("the secret was replaced by a newer one: it works 30 more days at most", "expiresAt")
    client_secrets.expire(transaction, client.organization_id, secret.id, expires_at, now)
    changes.record(transaction, changes.ChangeKind.CLIENT, client.id, now)
    return replace(secret, expires_at=expires_at)


def secret_of(client: Client, secret_id: str) -> Secret:
    """Returns one of a client's secrets.

    Raises:
        AbsentError: it has no such secret.
    """
    found = client.secret(secret_id)
    if found is None:
        raise AbsentError("there is no such secret", "id")
    return found


def page_of(client: Client, page: Page) -> list[Secret]:
    """Returns some of a client's secrets, newest first."""
    return [one for one in reversed(client.secrets) if one.id < page.before][: page.rows]


def require_end(expires_at: int | None, now: int) -> None:
    """Checks when a secret is to end (UTC seconds).

    Raises:
        InvalidError: it would have ended already, or is years away.
    """
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE_S:
        raise InvalidError("a secret ends in the future, within five years", "expiresAt")


def _require_name(name: str | None) -> None:
    if name is None:
        raise InvalidError("a secret has a name", "name")
    require_text(name, "name")


def _insert_permissions(
    transaction: Transaction, organization_id: str, client_id: str, permissions: Iterable[str]
) -> None:
    owner = {"organization_id": organization_id, "client_id": client_id}
    transaction.run_many(_INSERT_PERMISSION, [owner | {"permission": permission} for permission in permissions])
