"""Check 13: every calendar day of UTC has its report, and the report counts what the log has."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from rxauth.crypto.checkpoints import Checkpoint
from rxauth.domain.audit import Event
from rxauth.domain.audit_days import day_of, day_text
from rxauth.domain.audit_findings import Finding
from rxauth.domain.audit_log import DAY_US

# What stands in a report beside its counts, each of which has the name of an event.
_RECORD: Final = ("v", "at_us", "event", "outcome", "actor", "organization_id", "target", "reason")
_OTHERS: Final = frozenset((*_RECORD, "network", "request_id", "count", "first", "last", "checkpoint", "root"))


class Days:
    """Counts what is read since the last report. tolerance_us: how far clocks may be apart."""

    def __init__(self, finding: Finding, tolerance_us: int) -> None:
        self._finding = finding
        self._tolerance_us = tolerance_us
        self._day: int | None = None
        self._first = 1
        self._acts: Counter[str] = Counter()
        self._checkpoints: dict[int, str] = {0: ""}
        self._ends_us = 0

    def add_entry(self, seq: int, record: Mapping[str, Any], at_us: int) -> None:
        """Counts an entry, or compares a report."""
        if self._day is None:
            self._expect(day_of(at_us))
        if record.get("event") == Event.AUDIT_DAILY_REPORT:
            self._compare(seq, record, at_us)
            return
        if at_us >= self._ends_us + self._tolerance_us:
            self._miss(day_of(at_us - self._tolerance_us))
        count = record.get("count")
        self._acts[str(record.get("event"))] += count if isinstance(count, int) else 1

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Remembers what the next report may quote."""
        self._checkpoints[checkpoint.size] = checkpoint.root.hex()

    def finish(self, now_us: int) -> None:
        """Ends the check of a log that goes on; now_us: UTC microseconds."""
        if self._day is not None and now_us >= self._ends_us + self._tolerance_us:
            self._miss(day_of(now_us - self._tolerance_us))

    def _compare(self, seq: int, record: Mapping[str, Any], at_us: int) -> None:
        here = f"entry {seq}, a daily report,"
        written = record.get("target")
        if self._day is None or written != day_text(self._day):
            self._finding.add(f"{here} is of another day than the next one")
        elif at_us < self._ends_us:
            self._finding.add(f"{here} was made before its day ended")
        counts = {name: value for name, value in record.items() if name not in _OTHERS}
        if counts != self._acts or (record.get("first"), record.get("last")) != (self._first, seq - 1):
            self._finding.add(f"{here} counts other acts than the entries since the report before it")
        quoted = record.get("checkpoint")
        if self._checkpoints.get(quoted if isinstance(quoted, int) else -1) != record.get("root"):
            self._finding.add(f"{here} quotes a checkpoint that the log does not have")
        last = max(self._checkpoints)
        self._checkpoints = {last: self._checkpoints[last]}
        self._acts, self._first = Counter(), seq + 1
        self._expect((self._day or 0) + 1)

    def _miss(self, day: int) -> None:
        """Says that the days before `day` have no report, and goes on with it."""
        first, last = day_text(self._day or 0), day_text(day - 1)
        self._finding.add(f"{first} has no report" if first == last else f"{first} to {last} have no report")
        self._expect(day)

    def _expect(self, day: int) -> None:
        self._day = day
        self._ends_us = (day + 1) * DAY_US
