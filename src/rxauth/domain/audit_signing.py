"""Checkpoints of the audit log: when one is due, of which entries, and signed with which key."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from rxauth.crypto.checkpoints import Checkpoint
from rxauth.crypto.merkle import Frontier, leaf_hash
from rxauth.domain import audit_keys, audit_log
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_checkpoints
from rxauth.storage.tenancy import insert_row, sql

CHECKPOINT_INTERVAL_S: Final = 60
CHECKPOINT_ENTRIES: Final = 5_000

_LAST_CHECKPOINT = sql(select(audit_checkpoints).order_by(audit_checkpoints.c.size.desc()).limit(1))
_ADD_CHECKPOINT = insert_row(audit_checkpoints)


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that is to be kept. settled: the mark with which a sequencer may begin."""

    checkpoint: Checkpoint
    note: str
    frontier: bytes
    settled: int


def last_checkpoint(transaction: Transaction) -> Any:
    """Returns the row of the last checkpoint; None: there is none."""
    return transaction.first(_LAST_CHECKPOINT)


def sign_checkpoint(
    transaction: Transaction, mark: int, sealing_key: bytes, now_us: int, *, is_last: bool
) -> Signed | None:
    """Returns the next checkpoint if one is due: after an interval, after many entries, or because it `is_last`."""
    head, last = audit_log.head(transaction), transaction.first(_LAST_CHECKPOINT)
    size, settled = (0, 0) if last is None else (last.size, last.settled)
    if head is None or head[0] == size:
        return None
    is_due = last is None or is_last or now_us - last.at_us >= CHECKPOINT_INTERVAL_S * 1_000_000
    if not is_due and head[0] - size < CHECKPOINT_ENTRIES:
        return None
    until = min(head[0], size + CHECKPOINT_ENTRIES)
    tree = Frontier() if last is None else Frontier(size, last.frontier)
    for entry in audit_log.entries(transaction, size, until):
        tree.append(leaf_hash(entry.entry))
    keys = audit_keys.load(transaction, until)
    checkpoint = Checkpoint(keys.name, until, tree.root(), now_us)
    kept_mark = mark if until == head[0] else settled
    return Signed(checkpoint, keys.key(sealing_key).sign(checkpoint), tree.encoded(), kept_mark)


def keep_checkpoint(transaction: Transaction, signed: Signed) -> None:
    """Stores a checkpoint.

    Raises:
        ConflictError: another process made one of that size.
    """
    transaction.run(
        _ADD_CHECKPOINT,
        size=signed.checkpoint.size,
        at_us=signed.checkpoint.at_us,
        note=signed.note,
        frontier=signed.frontier,
        settled=signed.settled,
    )
