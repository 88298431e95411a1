"""Client secrets: two of a client at most are live, so that one can be replaced without an outage."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import bindparam, update

from rxauth.crypto import secrets
from rxauth.domain import changes
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_secrets
from rxauth.storage.tenancy import insert_row, sql

# What a `Secret` is read from.
COLUMNS: Final = ("id", "digest", "created_at", "expires_at", "revoked_at", "name", "created_by")
# How many days before a secret ends its keepers are told.
REMINDED_DAYS: Final = (30, 7, 1)
OPERATOR: Final = "operator"
_DAY_S: Final = 86_400

_INSERT = insert_row(client_secrets)
_EXPIRE = sql(
    update(client_secrets)
    .where(
        client_secrets.c.organization_id == bindparam("the_organization_id"),
        client_secrets.c.id == bindparam("secret_id"),
    )
    .values(expires_at=bindparam("moment"), remind_at=bindparam("reminder"))
)
_RENAME = sql(
    update(client_secrets)
    .where(
        client_secrets.c.organization_id == bindparam("the_organization_id"),
        client_secrets.c.id == bindparam("secret_id"),
    )
    .values(name=bindparam("new_name"))
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


class Expiring(Protocol):
    """A secret of any kind. expires_at None: it has no end."""

    @property
    def id(self) -> str:
        """Which one it is."""

    @property
    def expires_at(self) -> int | None:
        """When it ends, UTC seconds."""

    def is_live(self, now: int) -> bool:
        """Tells whether it works."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One of a client's secrets: its digest and its times (UTC seconds).

    expires_at None: it has no end. revoked_at None: it was not revoked. created_by: a person's identifier, or
    operator; None: nobody noted it.
    """

    id: str
    digest: bytes = field(repr=False)
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    name: str | None = field(default=None, repr=False)
    created_by: str | None = None

    def is_live(self, now: int) -> bool:
        """Tells whether the secret may be exchanged for tokens."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of a secret when it is made; see `Secret`."""

    name: str | None = field(default=None, repr=False)
    created_by: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made: the only time that its text is known."""

    id: str
    client_id: str
    text: str = field(repr=False)


_UNDESCRIBED: Final = Described()


def add(
    transaction: Transaction, organization_id: str, client_id: str, now: int, described: Described = _UNDESCRIBED
) -> NewSecret:
    """Makes a secret and tells every process of it."""
    secret = NewSecret(new_id(Kind.SECRET, now * 1000), client_id, secrets.new_secret())
    transaction.run(
        _INSERT,
        id=secret.id,
        organization_id=organization_id,
        client_id=client_id,
        digest=secrets.digest(secret.text),
        created_at=now,
        expires_at=described.expires_at,
        revoked_at=None,
        name=described.name,
        created_by=described.created_by,
        remind_at=next_reminder(described.expires_at, now),
    )
    changes.record(transaction, changes.ChangeKind.CLIENT, client_id, now)
    return secret


def expire(transaction: Transaction, organization_id: str, secret_id: str, moment: int | None, now: int) -> None:
    """Sets when a secret stops working (UTC seconds); None: it goes on."""
    owner = {"the_organization_id": organization_id, "secret_id": secret_id}
    transaction.run(_EXPIRE, **owner, moment=moment, reminder=next_reminder(moment, now))


def rename(transaction: Transaction, organization_id: str, secret_id: str, name: str) -> None:
    """Gives a secret another name."""
    transaction.run(_RENAME, the_organization_id=organization_id, secret_id=secret_id, new_name=name)


def is_last_to_end(one: Expiring, every: Iterable[Expiring], now: int) -> bool:
    """Tells whether a secret works and ends, and no other goes on after it: what was replaced ends in silence."""
    end = one.expires_at
    if end is None or not one.is_live(now):
        return False
    others = (other for other in every if other.id != one.id and other.is_live(now))
    return not any(other.expires_at is None or other.expires_at > end for other in others)


def next_reminder(expires_at: int | None, now: int) -> int | None:
    """Returns when the keepers of a secret are next told that it ends; None: never again."""
    if expires_at is None:
        return None
    moments = (expires_at - days * _DAY_S for days in REMINDED_DAYS)
    return next((moment for moment in moments if moment > now), None)


def revoke(transaction: Transaction, organization_id: str, client_id: str, secret_id: str, now: int) -> bool:
    """Ends a secret at once; tells whether there was one to end."""
    owner = {"the_organization_id": organization_id, "the_client_id": client_id}
    return transaction.run(_REVOKE, **owner, secret_id=secret_id, moment=now) > 0
