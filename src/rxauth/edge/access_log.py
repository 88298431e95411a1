"""The access log's writer: operations are noted in memory and written in groups, in a thread that no answer waits for.

What a process that is killed had not written is lost: at most what it answered in the last second, while the database
takes writes. While it does not, records wait here, as many as the bound allows; those beyond it are counted, and the
number is a record of the audit log.
"""

import threading
from collections import Counter, deque
from contextlib import suppress
from typing import Any, Final

import structlog

from rxauth.clock import Clock
from rxauth.domain import access_records, audit
from rxauth.domain.access_records import Access, Rows
from rxauth.storage.database import ConflictError, Database, Transaction

WRITE_EVERY_S: Final = 0.5
WAITING_LIMIT: Final = 100_000  # rows: a record, and each of its patients
GROUP_ROWS: Final = 2_000
_log = structlog.get_logger("rxauth.access_log")


class AccessLog:
    """Writes what is noted, within a second."""

    def __init__(
        self, database: Database, clock: Clock, sealing_key: bytes, waiting_limit: int = WAITING_LIMIT
    ) -> None:
        self._database = database
        self._clock = clock
        self._key = access_records.patients_key(sealing_key)
        self._limit = waiting_limit
        self._waiting: deque[Access] = deque()
        self._rows = 0
        self._lost: Counter[str] = Counter()
        self._noting = threading.Lock()
        self._group: _Group | None = None  # under way: it stays as it is until it is known to be committed
        self._writing = threading.Lock()
        self._is_failing = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, access: Access) -> None:
        """Takes one operation, from any thread; never waits."""
        with self._noting:
            rows = _rows_of(access)
            if self._rows + rows > self._limit:
                self._lost[access.organization_id] += 1
            else:
                self._waiting.append(access)
                self._rows += rows

    def start(self) -> None:
        """Writes from now on, until `stop`."""
        self._thread = threading.Thread(target=self._work, name="access-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what is left, and ends."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if not self._try():
            _log.error("access_records_lost", count=len(self._waiting) + self._lost.total() + self._group_size())

    def write(self) -> None:
        """Writes all that waits.

        Raises:
            DatabaseUnavailableError: what was not written waits for the next call.
        """
        with self._writing:
            while (group := self._group or self._next_group()) is not None:
                self._group = group
                with suppress(ConflictError):  # it was committed already, when the connection broke
                    self._database.write(group.add)
                with self._noting:
                    self._rows -= group.size
                self._group = None

    def _next_group(self) -> "_Group | None":
        taken: list[Access] = []
        size = 0
        with self._noting:
            while self._waiting and (not taken or size + _rows_of(self._waiting[0]) <= GROUP_ROWS):
                taken.append(self._waiting.popleft())
                size += _rows_of(taken[-1])
            lost, self._lost = self._lost, Counter()
        if not taken and not lost:
            return None
        if lost:
            _log.error("access_records_lost", count=lost.total())
        now_us = self._clock.microseconds()
        acts = [audit.row(_loss(organization_id, count), now_us) for organization_id, count in lost.items()]
        return _Group(access_records.rows(taken, self._key), acts, size)

    def _group_size(self) -> int:
        return 0 if self._group is None else len(self._group.rows.records)

    def _work(self) -> None:
        while not self._stopping.wait(WRITE_EVERY_S):
            self._try()

    def _try(self) -> bool:
        try:
            self.write()
        except Exception as error:
            # Whatever it is, the next look makes up for it, and what does not fit meanwhile is counted.
            if not self._is_failing:
                _log.warning("access_log_waits", error=type(error).__name__)
            self._is_failing = True
        else:
            self._is_failing = False
        return not self._is_failing


class _Group:
    """What one transaction adds. size: how many rows it takes out of those that wait."""

    def __init__(self, rows: Rows, acts: list[dict[str, Any]], size: int) -> None:
        self.rows = rows
        self.size = size
        self._acts = acts

    def add(self, transaction: Transaction) -> None:
        """Adds it."""
        access_records.add(transaction, self.rows)
        audit.record_all(transaction, self._acts)


def _rows_of(access: Access) -> int:
    return 1 + len(access.patient_ids)


def _loss(organization_id: str, count: int) -> audit.Act:
    return audit.Act(
        audit.Event.ACCESS_RECORDS_LOST, audit.SERVER, organization_id, reason="too_many_waited", count=count
    )
