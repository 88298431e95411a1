"""Connections: the identity providers of an organization, with which its people sign in."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select, update

from rxauth.crypto.sealing import seal, unseal
from rxauth.domain.connection_settings import Joining, Mapping, Settings, kind_of
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import require_text
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import connections as table
from rxauth.storage.tenancy import insert_row, sql

CONNECTIONS_LIMIT: Final = 20  # of one organization
_NAME: Final = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PURPOSE: Final = "connection secret"
_INSERT = insert_row(table)
_MINE = table.c.organization_id == bindparam("organization_id")
_ALL = sql(select(*table.c).where(_MINE).order_by(table.c.id))
_ONE = sql(select(*table.c).where(_MINE, table.c.id == bindparam("id")))
_NAMED = sql(
    select(*table.c).where(table.c.name == bindparam("name")),
    across_tenants="a client names a connection before its organization is known",
)
_KNOWN = sql(
    select(*table.c).where(table.c.id == bindparam("id")),
    across_tenants="an identity provider answers to a connection before its organization is known",
)
_STATE = select(table.c.disabled_at).where(_MINE, table.c.id == bindparam("id"))
_HELD = sql(_STATE.with_for_update(read=True))
# By whom the row is written before the end: two who shared it would wait for each other.
_KEPT = sql(_STATE.with_for_update(key_share=True))
_CHANGE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("the_organization_id"), table.c.id == bindparam("the_id"))
    .values(
        display_name=bindparam("display_name"),
        joining=bindparam("joining"),
        settings=bindparam("settings"),
        sealed_secret=bindparam("sealed_secret"),
        mapping=bindparam("mapping"),
        changed_at=bindparam("changed_at"),
        disabled_at=bindparam("disabled_at"),
    )
)
_PROVEN = sql(
    update(table)
    .where(table.c.organization_id == bindparam("the_organization_id"), table.c.id == bindparam("the_id"))
    .values(proven_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class Connection:
    """An identity provider of an organization. name: by which clients ask for it, in the whole installation.

    sealed_secret: of this server at the provider; None: it has none. disabled_at None: it may be used. proven_at:
    when somebody last came through it as it is set up now; None: nobody did. Times: UTC seconds.
    """

    id: str
    organization_id: str
    name: str
    display_name: str
    joining: Joining
    settings: Settings = field(repr=False)
    sealed_secret: bytes | None = field(repr=False)
    mapping: Mapping
    created_at: int
    changed_at: int
    disabled_at: int | None
    proven_at: int | None = None

    @property
    def revision(self) -> str:
        """What changes with anything that can be changed of the connection."""
        shown = (self.display_name, self.joining, self.settings, self.mapping, self.disabled_at, self.sealed_secret)
        return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:32]

    def secret(self, sealing_key: bytes) -> str | None:
        """Returns this server's secret at the provider, or None."""
        sealed = self.sealed_secret
        return None if sealed is None else unseal(sealed, sealing_key, f"{_PURPOSE} {self.id}").decode()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks a connection to be. secret None: none, or the one that it has."""

    name: str
    display_name: str
    joining: Joining
    settings: Settings = field(repr=False)
    mapping: Mapping
    secret: str | None = field(default=None, repr=False)


def create(transaction: Transaction, organization_id: str, wanted: Wanted, sealing_key: bytes, now: int) -> Connection:
    """Adds a connection, which may be used at once by whom the organization sends there.

    Raises:
        InvalidError: a name or text that is none, or too many connections. ExistsError: the name is taken.
    """
    require_text(wanted.display_name, "displayName")
    if _NAME.fullmatch(wanted.name) is None:
        raise InvalidError("name: 1 to 63 small letters, digits and hyphens, with no hyphen at either end", "name")
    if len(all_of(transaction, organization_id)) >= CONNECTIONS_LIMIT:
        raise InvalidError(f"an organization has at most {CONNECTIONS_LIMIT} connections: remove one")
    if transaction.first(_NAMED, name=wanted.name) is not None:
        raise ExistsError("another connection has this name: choose a different one", "name")
    connection_id = new_id(Kind.CONNECTION, now * 1000)
    sealed = None if wanted.secret is None else _sealed(connection_id, wanted.secret, sealing_key)
    transaction.run(
        _INSERT,
        id=connection_id,
        organization_id=organization_id,
        name=wanted.name,
        kind=kind_of(wanted.settings),
        created_at=now,
        **_stored(wanted),
        sealed_secret=sealed,
        changed_at=now,
        disabled_at=None,
        proven_at=None,
        certificates_looked_at=0,
    )
    return require(transaction, organization_id, connection_id)


def change(transaction: Transaction, before: Connection, wanted: Wanted, sealing_key: bytes, now: int) -> Connection:
    """Changes a connection; its kind and its name stay.

    Raises:
        InvalidError: a text that is none, another name, or settings of another kind.
    """
    require_text(wanted.display_name, "displayName")
    if wanted.name != before.name:
        raise InvalidError("a connection keeps its name, by which clients ask for it: add another one", "name")
    if kind_of(wanted.settings) != kind_of(before.settings):
        raise InvalidError("a connection keeps its kind: add another one", "kind")
    sealed = before.sealed_secret if wanted.secret is None else _sealed(before.id, wanted.secret, sealing_key)
    transaction.run(
        _CHANGE,
        the_organization_id=before.organization_id,
        the_id=before.id,
        **_stored(wanted),
        sealed_secret=sealed,
        changed_at=now,
        disabled_at=before.disabled_at,
    )
    if wanted.settings != before.settings or wanted.secret is not None:
        note_proven(transaction, before, None)
    return require(transaction, before.organization_id, before.id)


def note_proven(transaction: Transaction, connection: Connection, now: int | None) -> None:
    """Notes that somebody came through a connection, to sign in or to try it; None: that is to be seen anew."""
    transaction.run(_PROVEN, the_organization_id=connection.organization_id, the_id=connection.id, moment=now)


def switch(transaction: Transaction, before: Connection, now: int, *, on: bool) -> Connection:
    """Lets a connection be used, or no longer."""
    kept = Wanted(before.name, before.display_name, before.joining, before.settings, before.mapping)
    transaction.run(
        _CHANGE,
        the_organization_id=before.organization_id,
        the_id=before.id,
        **_stored(kept),
        sealed_secret=before.sealed_secret,
        changed_at=now,
        disabled_at=None if on else before.disabled_at or now,
    )
    return require(transaction, before.organization_id, before.id)


def all_of(transaction: Transaction, organization_id: str) -> Sequence[Connection]:
    """Lists an organization's connections, oldest first."""
    return [_connection(row) for row in transaction.all(_ALL, organization_id=organization_id)]


def require(transaction: Transaction, organization_id: str, connection_id: str) -> Connection:
    """Returns a connection of the organization.

    Raises:
        AbsentError: it has no such connection.
    """
    row = transaction.first(_ONE, organization_id=organization_id, id=connection_id)
    if row is None:
        raise AbsentError("there is no such connection", "id")
    return _connection(row)


def is_usable(transaction: Transaction, connection: Connection) -> bool:
    """Tells whether a connection can be used now, and it stays so until this transaction, which writes, ends."""
    statement = _KEPT if connection.proven_at is None else _HELD
    row = transaction.first(statement, organization_id=connection.organization_id, id=connection.id)
    return row is not None and row.disabled_at is None


def find(transaction: Transaction, connection_id: str) -> Connection | None:
    """Returns a connection by its identifier, whoever it is of, or None."""
    row = transaction.first(_KNOWN, id=connection_id)
    return None if row is None else _connection(row)


def named(transaction: Transaction, name: str) -> Connection | None:
    """Returns a connection by the name that clients ask for, whoever it is of, or None."""
    row = transaction.first(_NAMED, name=name)
    return None if row is None else _connection(row)


def _sealed(connection_id: str, secret: str, sealing_key: bytes) -> bytes:
    return seal(secret.encode(), sealing_key, f"{_PURPOSE} {connection_id}")


def _stored(wanted: Wanted) -> dict[str, Any]:
    return {
        "display_name": wanted.display_name.strip(),
        "joining": wanted.joining,
        "settings": msgspec.to_builtins(wanted.settings),
        "mapping": msgspec.to_builtins(wanted.mapping),
    }


def _connection(row: Any) -> Connection:
    values = dict(row._mapping)
    del values["kind"], values["certificates_looked_at"]
    values["joining"] = Joining(row.joining)
    values["settings"] = msgspec.convert(row.settings, Settings)
    values["mapping"] = msgspec.convert(row.mapping, Mapping)
    return Connection(**values)
