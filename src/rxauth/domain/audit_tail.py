"""The end of the audit log, checked quickly: from an older checkpoint to the last entry. The command checks it all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.crypto.checkpoints import BadCheckpointError
from rxauth.crypto.merkle import Frontier, leaf_hash
from rxauth.domain import audit_keys, audit_log
from rxauth.domain.audit_export import compared
from rxauth.domain.audit_findings import Finding
from rxauth.domain.audit_log import NoAuditLogError, chain_hash, genesis_hash
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_checkpoints as checkpoints
from rxauth.storage.tables.audit import audit_entries as entries
from rxauth.storage.tenancy import sql

LOOKED_AT: Final = 1_000  # entries at least, if there are as many
_CHECKPOINT = (checkpoints.c.size, checkpoints.c.note, checkpoints.c.frontier)
_START = sql(
    select(*_CHECKPOINT).where(checkpoints.c.size <= bindparam("size")).order_by(checkpoints.c.size.desc()).limit(1)
)
_AFTER = sql(select(*_CHECKPOINT).where(checkpoints.c.size > bindparam("size")).order_by(checkpoints.c.size))
_LAST = sql(select(*_CHECKPOINT).order_by(checkpoints.c.size.desc()).limit(1))
_HASH = sql(select(entries.c.hash).where(entries.c.seq == bindparam("seq")))
_ELEVEN: Final = 11


@dataclass(frozen=True, slots=True)
class Tail:
    """What came of it. first, last: the entries that were looked at; covered: up to where a checkpoint is signed."""

    first: int
    last: int
    covered: int
    problems: int
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastCheckpoint:
    """The last checkpoint as it is stored, and the public key of the log at that time. at_us: UTC microseconds."""

    size: int
    root: bytes
    at_us: int
    verifier: str


def last_checkpoint(transaction: Transaction) -> LastCheckpoint | None:
    """Returns the last checkpoint, if its signature is good; None: there is none yet.

    Raises:
        BadCheckpointError: the signature is not that of the log's key.
    """
    row = transaction.first(_LAST)
    if row is None:
        return None
    verifier = audit_keys.load(transaction, row.size).verifier
    opened = verifier.open(row.note)
    return LastCheckpoint(opened.size, opened.root, opened.at_us, verifier.text())


def check(transaction: Transaction) -> Tail:
    """Checks numbers, hashes, records, roots and signatures from the last checkpoint that leaves enough to look at.

    Raises:
        NoAuditLogError: see there.
    """
    name, head = audit_log.name_of(transaction), audit_log.head(transaction)
    if name is None or head is None:
        raise NoAuditLogError
    found = Finding(_ELEVEN)
    start = transaction.first(_START, size=head[0] - LOOKED_AT)
    tree, previous, after = Frontier(), genesis_hash(name), 0
    if start is not None:
        after = start.size
        tree, previous = Frontier(after, start.frontier), transaction.first(_HASH, seq=after)[0]
        _compare(transaction, found, start, tree)
    coming = _checkpoints(transaction, after)
    awaited, covered, seq = next(coming, None), after, after
    for entry in compared(transaction, found, after):
        seq += 1
        if entry.seq != seq:
            found.add(f"entry {entry.seq} stands where {seq} belongs")
            seq = entry.seq
        previous = chain_hash(seq, previous, entry.entry)
        if previous != entry.hash:
            found.add(f"entry {seq} has another hash than its content and the hash before it give")
            previous = entry.hash
        tree.append(leaf_hash(entry.entry))
        if awaited is not None and tree.size == awaited.size:
            _compare(transaction, found, awaited, tree)
            awaited, covered = next(coming, None), tree.size
    if awaited is not None:
        found.add(f"checkpoint {awaited.size} covers more entries than the {tree.size} that are there")
    return Tail(after + 1, seq, covered, found.problems, tuple(found.said))


def _checkpoints(transaction: Transaction, size: int) -> Iterator[Any]:
    yield from transaction.all(_AFTER, size=size)


def _compare(transaction: Transaction, found: Finding, row: Any, tree: Frontier) -> None:
    try:
        opened = audit_keys.load(transaction, row.size).verifier.open(row.note)
    except BadCheckpointError as error:
        found.add(f"checkpoint {row.size}: {error}")
        return
    if (opened.size, opened.root) != (row.size, tree.root()):
        found.add(f"checkpoint {row.size} has another root than the entries")
