"""The keys of SAML connections: each has its own, sealed at rest, and two while its administrator changes them.

A connection's key is nobody else's: one organization changes it, and no other's provider has to hear of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.crypto.certificates import KeyPair, from_der, key_pair_from_der
from rxauth.crypto.sealing import seal, unseal
from rxauth.domain.connections import Connection
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import saml_keys as table
from rxauth.storage.tenancy import insert_row, sql

# A provider that checks the date would stop a clinic's sign-ins on it: it is long, and the pages show it.
VALID_FOR_S: Final = 10 * 365 * 86_400
_INSERT = insert_row(table)
_MINE = (
    table.c.organization_id == bindparam("organization_id"),
    table.c.connection_id == bindparam("connection_id"),
)
_ALL = sql(select(*table.c).where(*_MINE))
_THESE = (
    table.c.organization_id == bindparam("the_organization_id"),
    table.c.connection_id == bindparam("the_connection_id"),
    table.c.state == bindparam("the_state"),
)
_MOVE = sql(update(table).where(*_THESE).values(state=bindparam("new_state")))
_REMOVE = sql(delete(table).where(*_THESE))


class KeyState(StrEnum):
    """current: signs. next: published beside it. previous: published no more, but what is encrypted to it is opened."""

    CURRENT = "current"
    NEXT = "next"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What may be shown of a key. Times: UTC seconds; ends_at: of its certificate, which pem is."""

    state: KeyState
    pem: str = field(repr=False)
    fingerprint: str
    created_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Keys:
    """A connection's keys: `published` has the one that signs first, `retired` only opens."""

    published: tuple[KeyPair, ...]
    retired: tuple[KeyPair, ...]

    def next_first(self) -> "Keys":
        """Returns the same keys, of which the one that waits signs."""
        return Keys(self.published[::-1], self.retired)


def load(transaction: Transaction, connection: Connection, sealing_key: bytes) -> Keys | None:
    """Opens the keys of a connection; None: it has none yet."""
    pairs = {
        KeyState(row.state): key_pair_from_der(row.certificate, unseal(row.sealed_private, sealing_key, _purpose(row)))
        for row in _rows(transaction, connection)
    }
    if KeyState.CURRENT not in pairs:
        return None
    published = tuple(pairs[state] for state in (KeyState.CURRENT, KeyState.NEXT) if state in pairs)
    return Keys(published, tuple(pairs[state] for state in (KeyState.PREVIOUS,) if state in pairs))


def descriptions(transaction: Transaction, connection: Connection) -> Sequence[KeyDescription]:
    """Lists the keys of a connection, oldest first, and opens none."""
    return [
        KeyDescription(KeyState(row.state), found.pem, found.fingerprint, row.created_at, found.not_after)
        for row in _rows(transaction, connection)
        for found in [from_der(row.certificate)]
    ]


def make_first(transaction: Transaction, connection: Connection, made: KeyPair, sealing_key: bytes, now: int) -> None:
    """Gives a connection its first key, unless somebody did meanwhile."""
    if not _rows(transaction, connection):
        _insert(transaction, connection, made, sealing_key, now, state=KeyState.CURRENT)


def announce(transaction: Transaction, connection: Connection, made: KeyPair, sealing_key: bytes, now: int) -> None:
    """Publishes a second key, for the provider to learn of it before it signs.

    Raises:
        ExistsError: there is one already that waits.
    """
    if any(row.state == KeyState.NEXT for row in _rows(transaction, connection)):
        raise ExistsError("a new certificate is published already: let it be used, or take it back")
    first = KeyState.NEXT if _rows(transaction, connection) else KeyState.CURRENT
    _insert(transaction, connection, made, sealing_key, now, state=first)


def switch(transaction: Transaction, connection: Connection) -> None:
    """Lets the second key sign; what the provider still encrypts to the first is opened until the next change.

    Raises:
        AbsentError: there is no second key.
    """
    named = {"the_organization_id": connection.organization_id, "the_connection_id": connection.id}
    if not any(row.state == KeyState.NEXT for row in _rows(transaction, connection)):
        raise AbsentError("no new certificate is published")
    transaction.run(_REMOVE, **named, the_state=KeyState.PREVIOUS)
    transaction.run(_MOVE, **named, the_state=KeyState.CURRENT, new_state=KeyState.PREVIOUS)
    transaction.run(_MOVE, **named, the_state=KeyState.NEXT, new_state=KeyState.CURRENT)


def take_back(transaction: Transaction, connection: Connection) -> None:
    """Removes a second key that does not sign yet.

    Raises:
        AbsentError: there is none.
    """
    named = {"the_organization_id": connection.organization_id, "the_connection_id": connection.id}
    if transaction.run(_REMOVE, **named, the_state=KeyState.NEXT) == 0:
        raise AbsentError("no new certificate is published")


def _rows(transaction: Transaction, connection: Connection) -> list[Any]:
    rows = transaction.all(_ALL, organization_id=connection.organization_id, connection_id=connection.id)
    return sorted(rows, key=lambda row: (row.created_at, row.state))


def _insert(
    transaction: Transaction, connection: Connection, made: KeyPair, sealing_key: bytes, now: int, *, state: KeyState
) -> None:
    purpose = f"SAML key {connection.id} {made.certificate.fingerprint}"
    transaction.run(
        _INSERT,
        organization_id=connection.organization_id,
        connection_id=connection.id,
        state=state,
        certificate=made.certificate.der,
        sealed_private=seal(made.to_der(), sealing_key, purpose),
        created_at=now,
    )


def _purpose(row: Any) -> str:
    return f"SAML key {row.connection_id} {from_der(row.certificate).fingerprint}"
