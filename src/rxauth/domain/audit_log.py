"""The audit log: records of the outbox get their numbers and become a chain, and checkpoints are signed of it.

An entry wraps its record with its number and the name of the log, as canonical JSON (RFC 8785). Each entry's hash
covers the one before it; the entries are also the leaves of a tree whose root the checkpoints sign.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import bindparam, exists, select

from rxauth.crypto import sealing
from rxauth.crypto.checkpoints import Checkpoint, CheckpointKey, Verifier
from rxauth.crypto.merkle import Frontier, leaf_hash
from rxauth.domain import audit
from rxauth.domain.errors import DomainError
from rxauth.ids import new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.sequencing import sequencers_turn, settled_records
from rxauth.storage.tables.audit import audit_checkpoints, audit_entries, audit_log, audit_outbox
from rxauth.storage.tenancy import insert_row, sql

BATCH: Final = 500
CHECKPOINT_INTERVAL_S: Final = 60
CHECKPOINT_ENTRIES: Final = 5_000
PAGE: Final = 1_000
_GENESIS: Final = b"rxauth-audit-v1\n"

_TURN = sql(select(sequencers_turn()))
_SETTLED = sql(select(settled_records()))
_LOG = sql(select(audit_log.c.name, audit_log.c.verifier, audit_log.c.sealed_key))
_OPEN = insert_row(audit_log)
_WAITING = sql(
    select(audit_outbox.c.id, audit_outbox.c.entry)
    .where(audit_outbox.c.number >= bindparam("mark"), ~exists().where(audit_entries.c.id == audit_outbox.c.id))
    .order_by(audit_outbox.c.number, audit_outbox.c.id)
    .limit(bindparam("most"))
)
_HEAD = sql(select(audit_entries.c.seq, audit_entries.c.hash).order_by(audit_entries.c.seq.desc()).limit(1))
_ADD = insert_row(audit_entries)
_ENTRIES = sql(
    select(audit_entries.c.seq, audit_entries.c.id, audit_entries.c.entry, audit_entries.c.hash)
    .where(audit_entries.c.seq > bindparam("after"), audit_entries.c.seq <= bindparam("until"))
    .order_by(audit_entries.c.seq)
    .limit(bindparam("most"))
)
_LAST_CHECKPOINT = sql(select(audit_checkpoints).order_by(audit_checkpoints.c.size.desc()).limit(1))
_ADD_CHECKPOINT = insert_row(audit_checkpoints)


class NoAuditLogError(DomainError):
    """Nothing was numbered yet."""

    def __init__(self) -> None:
        super().__init__("there is no audit log yet: start the server once")


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain, as it is stored."""

    seq: int
    id: str
    entry: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """The log's name and key. sealed_key: the private half."""

    name: str
    verifier: Verifier
    sealed_key: bytes = field(repr=False)

    def key(self, sealing_key: bytes) -> CheckpointKey:
        """Opens the key that signs checkpoints.

        Raises:
            CannotUnsealError: see there.
        """
        return CheckpointKey(self.name, sealing.unseal(self.sealed_key, sealing_key, _purpose(self.name)))


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step numbered, and the mark to go on from. is_behind: more waits."""

    numbered: int
    mark: int
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that is to be kept. settled: the mark with which a sequencer may begin."""

    checkpoint: Checkpoint
    note: str
    frontier: bytes
    settled: int


def genesis_hash(name: str) -> bytes:
    """Returns what the first entry's hash covers in place of an entry before it."""
    return sha256(_GENESIS + name.encode()).digest()


def chain_hash(seq: int, previous: bytes, entry: bytes) -> bytes:
    """Returns the hash of an entry."""
    return sha256(b"\x02" + seq.to_bytes(8) + previous + sha256(entry).digest()).digest()


def wrap(name: str, seq: int, record_id: str, record: bytes) -> bytes:
    """Returns the entry of a record: canonical, if the record is."""
    members = {"id": record_id, "log": name, "record": msgspec.Raw(record), "seq": seq}
    return msgspec.json.encode(members, order="sorted")


def load(transaction: Transaction) -> Log:
    """Reads the log's name and key.

    Raises:
        NoAuditLogError: see there.
    """
    row = transaction.first(_LOG)
    if row is None:
        raise NoAuditLogError
    return Log(row.name, Verifier.from_text(row.verifier), row.sealed_key)


def is_waiting(transaction: Transaction, mark: int) -> bool:
    """Tells whether there is anything to number, or no log yet."""
    return transaction.first(_LOG) is None or transaction.first(_WAITING, mark=mark, most=1) is not None


def number(transaction: Transaction, mark: int, sealing_key: bytes, now_us: int) -> Progress:
    """Numbers and chains what the outbox has and the log does not; opens the log if there is none.

    mark: the outbox number below which all is in the log. now_us: UTC microseconds.
    """
    if not transaction.first(_TURN)[0]:
        return Progress(0, mark, is_behind=False)  # another process is at it
    # The mark before the records: what was settled then is seen by the statement that follows.
    settled = int(transaction.first(_SETTLED)[0])
    row = transaction.first(_LOG)
    name = _open(transaction, sealing_key, now_us) if row is None else row.name
    waiting = transaction.all(_WAITING, mark=mark, most=BATCH)
    head = transaction.first(_HEAD)
    seq, previous = head.seq, head.hash
    rows = []
    for one in waiting:
        seq += 1
        entry = wrap(name, seq, one.id, one.entry)
        previous = chain_hash(seq, previous, entry)
        rows.append({"seq": seq, "id": one.id, "entry": entry, "hash": previous})
    transaction.run_many(_ADD, rows)
    is_behind = len(rows) == BATCH
    return Progress(len(rows), mark if is_behind else settled, is_behind)


def entries(transaction: Transaction, after: int, until: int) -> Iterator[Entry]:
    """Reads the entries of a range of numbers, a page at a time."""
    while page := transaction.all(_ENTRIES, after=after, until=until, most=PAGE):
        for row in page:
            yield Entry(row.seq, row.id, row.entry, row.hash)
        after = page[-1].seq


def first_mark(transaction: Transaction) -> int:
    """Returns the mark that a sequencer begins with: that of the last checkpoint, or none.

    A database that was restored elsewhere counts its transactions anew: a mark from before would hide records.
    """
    last = transaction.first(_LAST_CHECKPOINT)
    settled = transaction.first(_SETTLED)[0]
    return int(last.settled) if last is not None and last.settled <= settled else 0


def sign_checkpoint(
    transaction: Transaction, mark: int, sealing_key: bytes, now_us: int, *, is_last: bool
) -> Signed | None:
    """Returns the next checkpoint if one is due: after an interval, after many entries, or because it `is_last`."""
    head, last = transaction.first(_HEAD), transaction.first(_LAST_CHECKPOINT)
    size, settled = (0, 0) if last is None else (last.size, last.settled)
    if head is None or head.seq == size:
        return None
    is_due = last is None or is_last or now_us - last.at_us >= CHECKPOINT_INTERVAL_S * 1_000_000
    if not is_due and head.seq - size < CHECKPOINT_ENTRIES:
        return None
    until = min(head.seq, size + CHECKPOINT_ENTRIES)
    tree = Frontier() if last is None else Frontier(size, last.frontier)
    for entry in entries(transaction, size, until):
        tree.append(leaf_hash(entry.entry))
    log = load(transaction)
    checkpoint = Checkpoint(log.name, until, tree.root(), now_us)
    kept_mark = mark if until == head.seq else settled
    return Signed(checkpoint, log.key(sealing_key).sign(checkpoint), tree.encoded(), kept_mark)


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


def _open(transaction: Transaction, sealing_key: bytes, now_us: int) -> str:
    """Makes the log's key, and its first entry, which says whose checkpoints are believed."""
    name = f"rxauth-audit-{new_ulid(now_us // 1_000)}"
    key = CheckpointKey.new(name)
    verifier = key.verifier().text()
    sealed = sealing.seal(key.seed(), sealing_key, _purpose(name))
    transaction.run(_OPEN, id=1, name=name, verifier=verifier, sealed_key=sealed)
    act = audit.Act(audit.Event.AUDIT_LOG_OPENED, audit.OPERATOR, target=name, details={"verifier": verifier})
    row = audit.row(act, now_us)
    entry = wrap(name, 1, row["id"], row["entry"])
    transaction.run(_ADD, seq=1, id=row["id"], entry=entry, hash=chain_hash(1, genesis_hash(name), entry))
    return name


def _purpose(name: str) -> str:
    return f"audit log {name}"
