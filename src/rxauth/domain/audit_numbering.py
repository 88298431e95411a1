"""Numbering: records of the outbox become entries of the audit log, in the order in which they were settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from rxauth.domain import audit, audit_days, audit_index, audit_keys, audit_log, audit_owners, tallies
from rxauth.domain.audit_effects import first_prescription
from rxauth.domain.audit_log import Chain, genesis_hash
from rxauth.ids import new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.sequencing import RANGE_ENTRIES, range_ahead, sequencers_turn, settled_records
from rxauth.storage.tables.audit import audit_checkpoints, audit_entries, audit_outbox
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import sql

BATCH: Final = 500

_TURN = sql(select(sequencers_turn()))
_SETTLED = sql(select(settled_records()))
_RANGE_AHEAD = sql(select(range_ahead()))
# Asked for each of the few records from the mark on. As a NOT EXISTS PostgreSQL would join it, and read the whole log.
_ITS_ENTRY = select(audit_entries.c.id).where(audit_entries.c.id == audit_outbox.c.id).limit(1).scalar_subquery()
_WAITING = sql(
    select(audit_outbox.c.id, audit_outbox.c.entry, audit_outbox.c.number)
    .where(audit_outbox.c.number >= bindparam("mark"), _ITS_ENTRY.is_(None))
    .order_by(audit_outbox.c.number, audit_outbox.c.id)
    .limit(bindparam("most"))
)
_BEHIND = (
    select(audit_outbox.c.recorded_at_us.label("at_us"))
    .where(audit_outbox.c.number >= bindparam("mark"), _ITS_ENTRY.is_(None))
    .limit(bindparam("most"))
    .subquery()
)
_LAG = sql(select(func.count(), func.min(_BEHIND.c.at_us)))
_LAST_CHECKPOINT = sql(select(audit_checkpoints.c.settled).order_by(audit_checkpoints.c.size.desc()).limit(1))
_PRESCRIPTIONS = sql(
    select(func.count()).select_from(prescriptions).where(prescriptions.c.id < bindparam("first")),
    across_tenants="the log says once how many there were before it, in the whole installation",
)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step numbered, and the mark to go on from. is_behind: more waits."""

    numbered: int
    mark: int
    is_behind: bool


def is_waiting(transaction: Transaction, mark: int, now_us: int) -> bool:
    """Tells whether there is anything to number: a record, the report of a day, or the opening of the log."""
    if audit_log.name_of(transaction) is None:
        return True
    return transaction.first(_WAITING, mark=mark, most=1) is not None or audit_days.is_due(transaction, now_us)


def lag(transaction: Transaction, most: int) -> tuple[int, int | None]:
    """Returns how many records wait to be numbered, up to `most`, and when the oldest was made (UTC microseconds)."""
    row = transaction.first(_LAG, mark=first_mark(transaction), most=most)
    return row[0], row[1]


def first_mark(transaction: Transaction) -> int:
    """Returns the mark that a sequencer begins with: that of the last checkpoint, or none.

    A database that was restored elsewhere counts its transactions anew: a mark from before would hide records.
    """
    last = transaction.first(_LAST_CHECKPOINT)
    settled = transaction.first(_SETTLED)[0]
    return int(last.settled) if last is not None and last.settled <= settled else 0


def number(
    transaction: Transaction, mark: int, sealing_key: bytes, now_us: int, known: audit_days.Tally | None = None
) -> Progress:
    """Numbers and chains what the outbox has and the log does not; opens the log if there is none.

    mark: the outbox number below which all is in the log. now_us: UTC microseconds. known: what was counted for the
    report of an ended day.
    """
    if not transaction.first(_TURN)[0]:
        return Progress(0, mark, is_behind=False)  # another process is at it
    # The mark before the records: what was settled then is seen by the statement that follows.
    settled = int(transaction.first(_SETTLED)[0])
    name = audit_log.name_of(transaction)
    chain = _open(transaction, sealing_key, now_us) if name is None else _go_on(transaction, name)
    before = chain.seq
    waiting = transaction.all(_WAITING, mark=mark, most=BATCH)
    is_behind = len(waiting) == BATCH
    reports = audit_days.Reports(transaction, chain, known, now_us)
    for one in waiting:
        reports.before(one.entry)
        chain.add(one.id, one.entry)
    if not is_behind:
        reports.until(now_us)
    audit_log.append(transaction, chain.rows)
    owned = audit_owners.owned(transaction, waiting)
    tallies.add(transaction, owned)
    audit_index.add(transaction, owned)
    if before // RANGE_ENTRIES != chain.seq // RANGE_ENTRIES:
        transaction.first(_RANGE_AHEAD)
    # A batch leaves nothing behind that is numbered below its last record, as far as that is settled.
    reached = min(settled, waiting[-1].number) if is_behind else settled
    return Progress(len(waiting), reached, is_behind)


def _go_on(transaction: Transaction, name: str) -> Chain:
    seq, previous = audit_log.head(transaction) or (0, genesis_hash(name))
    return Chain(name, seq, previous)


def _open(transaction: Transaction, sealing_key: bytes, now_us: int) -> Chain:
    """Makes the log's key, and its first entry: whose checkpoints are believed, and what was there before the log."""
    name = f"rxauth-audit-{new_ulid(now_us // 1_000)}"
    prescribed = transaction.first(_PRESCRIPTIONS, first=first_prescription(now_us // 1_000))[0]
    details: Mapping[str, str | int] = {
        "verifier": audit_keys.make_first(transaction, name, sealing_key),
        "prescriptions": prescribed,
    }
    act = audit.Act(audit.Event.AUDIT_LOG_OPENED, audit.OPERATOR, target=name, details=details)
    row = audit.row(act, now_us)
    chain = Chain(name, 0, genesis_hash(name))
    chain.add(row["id"], row["entry"])
    audit_log.append(transaction, chain.rows)
    chain.rows.clear()
    return chain
