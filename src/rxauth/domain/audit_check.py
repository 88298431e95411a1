"""What a verifier checks of an audit log: it reads entries and checkpoints once, in order, and remembers no entry."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rxauth.crypto.checkpoints import BadCheckpointError, Checkpoint, Verifier, unproven
from rxauth.crypto.merkle import Frontier, leaf_hash
from rxauth.domain import audit_check_people
from rxauth.domain.audit import Event
from rxauth.domain.audit_check_days import Days
from rxauth.domain.audit_check_people import TwoPeople
from rxauth.domain.audit_findings import NAMES, Finding
from rxauth.domain.audit_log import Entry, chain_hash, genesis_hash
from rxauth.domain.audit_signing import CHECKPOINT_INTERVAL_S

TOLERANCE_US: Final = 2 * CHECKPOINT_INTERVAL_S * 1_000_000
LARGEST_NUMBER: Final = 2**53 - 1  # the whole numbers that every JSON reader keeps (RFC 7493 §2.2)
_NOTE: Final = re.compile(r"(?:[^\n]+\n)+\n(?:[^\n]+\n)+")
_Number = Annotated[int, Meta(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]


class _Shape(msgspec.Struct):
    """What nearly every entry is; anything else is looked at piece by piece, which takes longer."""

    id: str
    log: str
    record: dict[str, str | _Number | dict[str, str | None] | None]
    seq: int


_SHAPE: Final = msgspec.json.Decoder(_Shape)
_SORTED: Final = msgspec.json.Encoder(order="sorted")


class Checker:
    """Checks one log while it is read.

    outside: checkpoints that were kept outside the database.
    """

    def __init__(self, outside: Iterable[str] = ()) -> None:
        self.findings = {number: Finding(number) for number in NAMES}
        self.size = 0
        self.verifiers: list[Verifier] = []  # the first key of the log, and those that replaced it
        self.covered = 0
        self.opened_us = 0
        self._name = ""
        self._hash = b""
        self._tree = Frontier()
        self._latest_us = 0
        self._oldest_waiting_us: int | None = None
        self._days = Days(self.findings[13], TOLERANCE_US)
        self._people = TwoPeople(self.findings[12])
        self._outside = sorted(self._readable(outside), key=lambda one: one[0].size)
        self._next_outside = 0
        if not self._outside:
            self.findings[7].not_checked = "no checkpoint from outside was given"

    def add_entry(self, entry: Entry) -> Mapping[str, Any]:
        """Checks the next entry; returns its record."""
        self.size += 1
        if entry.seq != self.size:
            self.findings[1].add(f"entry {entry.seq} stands where {self.size} belongs")
        record = self._record(entry)
        if self.size == 1:
            self._begin(entry, record)
        self._hash = chain_hash(self.size, self._hash, entry.entry)
        if self._hash != entry.hash:
            self.findings[2].add(f"entry {entry.seq} has another hash than its content and the hash before it give")
            self._hash = entry.hash  # so that each break is said once
        self._tree.append(leaf_hash(entry.entry))
        at_us = _time(record)
        event = record.get("event")
        self._check_time(entry.seq, event, at_us)
        self._days.add_entry(entry.seq, record, at_us)
        if event in audit_check_people.WATCHED:
            self._people.add_entry(entry.seq, record, at_us)
        elif event == Event.AUDIT_KEY_ROTATED:
            self._change_key(f"entry {entry.seq}", record)
        if self._next_outside < len(self._outside):
            self._compare_outside()
        return record

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
        self._days.add_checkpoint(checkpoint)

    def finish(self, now_us: int | None) -> list[Finding]:
        """Ends the check; now_us: UTC microseconds if the log goes on, None for a copy."""
        for checkpoint, note in self._outside[self._next_outside :]:
            self._check_signature(note, "a checkpoint from outside")
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
        if now_us is not None:
            self._days.finish(now_us)
        return list(self.findings.values())

    def _begin(self, entry: Entry, record: Mapping[str, Any]) -> None:
        if entry.seq > 1:
            self.findings[14].add(f"the entries before {entry.seq} are gone")
        try:
            if record.get("event") != Event.AUDIT_LOG_OPENED:
                raise BadCheckpointError("it is no opening of a log")
            self.verifiers.append(Verifier.from_text(str(record.get("verifier"))))
            if self.verifiers[0].name != self._name:
                raise BadCheckpointError("it names another log")
        except BadCheckpointError as error:
            self.findings[3].add(f"entry {entry.seq}: {error}")
        self._hash = genesis_hash(self._name)
        self.opened_us = _time(record)

    def _change_key(self, here: str, record: Mapping[str, Any]) -> None:
        """Takes the key that counts from here on, if the one before it endorsed it."""
        try:
            successor = Verifier.from_text(str(record.get("verifier")))
            endorsement = base64.b64decode(str(record.get("endorsement")), validate=True)
        except (BadCheckpointError, binascii.Error):
            self.findings[6].add(f"{here} names no key")
            return
        if not self.verifiers or not self.verifiers[-1].endorses(successor, endorsement):
            self.findings[6].add(f"{here} names a key that the one before it did not endorse")
            return
        self.verifiers.append(successor)

    def _record(self, entry: Entry) -> Mapping[str, Any]:
        """Checks how an entry is written and what it says of itself; returns its record."""
        try:
            shape = _SHAPE.decode(entry.entry)
            if entry.entry.isascii() and _SORTED.encode(shape) == entry.entry:
                return self._named(entry, shape.log, shape.seq, shape.id, shape.record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # the other way says what is wrong with it
        try:
            members = msgspec.json.decode(entry.entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            members = None
        if not isinstance(members, dict) or not _is_plain(members) or rewritten(members) != entry.entry:
            self.findings[4].add(f"entry {entry.seq} is not written in the one way that it can be")
        if not isinstance(members, dict):
            return {}
        return self._named(entry, members.get("log"), members.get("seq"), members.get("id"), members.get("record"))

    def _named(self, entry: Entry, log: object, seq: object, record_id: object, record: object) -> Mapping[str, Any]:
        if self.size == 1:
            self._name = str(log)
        elif log != self._name:
            self.findings[3].add(f"entry {entry.seq} is of another log")
        if seq != entry.seq or record_id != entry.id:
            self.findings[1].add(f"entry {entry.seq} says another number or identifier of itself")
        return record if isinstance(record, dict) else {}

    def _check_time(self, seq: int, event: object, at_us: int) -> None:
        if at_us < self.opened_us:
            return  # it waited for the log to be opened, which says nothing of when
        if at_us < self._latest_us - TOLERANCE_US:
            late_s = (self._latest_us - at_us) // 1_000_000
            self.findings[9].add(f"entry {seq} is {late_s} s older than what stands before it")
        elif self._oldest_waiting_us is None or at_us < self._oldest_waiting_us:
            self._oldest_waiting_us = at_us
        if at_us > self._latest_us and event != Event.AUDIT_DAILY_REPORT:
            self._latest_us = at_us  # a report may be late, and stands where its day ends

    def _compare_outside(self) -> None:
        while self._next_outside < len(self._outside) and self._outside[self._next_outside][0].size <= self.size:
            checkpoint, note = self._outside[self._next_outside]
            self._check_signature(note, "a checkpoint from outside")
            if checkpoint.size != self.size or checkpoint.root != self._tree.root():
                self.findings[7].add(
                    f"a checkpoint from outside has another root of the first {checkpoint.size} entries"
                )
            self._next_outside += 1

    def _check_signature(self, note: str, here: str) -> None:
        if not self.verifiers:
            self.findings[6].add(f"{here}: the log does not say whose signature counts")
            return
        try:
            self.verifiers[-1].open(note)
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
    return _SORTED.encode(members)


def _is_plain(value: Any) -> bool:
    """Tells whether a value has only what is written in one way: no fractions, no huge numbers, no other names."""
    if isinstance(value, dict):
        return all(name.isascii() and _is_plain(member) for name, member in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) <= LARGEST_NUMBER)


def _time(record: Mapping[str, Any]) -> int:
    at_us = record.get("at_us")
    return at_us if isinstance(at_us, int) else 0
