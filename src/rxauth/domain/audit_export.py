"""Reading the whole log with its checkpoints, from the database or from an export, and proving one entry of it."""

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, exists, func, select

from rxauth.crypto.checkpoints import BadCheckpointError, unproven
from rxauth.crypto.merkle import (
    Frontier,
    Range,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
)
from rxauth.domain import audit_keys
from rxauth.domain.audit import Event
from rxauth.domain.audit_check import TOLERANCE_US, Checker
from rxauth.domain.audit_effects import Effects
from rxauth.domain.audit_findings import Finding
from rxauth.domain.audit_log import PAGE, Entry, entries, wrap
from rxauth.domain.errors import DomainError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_checkpoints, audit_entries, audit_outbox
from rxauth.storage.tenancy import sql

Item = Entry | str  # a link of the chain, or the note of a checkpoint
_LAST: Final = 2**62
_NEEDS_DATABASE: Final = "needs the database"
_CHECKPOINTS = sql(
    select(audit_checkpoints.c.size, audit_checkpoints.c.note)
    .where(audit_checkpoints.c.size > bindparam("after"))
    .order_by(audit_checkpoints.c.size)
    .limit(PAGE)
)
_NUMBER_OF = sql(select(audit_entries.c.seq).where(audit_entries.c.id == bindparam("id")))
_COUNT = sql(select(func.max(audit_entries.c.seq)))
_WITH_RECORDS = sql(
    select(
        audit_entries.c.seq,
        audit_entries.c.id,
        audit_entries.c.entry,
        audit_entries.c.hash,
        audit_outbox.c.entry.label("record"),
    )
    .select_from(audit_entries.outerjoin(audit_outbox, audit_outbox.c.id == audit_entries.c.id))
    .where(audit_entries.c.seq > bindparam("after"))
    .order_by(audit_entries.c.seq)
    .limit(PAGE)
)
_DOUBLES = sql(
    select(audit_entries.c.id).group_by(audit_entries.c.id).having(func.count() > 1).order_by(audit_entries.c.id)
)
_FORGOTTEN = sql(
    select(audit_outbox.c.id)
    .where(
        audit_outbox.c.recorded_at_us < bindparam("before_us"),
        ~exists().where(audit_entries.c.id == audit_outbox.c.id),
    )
    .limit(PAGE)
)
# What the sequencer says by itself, without an act that committed a record.
_OWN: Final = (Event.AUDIT_LOG_OPENED, Event.AUDIT_DAILY_REPORT)


def count(transaction: Transaction) -> int:
    """Returns how many entries there are."""
    return int(transaction.first(_COUNT)[0] or 0)


def stored(transaction: Transaction, read: Iterable[Entry] | None = None) -> Iterator[Item]:
    """Reads the log: each entry in order, and each checkpoint after as many entries as it covers.

    read: the entries, if they are read in another way.
    """
    checkpoints = _checkpoints(transaction)
    coming = next(checkpoints, None)
    for position, entry in enumerate(entries(transaction, -_LAST, _LAST) if read is None else read, 1):
        yield entry
        while coming is not None and coming[0] <= position:
            yield coming[1]
            coming = next(checkpoints, None)
    while coming is not None:
        yield coming[1]
        coming = next(checkpoints, None)


def as_lines(items: Iterable[Item]) -> Iterator[bytes]:
    """Writes a log as JSON, a line for each entry and checkpoint; an entry stands there byte by byte."""
    for item in items:
        if isinstance(item, str):
            yield msgspec.json.encode({"checkpoint": item})
        else:
            members = {"seq": item.seq, "id": item.id, "hash": item.hash.hex(), "entry": msgspec.Raw(item.entry)}
            yield msgspec.json.encode(members)


class _Line(msgspec.Struct):
    """One line of an export."""

    seq: int = 0
    id: str = ""
    hash: str = ""
    entry: msgspec.Raw = msgspec.Raw(b"")
    checkpoint: str | None = None


def from_lines(lines: Iterable[bytes]) -> Iterator[Item]:
    """Reads what `as_lines` wrote.

    Raises:
        DomainError: a line is no JSON of that form.
    """
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(lines, 1):
        try:
            read = decoder.decode(line)
            yield read.checkpoint or Entry(read.seq, read.id, bytes(read.entry), bytes.fromhex(read.hash))
        except (msgspec.DecodeError, ValueError):
            raise DomainError(f"line {number} is not of an export of the audit log") from None


def check(items: Iterable[Item], checker: Checker, progress: Callable[[int], None]) -> Effects:
    """Feeds a log to a checker; returns what its entries say was done."""
    effects = Effects()
    for item in items:
        if isinstance(item, str):
            checker.add_checkpoint(item)
            continue
        effects.add_entry(item.seq, checker.add_entry(item))
        if checker.size % PAGE == 0:
            progress(checker.size)
    return effects


def check_export(lines: Iterable[bytes], checker: Checker, progress: Callable[[int], None]) -> list[Finding]:
    """Checks an export alone: all but what needs the database."""
    check(from_lines(lines), checker, progress)
    for number in (10, 11):
        checker.findings[number].not_checked = _NEEDS_DATABASE
    return checker.finish(None)


def check_stored(
    transaction: Transaction, checker: Checker, now_us: int, progress: Callable[[int], None]
) -> list[Finding]:
    """Checks the log in the database, and what it says against what the database shows."""
    together = checker.findings[11]
    effects = check(stored(transaction, compared(transaction, together)), checker, progress)
    effects.finish(transaction, together)
    for row in transaction.all(_DOUBLES):
        checker.findings[1].add(f"record {row.id} has more than one entry")
    for row in transaction.all(_FORGOTTEN, before_us=now_us - TOLERANCE_US):
        checker.findings[10].add(f"record {row.id} has no entry")
    return checker.finish(now_us)


def prove(transaction: Transaction, entry_id: str) -> dict[str, Any]:
    """Returns the proofs that an entry is in the log: in the first checkpoint that covers it, and that one in the last.

    Raises:
        DomainError: there is no such entry, no checkpoint covers it yet, or the log does not prove it.
    """
    found = transaction.first(_NUMBER_OF, id=entry_id)
    if found is None:
        raise DomainError(f"there is no entry {entry_id}")
    covering = [(size, note) for size, note in _checkpoints(transaction) if size >= found.seq]
    if not covering:
        raise DomainError("no checkpoint covers the entry yet: try again in a minute")
    (first, note), (last, last_note) = covering[0], covering[-1]
    [entry] = entries(transaction, found.seq - 1, found.seq)
    inclusion = [_root(transaction, one) for one in inclusion_ranges(found.seq - 1, first)]
    consistency = [_root(transaction, one) for one in consistency_ranges(first, last)]
    try:
        roots = unproven(note).root, unproven(last_note).root
    except BadCheckpointError as error:
        raise DomainError(f"the log proves nothing: {error}") from None
    included = proves_inclusion(leaf_hash(entry.entry), found.seq - 1, first, inclusion, roots[0])
    if not included or not proves_consistency(first, last, consistency, *roots):
        raise DomainError("the log does not prove this entry: run `rxauth audit verify`")
    return {
        "entry": entry.entry.decode(),
        "leaf_index": found.seq - 1,
        "checkpoint": note,
        "inclusion": [base64.b64encode(one).decode() for one in inclusion],
        "last_checkpoint": last_note,
        "consistency": [base64.b64encode(one).decode() for one in consistency],
        "verifiers": [audit_keys.load(transaction, size).verifier.text() for size in dict.fromkeys((0, first, last))],
    }


def _checkpoints(transaction: Transaction) -> Iterator[tuple[int, str]]:
    after = -1
    while page := transaction.all(_CHECKPOINTS, after=after):
        for row in page:
            yield row.size, row.note
        after = page[-1].size


def compared(transaction: Transaction, together: Finding, after: int = -_LAST) -> Iterator[Entry]:
    """Reads the entries after a number, and compares each with the record that its act committed."""
    name = audit_keys.load(transaction).name
    while page := transaction.all(_WITH_RECORDS, after=after):
        for seq, entry_id, entry, hashed, record in page:
            if record is None:
                if not any(b'"event":"' + one.encode() + b'"' in entry for one in _OWN):
                    together.add(f"entry {seq} has no record that an act committed")
            elif wrap(name, seq, entry_id, record) != entry:
                together.add(f"entry {seq} is not what its act committed")
            yield Entry(seq, entry_id, entry, hashed)
        after = page[-1].seq


def _root(transaction: Transaction, leaves: Range) -> bytes:
    tree = Frontier()
    for entry in entries(transaction, *leaves):
        tree.append(leaf_hash(entry.entry))
    return tree.root()
