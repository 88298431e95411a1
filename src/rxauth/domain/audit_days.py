"""Daily reports of the audit log (21 CFR 1311.150(b)): what was done on each calendar day of UTC, counted by event.

A report is an entry that the sequencer makes by itself: it counts the entries since the report before it, and quotes
the last checkpoint.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import msgspec
from sqlalchemy import bindparam, select

from rxauth.crypto.checkpoints import unproven
from rxauth.domain import audit
from rxauth.domain.audit_log import DAY_US, Chain, entries, head
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_checkpoints, audit_reports
from rxauth.storage.tenancy import insert_row, sql

_EPOCH: Final = date(1970, 1, 1)
_LAST_REPORT = sql(select(audit_reports.c.day, audit_reports.c.seq).order_by(audit_reports.c.day.desc()).limit(1))
_ADD_REPORT = insert_row(audit_reports)
_LAST_CHECKPOINT = sql(
    select(audit_checkpoints.c.note)
    .where(audit_checkpoints.c.size <= bindparam("size"))
    .order_by(audit_checkpoints.c.size.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Acts since the last report, by event. day: the next report is of it; first, until: the entries that count."""

    day: int
    first: int
    until: int
    acts: Mapping[str, int]

    @property
    def ends_at_us(self) -> int:
        """When the day ends, in UTC microseconds."""
        return (self.day + 1) * DAY_US


class _Record(msgspec.Struct):
    """What a report counts of a record."""

    event: str
    at_us: int
    count: int = 1


class _Entry(msgspec.Struct):
    """An entry, as far as a report reads it."""

    record: _Record


def day_of(at_us: int) -> int:
    """Returns the number of the day in which a moment is; at_us: UTC microseconds."""
    return at_us // DAY_US


def day_text(day: int) -> str:
    """Writes the number of a day as a date."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def is_due(transaction: Transaction, now_us: int) -> bool:
    """Tells whether a day has ended whose report is not there."""
    day = _next_day(transaction)
    return day is not None and (day[0] + 1) * DAY_US <= now_us


def tally(transaction: Transaction, known: Tally | None, now_us: int) -> Tally | None:
    """Counts the entries since the last report; None: no day has ended since.

    known: what was counted before, which need not be counted again.
    """
    found, last = _next_day(transaction), head(transaction)
    if found is None or last is None or (found[0] + 1) * DAY_US > now_us:
        return None
    day, first = found
    if known is None or known.first != first:
        known = Tally(day, first, first - 1, {})
    acts = Counter(known.acts)
    decoder = msgspec.json.Decoder(_Entry)
    for entry in entries(transaction, known.until, last[0]):
        record = decoder.decode(entry.entry).record
        acts[record.event] += record.count
    return Tally(day, first, last[0], acts)


class Reports:
    """Adds the reports of ended days to a chain that is being numbered."""

    def __init__(self, transaction: Transaction, chain: Chain, known: Tally | None, now_us: int) -> None:
        self._transaction = transaction
        self._chain = chain
        self._now_us = now_us
        self._tally = tally(transaction, known, now_us)
        self._acts = Counter(self._tally.acts) if self._tally is not None else Counter[str]()
        self._decoder = msgspec.json.Decoder(_Record)

    def before(self, record: bytes) -> None:
        """Reports of the days that ended before a record was made, and counts it for the next report."""
        if self._tally is None:
            return
        read = self._decoder.decode(record)
        self.until(read.at_us)
        self._acts[read.event] += read.count

    def until(self, at_us: int) -> None:
        """Reports of the days that ended by then."""
        while self._tally is not None and self._tally.ends_at_us <= min(at_us, self._now_us):
            self._report(self._tally)
            self._tally = Tally(self._tally.day + 1, self._chain.seq + 1, self._chain.seq, {})
            self._acts = Counter()

    def _report(self, ended: Tally) -> None:
        row = self._transaction.first(_LAST_CHECKPOINT, size=self._chain.seq)
        quoted = None if row is None else unproven(row.note)
        details: dict[str, str | int] = {
            "first": ended.first,
            "last": self._chain.seq,
            "checkpoint": 0 if quoted is None else quoted.size,
            "root": "" if quoted is None else quoted.root.hex(),
            **self._acts,
        }
        target = day_text(ended.day)
        made = audit.row(
            audit.Act(audit.Event.AUDIT_DAILY_REPORT, audit.SERVER, target=target, details=details), self._now_us
        )
        self._chain.add(made["id"], made["entry"])
        self._transaction.run(_ADD_REPORT, day=ended.day, seq=self._chain.seq)


def _next_day(transaction: Transaction) -> tuple[int, int] | None:
    """Returns the day that the next report is of, and the first entry that it counts; None: there is no log."""
    last = transaction.first(_LAST_REPORT)
    if last is not None:
        return last.day + 1, last.seq + 1
    for opening in entries(transaction, 0, 1):
        return day_of(msgspec.json.decode(opening.entry, type=_Entry).record.at_us), 1
    return None
