"""The sequencer: numbers what the outbox has, within a second, and signs checkpoints; in a thread of its own."""

import threading
from pathlib import Path
from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.crypto.checkpoints import unproven
from rxauth.domain import audit, audit_days, audit_numbering, audit_signing, checkpoint_file
from rxauth.storage.database import ConflictError, Database

LOOK_EVERY_S: Final = 0.5
_OTHERS_S: Final = 5  # for so long another process may be about to add to the file what it signed
_log = structlog.get_logger("rxauth.audit")


class Sequencer:
    """One of these runs in every process; a lock elects the one that numbers, each time anew.

    file: where checkpoints are added, outside the database; None: nowhere else.
    """

    def __init__(self, database: Database, clock: Clock, sealing_key: bytes, file: Path | None) -> None:
        self._database = database
        self._clock = clock
        self._sealing_key = sealing_key
        self._file = file
        self._in_file: int | None = None  # how much the last checkpoint covers that is known to be there
        self._mark: int | None = None
        self._tally: audit_days.Tally | None = None
        self._refused = 0
        self._is_failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="audit-sequencer", daemon=True)

    def start(self) -> None:
        """Numbers from now on, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Numbers what is left, signs a last checkpoint, and ends."""
        self._stopping.set()
        self._thread.join()
        self._try(is_last=True)

    def work_once(self, *, is_last: bool = False) -> None:
        """Numbers what waits, and signs a checkpoint if one is due, or if this `is_last`.

        Raises:
            DatabaseUnavailableError: what was not numbered is numbered the next time.
        """
        self._record_refused_rights()
        mark = self._database.read(audit_numbering.first_mark) if self._mark is None else self._mark
        is_behind = True
        while is_behind and self._is_waiting(mark):
            done = self._number(mark)
            mark, is_behind = done.mark, done.is_behind
        self._mark = mark
        while self._checkpoint(mark, is_last=is_last):
            pass
        if self._file is not None:
            self._keep_what_others_signed(self._file, is_last=is_last)

    def _is_waiting(self, mark: int) -> bool:
        now_us = self._clock.microseconds()
        return self._database.read(lambda tx: audit_numbering.is_waiting(tx, mark, now_us))

    def _number(self, mark: int) -> audit_numbering.Progress:
        now_us, known = self._clock.microseconds(), self._tally
        # Counting a whole day takes a while: not in the transaction that others wait for.
        self._tally = self._database.read(lambda tx: audit_days.tally(tx, known, now_us))
        return self._database.write(lambda tx: audit_numbering.number(tx, mark, self._sealing_key, now_us, self._tally))

    def _record_refused_rights(self) -> None:
        """Records how often this process was refused a change of what only grows (21 CFR 1311.150(a)(5))."""
        refused = self._database.refused_rights
        if refused == self._refused:
            return
        act = audit.Act(audit.Event.RIGHT_REFUSED, audit.SERVER, reason="not_permitted", count=refused - self._refused)
        self._database.write(lambda tx: audit.record(tx, act, self._clock.microseconds()))
        self._refused = refused

    def _checkpoint(self, mark: int, *, is_last: bool) -> bool:
        """Signs one checkpoint if it is due; tells whether it did."""
        now_us = self._clock.microseconds()
        signed = self._database.read(
            lambda tx: audit_signing.sign_checkpoint(tx, mark, self._sealing_key, now_us, is_last=is_last)
        )
        if signed is None:
            return False
        try:
            self._database.write(lambda tx: audit_signing.keep_checkpoint(tx, signed))
        except ConflictError:
            return False  # another process signed as much
        if self._file is not None:
            checkpoint_file.append(self._file, signed.note)
            self._in_file = signed.checkpoint.size
        return True

    def _keep_what_others_signed(self, file: Path, *, is_last: bool) -> None:
        """Adds the last checkpoint to the file if it is not there: a command signed it, or the disk was full."""
        last = self._database.read(audit_signing.last_checkpoint)
        if last is None or last.size == self._in_file:
            return
        if not is_last and self._clock.microseconds() - last.at_us < _OTHERS_S * 1_000_000:
            return
        there, signed = checkpoint_file.last(file), unproven(last.note)
        if there is not None and there.origin == signed.origin and there.size < signed.size:
            checkpoint_file.append(file, last.note)
        self._in_file = last.size

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            self._try(is_last=False)

    def _try(self, *, is_last: bool) -> None:
        try:
            self.work_once(is_last=is_last)
            self._is_failing = False
        except Exception as error:
            # Whatever it is, the next look makes up for it; a log that falls behind is a finding of its verification.
            if not self._is_failing:
                _log.warning("audit_sequencer_failed", error=type(error).__name__)
            self._is_failing = True
