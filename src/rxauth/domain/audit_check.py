"""What a verifier checks of an audit log: it reads entries and checkpoints once, in order, and remembers no entry."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from rxauth.crypto.checkpoints import BadCheckpointError, Checkpoint, Verifier, unproven
from rxauth.crypto.merkle import Frontier, leaf_hash
from rxauth.domain.audit import Event
from rxauth.domain.audit_log import CHECKPOINT_INTERVAL_S, Entry, chain_hash, genesis_hash

SHOWN: Final = 5
TOLERANCE_US: Final = 2 * CHECKPOINT_INTERVAL_S * 1_000_000
LARGEST_NUMBER: Final = 2**53 - 1  # the whole numbers that every JSON reader keeps (RFC 7493 §2.2)
NAMES: Final = {
    1: "numbers have no gap and no double",
    2: "every hash follows from the entry and the hash before it",
    3: "the first entry opens this log",
    4: "every entry is canonical",
    5: "checkpoints have the root of the entries",
    6: "checkpoints are signed with the log's key",
    7: "checkpoints that were kept outside belong to this log",
    8: "no entry waited long for a checkpoint",
    9: "times run forward, up to each checkpoint",
    10: "the end is there",
    11: "acts and records belong together",
    12: "acts of two people were of two people",
    13: "every day has its report",
    14: "nothing is gone that must be kept",
}
_NOTE: Final = re.compile(r"(?:[^\n]+\n)+\n(?:[^\n]+\n)+")


@dataclass
class Finding:
    """What came of one check. said: the first few problems, of `problems`. not_checked: why it was not, or None."""

    number: int
    problems: int = 0
    said: list[str] = field(default_factory=list)
    not_checked: str | None = None

    @property
    def status(self) -> str:
        """ok, found, or not checked."""
        if self.problems:
            return "found"
        return "ok" if self.not_checked is None else "not checked"

    def add(self, sentence: str) -> None:
        """Adds a problem."""
        self.problems += 1
        if len(self.said) < SHOWN:
            self.said.append(sentence)


class Checker:
    """Checks one log while it is read.

    outside: checkpoints that were kept outside the database.
    """

    def __init__(self, outside: Iterable[str] = ()) -> None:
        self.findings = {number: Finding(number) for number in NAMES}
        self.size = 0
        self.verifier: Verifier | None = None
        self.covered = 0
        self._name = ""
        self._hash = b""
        self._tree = Frontier()
        self._latest_us = 0
        self._opened_us = 0
        self._oldest_waiting_us: int | None = None
        self._outside = sorted(self._readable(outside), key=lambda one: one[0].size)
        self._next_outside = 0
        if not self._outside:
            self.findings[7].not_checked = "no checkpoint from outside was given"
        for number, what in ((12, "acts of two people"), (13, "daily reports")):
            self.findings[number].not_checked = f"this version records no {what}"

    def add_entry(self, entry: Entry) -> None:
        """Checks the next entry."""
        self.size += 1
        here = f"entry {entry.seq}"
        if entry.seq != self.size:
            self.findings[1].add(f"{here} stands where {self.size} belongs")
        members = self._canonical(entry, here)
        if self.size == 1:
            self._begin(members)
        self._hash = chain_hash(self.size, self._hash, entry.entry)
        if self._hash != entry.hash:
            self.findings[2].add(f"{here} has another hash than its content and the hash before it give")
            self._hash = entry.hash  # so that each break is said once
        self._tree.append(leaf_hash(entry.entry))
        self._check_time(members, here)
        self._compare_outside()

    def add_checkpoint(self, note: str) -> None:
        """Checks a checkpoint of the log itself, right after the entry that it ends with."""
        try:
            checkpoint = unproven(note)
        except BadCheckpointError as error:
            self.findings[6].add(f"after entry {self.size}: {error}")
            return
        here = f"checkpoint {checkpoint.size}"
        self._check_signature(note, here)
        if checkpoint.size > self.size:
            self.findings[10].add(f"{here} covers more entries than the {self.size} that are there")
        elif checkpoint.size != self.size or checkpoint.root != self._tree.root():
            self.findings[5].add(f"{here} has another root than the entries")
        waited_us = checkpoint.at_us - (self._oldest_waiting_us or checkpoint.at_us)
        if waited_us > TOLERANCE_US:
            self.findings[8].add(f"{here} came {waited_us // 1_000_000} s after the first entry that it covers")
        if self._latest_us > checkpoint.at_us + TOLERANCE_US:
            self.findings[9].add(f"{here} covers an entry of a later time")
        self._latest_us = max(self._latest_us, checkpoint.at_us)
        self._oldest_waiting_us = None
        self.covered = self.size

    def finish(self, now_us: int | None) -> list[Finding]:
        """Ends the check; now_us: UTC microseconds if the log goes on, None for a copy."""
        for checkpoint, _ in self._outside[self._next_outside :]:
            self.findings[7].add(
                f"a checkpoint from outside covers {checkpoint.size} entries, and {self.size} are there"
            )
        if self.size == 0:
            self.findings[10].add("there is no entry at all")
        waiting = self._oldest_waiting_us
        if now_us is not None and waiting is not None and now_us - waiting > TOLERANCE_US:
            self.findings[8].add(
                f"an entry has waited {(now_us - waiting) // 1_000_000} s: no checkpoint covers the end"
            )
        return list(self.findings.values())

    def _begin(self, members: dict[str, Any]) -> None:
        record = members.get("record")
        try:
            if not isinstance(record, dict) or record.get("event") != Event.AUDIT_LOG_OPENED:
                raise BadCheckpointError("it is no opening of a log")
            self.verifier = Verifier.from_text(str(record.get("verifier")))
            if self.verifier.name != members.get("log"):
                raise BadCheckpointError("it names another log")
        except BadCheckpointError as error:
            self.findings[3].add(f"entry 1: {error}")
        self._name = str(members.get("log"))
        self._hash = genesis_hash(self._name)
        self._opened_us = _time(members)
        for _, note in self._outside:
            self._check_signature(note, "a checkpoint from outside")

    def _canonical(self, entry: Entry, here: str) -> dict[str, Any]:
        """Checks how an entry is written and what it says of itself; returns its members."""
        try:
            members = msgspec.json.decode(entry.entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            members = None
        if not isinstance(members, dict) or not _is_plain(members) or rewritten(members) != entry.entry:
            self.findings[4].add(f"{here} is not written in the one way that it can be")
        if not isinstance(members, dict):
            return {}
        if self.size > 1 and members.get("log") != self._name:
            self.findings[3].add(f"{here} is of another log")
        if (members.get("seq"), members.get("id")) != (entry.seq, entry.id):
            self.findings[1].add(f"{here} says another number or identifier of itself")
        return members

    def _check_time(self, members: dict[str, Any], here: str) -> None:
        at_us = _time(members)
        if at_us < self._opened_us:
            return  # it waited for the log to be opened, which says nothing of when
        if at_us < self._latest_us - TOLERANCE_US:
            late_s = (self._latest_us - at_us) // 1_000_000
            self.findings[9].add(f"{here} is {late_s} s older than what stands before it")
        else:
            self._oldest_waiting_us = min(at_us, self._oldest_waiting_us or at_us)
        self._latest_us = max(self._latest_us, at_us)

    def _compare_outside(self) -> None:
        while self._next_outside < len(self._outside) and self._outside[self._next_outside][0].size == self.size:
            if self._outside[self._next_outside][0].root != self._tree.root():
                self.findings[7].add(f"a checkpoint from outside has another root of the first {self.size} entries")
            self._next_outside += 1

    def _check_signature(self, note: str, here: str) -> None:
        if self.verifier is None:
            self.findings[6].add(f"{here}: the log does not say whose signature counts")
            return
        try:
            self.verifier.open(note)
        except BadCheckpointError as error:
            self.findings[6].add(f"{here}: {error}")

    def _readable(self, notes: Iterable[str]) -> Iterable[tuple[Checkpoint, str]]:
        for note in notes:
            try:
                yield unproven(note), note
            except BadCheckpointError as error:
                self.findings[7].add(f"a text from outside: {error}")


def notes(text: str) -> list[str]:
    """Returns the notes of a checkpoint file, which an empty line ends each; what is none is kept as a text."""
    found = _NOTE.findall(text)
    rest = _NOTE.sub("", text).strip()
    return [*found, rest] if rest else found


def rewritten(members: dict[str, Any]) -> bytes:
    """Returns the one way to write members (RFC 8785, for ASCII names and whole numbers)."""
    return msgspec.json.encode(members, order="sorted")


def _is_plain(value: Any) -> bool:
    """Tells whether a value has only what is written in one way: no fractions, no huge numbers, no other names."""
    if isinstance(value, dict):
        return all(name.isascii() and _is_plain(member) for name, member in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) <= LARGEST_NUMBER)


def _time(members: dict[str, Any]) -> int:
    record = members.get("record")
    at_us = record.get("at_us") if isinstance(record, dict) else None
    return at_us if isinstance(at_us, int) else 0
