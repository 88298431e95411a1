"""How far the audit log is, what was signed of it last, and when it was last verified."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain import audit_log, audit_verifications
from rxauth.domain.audit_verifications import Verification
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_checkpoints as checkpoints
from rxauth.storage.tenancy import sql

_ALL: Final = (1 << 63) - 1
_CHECKPOINT = sql(
    select(checkpoints.c.size, checkpoints.c.at_us, checkpoints.c.note)
    .where(checkpoints.c.size <= bindparam("most"))
    .order_by(checkpoints.c.size.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was signed: the first `size` entries, when (UTC microseconds), and the signed note itself."""

    size: int
    at_us: int
    note: str


@dataclass(frozen=True, slots=True)
class State:
    """entries: how many the log has. checkpoint: the last one. verified: the last verification. None: there is none.

    proven: the last checkpoint of those entries that were read then.
    """

    entries: int
    checkpoint: Checkpoint | None
    verified: Verification | None
    proven: Checkpoint | None


def read(transaction: Transaction) -> State:
    """Reads where the log stands."""
    head, verified = audit_log.head(transaction), audit_verifications.last(transaction)
    proven = None if verified is None else _checkpoint(transaction, verified.entries)
    return State(0 if head is None else head[0], _checkpoint(transaction, _ALL), verified, proven)


def _checkpoint(transaction: Transaction, most: int) -> Checkpoint | None:
    row = transaction.first(_CHECKPOINT, most=most)
    return None if row is None else Checkpoint(*row)
