"""Token families: all tokens of one authorization, with a refresh token that changes at every use (RFC 9700 §4.14.2).

A successor is derived from the family's sealed key and a counter, so that any process can give it a second time to a
client whose answer was lost, and none has to remember it.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, select, update

from rxauth.crypto import sealing
from rxauth.crypto.jws import encode_base64url
from rxauth.domain import changes
from rxauth.domain.authorization_codes import Code
from rxauth.domain.pruning import Pruning
from rxauth.ids import Kind, is_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients
from rxauth.storage.tables.sign_in import sessions
from rxauth.storage.tables.sign_in import token_families as table
from rxauth.storage.tenancy import insert_row, sql

PREFIX: Final = "rxr_"
RETRY_S: Final = 10
# No session lives for as long, and without its session a family gives nothing: a token that is used again ends nothing.
KEPT_S: Final = 35 * 86_400
ID: Final = table.c.id
_KEY_BYTES: Final = 32
_INSERT = insert_row(table)
_ONE = sql(select(*table.c).where(table.c.id == bindparam("family_id")))
_LOCKED = sql(select(*table.c).where(table.c.id == bindparam("family_id")).with_for_update())
_ADVANCE = sql(
    update(table)
    .where(table.c.id == bindparam("family_id"), table.c.counter == bindparam("presented"))
    .values(counter=table.c.counter + 1, rotated_at=bindparam("moment"))
)
_REVOKE = sql(
    update(table)
    .where(table.c.id == bindparam("family_id"), table.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("moment"))
)
FORGET: Final = Pruning(table, table.c.id, KEPT_S, kind=Kind.FAMILY)
_OF_CLIENT = sql(
    select(table.c.id).where(
        table.c.user_id == bindparam("user_id"),
        table.c.client_id == bindparam("client_id"),
        table.c.revoked_at.is_(None),
    )
)
_OF_ORGANIZATION = sql(
    select(table.c.id).where(table.c.organization_id == bindparam("organization_id"), table.c.revoked_at.is_(None))
)
_REVOKE_OF_MEMBERS = sql(
    update(table)
    .where(
        table.c.user_id.in_(bindparam("user_ids", expanding=True)),
        table.c.organization_id == bindparam("owner"),
        table.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("moment"))
    .returning(table.c.id)
)


@dataclass(frozen=True, slots=True)
class Family:
    """The tokens that one authorization led to. See `Authorized` for what None means. Times: UTC seconds."""

    id: str
    client_id: str
    user_id: str
    session_id: str
    organization_id: str | None
    audience: str | None
    scope: str
    nonce: str | None = field(repr=False)
    created_at: int
    revoked_at: int | None


class Refusal(Enum):
    """Why a refresh token gives nothing."""

    UNKNOWN = auto()
    REVOKED = auto()
    REUSED = auto()  # the family was ended because of it


def begin(transaction: Transaction, code: Code, sealing_key: bytes | None, now: int) -> tuple[Family, str | None]:
    """Begins the family of a code; returns it with its first refresh token.

    sealing_key: None if the client gets no refresh token.
    """
    key = None if sealing_key is None else os.urandom(_KEY_BYTES)
    one = code.authorized
    family = Family(
        code.family_id,
        one.client_id,
        one.user_id,
        one.session_id,
        one.organization_id,
        one.audience,
        one.scope,
        one.nonce,
        now,
        None,
    )
    transaction.run(
        _INSERT,
        **{name: getattr(family, name) for name in Family.__dataclass_fields__},
        sealed_key=None if key is None or sealing_key is None else sealing.seal(key, sealing_key, _purpose(family.id)),
        counter=0,
        rotated_at=None,
    )
    return family, None if key is None else _text(family.id, 0, key)


def load(transaction: Transaction, family_id: str) -> Family | None:
    """Returns a family, revoked or not, or None."""
    row = transaction.first(_ONE, family_id=family_id)
    return None if row is None else _family(row)


def holding(*columns: ColumnElement[Any]) -> Select[Any]:
    """Selects the family of a token that still holds: family, session and client belong together, none was ended.

    `basis` makes its parameters. The client may be of another organization: one may serve the people of any.
    """
    return (
        select(*columns)
        .select_from(table)
        .join(sessions, sessions.c.id == table.c.session_id)
        .join(clients, clients.c.id == table.c.client_id)
        .where(
            table.c.id == bindparam("family_id"),
            table.c.session_id == bindparam("session_id"),
            table.c.user_id == bindparam("user_id"),
            table.c.client_id == bindparam("client_id"),
            table.c.revoked_at.is_(None),
            sessions.c.ended_at.is_(None),
            clients.c.disabled_at.is_(None),
        )
    )


def basis(family_id: str | None, session_id: str | None, user_id: str, client_id: str) -> dict[str, str | None]:
    """Returns the parameters of `holding`; a token that names no family or session rests on none."""
    return {"family_id": family_id, "session_id": session_id, "user_id": user_id, "client_id": client_id}


def family_of(presented: str) -> str | None:
    """Returns the family that a text names if it is written like a refresh token, proven or not."""
    family_id, _, _ = presented.removeprefix(PREFIX).partition(".")
    written = presented.startswith(PREFIX) and presented.count(".") == 2
    return f"{Kind.FAMILY}_{family_id}" if written and is_id(Kind.FAMILY, f"{Kind.FAMILY}_{family_id}") else None


def find(transaction: Transaction, presented: str, sealing_key: bytes) -> Family | None:
    """Returns the family of a refresh token that this server made, spent or not, or None; spends nothing."""
    family_id = family_of(presented)
    row = None if family_id is None else transaction.first(_ONE, family_id=family_id)
    return None if row is None or _counter(row, presented, sealing_key) is None else _family(row)


def rotate(transaction: Transaction, presented: str, sealing_key: bytes, now: int) -> tuple[Family, str] | Refusal:
    """Spends a refresh token and returns its successor.

    The last token again within 10 s gets the same successor: several tabs, a lost answer. Anything older ends the
    family, and that must be committed: hence a Refusal, not an exception.
    """
    family_id = family_of(presented)
    row = None if family_id is None else transaction.first(_LOCKED, family_id=family_id)
    counter = None if row is None else _counter(row, presented, sealing_key)
    if row is None or counter is None:
        return Refusal.UNKNOWN
    if row.revoked_at is not None:
        return Refusal.REVOKED
    key = sealing.unseal(row.sealed_key, sealing_key, _purpose(row.id))
    if counter == row.counter:
        transaction.run(_ADVANCE, family_id=row.id, presented=counter, moment=now)
        return _family(row), _text(row.id, counter + 1, key)
    if counter == row.counter - 1 and now <= row.rotated_at + RETRY_S:
        return _family(row), _text(row.id, row.counter, key)
    revoke(transaction, row.id, now)
    return Refusal.REUSED


def revoke(transaction: Transaction, family_id: str, now: int) -> bool:
    """Ends a family's refresh and access tokens; tells whether any were left."""
    if transaction.run(_REVOKE, family_id=family_id, moment=now) == 0:
        return False
    changes.record(transaction, changes.ChangeKind.FAMILY, family_id, now)
    return True


def revoke_of_client(transaction: Transaction, user_id: str, client_id: str, now: int) -> None:
    """Ends everything that a client holds of a person."""
    for row in transaction.all(_OF_CLIENT, user_id=user_id, client_id=client_id):
        revoke(transaction, row.id, now)


def revoke_of_organization(transaction: Transaction, organization_id: str, now: int) -> None:
    """Ends everything that clients hold of people who act for an organization."""
    for row in transaction.all(_OF_ORGANIZATION, organization_id=organization_id):
        revoke(transaction, row.id, now)


def revoke_of_members(transaction: Transaction, user_ids: Sequence[str], organization_id: str, now: int) -> None:
    """Ends everything with which some people act for an organization."""
    rows = transaction.all(_REVOKE_OF_MEMBERS, user_ids=user_ids, owner=organization_id, moment=now)
    changes.record_all(transaction, changes.ChangeKind.FAMILY, sorted(row.id for row in rows), now)


def _counter(row: Any, presented: str, sealing_key: bytes) -> int | None:
    """Returns which of the family's tokens was presented; None: none of them."""
    _, number, _ = presented.split(".")
    if row.sealed_key is None or not number.isascii() or not number.isdigit() or len(number) > 12:
        return None
    key = sealing.unseal(row.sealed_key, sealing_key, _purpose(row.id))
    is_ours = hmac.compare_digest(_text(row.id, int(number), key).encode(), presented.encode())
    return int(number) if is_ours and int(number) <= row.counter else None


def _text(family_id: str, counter: int, key: bytes) -> str:
    mac = hmac.digest(key, f"{family_id}.{counter}".encode(), hashlib.sha256)
    return f"{PREFIX}{family_id.removeprefix(f'{Kind.FAMILY}_')}.{counter}.{encode_base64url(mac)}"


def _family(row: Any) -> Family:
    return Family(**{name: getattr(row, name) for name in Family.__dataclass_fields__})


def _purpose(family_id: str) -> str:
    return f"refresh tokens of {family_id}"
