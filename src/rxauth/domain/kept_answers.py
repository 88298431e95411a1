"""Kept answers: what a request with an Idempotency-Key was answered, in the transaction of what it did."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, delete, select

from rxauth.domain.pruning import BY_AGE, Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.idempotency import kept_answers as table
from rxauth.storage.tenancy import insert_row, sql
from rxauth.storage.turns import TURN

LIFETIME_S: Final = 86_400
_TURN = sql(select(TURN))
_MINE = (table.c.organization_id == bindparam("organization_id"), table.c.scope == bindparam("scope"))
_ONE = sql(select(table.c.request, table.c.sealed_answer, table.c.made_at).where(*_MINE))
_INSERT = insert_row(table)
_REMOVE = sql(delete(table).where(*_MINE))
FORGET: Final = Pruning(table, table.c.made_at, LIFETIME_S, across_tenants=BY_AGE)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key it is, and the key, as a digest."""

    organization_id: str
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer. request: a digest of what was asked."""

    request: bytes = field(repr=False)
    sealed_answer: bytes = field(repr=False)


def is_our_turn(transaction: Transaction, scope: Scope) -> bool:
    """Tells whether this transaction is the only one of this scope, until it ends."""
    row = transaction.first(_TURN, turn=int.from_bytes(scope.digest[:8], signed=True))
    return bool(row[0])


def find(transaction: Transaction, scope: Scope, now: int) -> Kept | None:
    """Returns the answer that is kept; removes one that was kept for long enough."""
    row = transaction.first(_ONE, organization_id=scope.organization_id, scope=scope.digest)
    if row is None:
        return None
    if row.made_at <= now - LIFETIME_S:
        transaction.run(_REMOVE, organization_id=scope.organization_id, scope=scope.digest)
        return None
    return Kept(row.request, row.sealed_answer)


def keep(transaction: Transaction, scope: Scope, kept: Kept, now: int) -> None:
    """Keeps an answer, in the transaction that `is_our_turn` was asked in.

    Raises:
        ConflictError: one is kept already.
    """
    transaction.run(
        _INSERT,
        organization_id=scope.organization_id,
        scope=scope.digest,
        request=kept.request,
        sealed_answer=kept.sealed_answer,
        made_at=now,
    )
