"""The change feed: what processes must forget when another process commits a change.

Polling "rows with a higher number than the last one seen" would lose a row that commits late with a lower number, and a
lost row here is a revocation that never arrives. So each row carries the number of its transaction, and a reader moves
its mark only up to the lowest transaction that is still under way; what lies beyond is applied at once and remembered.
Hints have a reader look sooner; what it knows comes from looking.

Rows go after a day. A process that heard nothing for half of that, because it stood still, forgets all it remembers.
"""

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

import structlog
from sqlalchemy import bindparam, insert, select

from rxauth.storage.database import Announcement, Database, Transaction
from rxauth.storage.moments import clock_microseconds, settled_before, transaction_number
from rxauth.storage.tables.access import changes
from rxauth.storage.tenancy import sql

POLL_INTERVAL_S: Final = 0.25
PAUSE_S: Final = 0.02  # however many changes there are
KEPT_S: Final = 86_400
# What a listener is told in place of an identifier when anything may have changed.
EVERYTHING: Final = "*"
_log = structlog.get_logger("rxauth.changes")


class ChangeKind(StrEnum):
    """What can change under a process that remembers it."""

    CLIENT = "client"
    SIGNING_KEY = "signing_key"
    PERSON = "person"
    SESSION = "session"
    FAMILY = "family"


_INSERT = sql(
    insert(changes).values(
        transaction_id=transaction_number(),
        kind=bindparam("kind"),
        subject_id=bindparam("subject_id"),
        changed_at=bindparam("changed_at"),
        recorded_at_us=clock_microseconds(),
    )
)
_SETTLED = sql(select(settled_before(), clock_microseconds()))
_SINCE = sql(
    select(changes.c.id, changes.c.transaction_id, changes.c.kind, changes.c.subject_id, changes.c.recorded_at_us)
    .where(changes.c.transaction_id >= bindparam("mark"))
    .order_by(changes.c.transaction_id, changes.c.id)
)


def record(transaction: Transaction, kind: ChangeKind, subject_id: str, now: int) -> None:
    """Tells every process of a change: this one right after the commit, the others a moment later."""
    transaction.run(_INSERT, kind=kind, subject_id=subject_id, changed_at=now)
    transaction.announce(kind, subject_id)


def record_all(transaction: Transaction, kind: ChangeKind, subject_ids: Sequence[str], now: int) -> None:
    """Tells every process of many changes at once; see `record`."""
    transaction.run_many(_INSERT, [{"kind": kind, "subject_id": one, "changed_at": now} for one in subject_ids])
    for one in subject_ids:
        transaction.announce(kind, one)


@dataclass(slots=True)
class Delays:
    """How long changes took from their record to this process, by the database's clock."""

    changes: int = 0
    total_s: float = 0.0
    last_s: float = 0.0
    longest_s: float = 0.0

    def note(self, delay_s: float) -> None:
        """Counts one."""
        self.changes += 1
        self.total_s += delay_s
        self.last_s = delay_s
        self.longest_s = max(self.longest_s, delay_s)


class Feed:
    """Reads the change feed in a thread of its own and calls who must know.

    delays: how late changes were applied here.

    staleness_bound_s: for how long what is remembered may be used without having heard from the database.
    """

    def __init__(
        self, database: Database, staleness_bound_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._bound_s = staleness_bound_s
        self._monotonic = monotonic
        self._listeners: dict[str, list[Callable[[str], None]]] = defaultdict(list)
        self._applied: frozenset[int] = frozenset()
        self.delays = Delays()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard_at = monotonic()
        self._mark, self._heard_us = database.read(_settled)
        database.listen(self._tell)

    def on(self, kind: ChangeKind, listener: Callable[[str], None]) -> None:
        """Has `listener` called with the identifier of whatever of `kind` changes, or `EVERYTHING`, from any thread."""
        self._listeners[kind].append(listener)

    @property
    def bound_s(self) -> float:
        """For how long what is remembered may be used without having heard from the database."""
        return self._bound_s

    def silent_s(self) -> float:
        """Returns for how many seconds this process has not heard from the database."""
        return self._monotonic() - self._heard_at

    def is_fresh(self) -> bool:
        """Tells whether this process has heard from the database within the bound."""
        return self.silent_s() <= self._bound_s

    def poll(self) -> None:
        """Applies what was committed since the last call.

        Raises:
            DatabaseUnavailableError: nothing was applied; the next call makes up for it.
        """
        asked_at = self._monotonic()
        (settled, now_us), rows = self._database.look(lambda tx: (_settled(tx), tx.all(_SINCE, mark=self._mark)))
        if now_us - self._heard_us > KEPT_S * 500_000:
            self._tell((kind, EVERYTHING) for kind in ChangeKind)
        new = [row for row in rows if row.id not in self._applied]
        self._tell((row.kind, row.subject_id) for row in new)
        applied_at_us = now_us + (self._monotonic() - asked_at) * 1e6
        for row in new:
            if row.recorded_at_us is not None:
                self.delays.note(max(0.0, (applied_at_us - row.recorded_at_us) / 1e6))
        self._applied = frozenset(row.id for row in rows if row.transaction_id >= settled)
        self._mark, self._heard_us = settled, now_us
        self._heard_at = asked_at

    def start(self) -> None:
        """Polls from now on, until `stop`."""
        self._thread = threading.Thread(target=self._run, name="change-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the polling."""
        self._stopping.set()
        self._database.watch.wake()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_S):
            self._database.watch.wait(POLL_INTERVAL_S)
            if self._stopping.is_set():
                return
            try:
                self.poll()
            except Exception as error:
                # Whatever it is, polling goes on: is_fresh() turns false when it lasts, and nothing is skipped.
                _log.warning("change_feed_failed", error=type(error).__name__)

    def _tell(self, announcements: Iterable[Announcement]) -> None:
        for kind, subject_id in announcements:
            for listener in self._listeners[kind]:
                listener(subject_id)


def _settled(transaction: Transaction) -> tuple[int, int]:
    """Returns below which number all is settled, and what the database's clock shows, in microseconds."""
    number, now_us = transaction.first(_SETTLED)
    return int(number), int(now_us)


Record = TypeVar("Record")


class Remembered(Generic[Record]):
    """A bounded memory of records by identifier; the change feed has it forget those that change.

    What is absent is not remembered, so that unknown identifiers cannot push out known ones.
    """

    def __init__(self, database: Database, load: Callable[[Transaction, str], Record | None], limit: int) -> None:
        self._database = database
        self._load = load
        self._limit = limit
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._times_forgotten = 0
        self._keeping = threading.Lock()

    def peek(self, identifier: str) -> Record | None:
        """Returns the record if it is remembered; never touches the database."""
        return self._records.get(identifier)

    def fetch(self, identifier: str) -> Record | None:
        """Reads the record from the database and remembers it."""
        return self._database.read(lambda tx: self.fetch_within(tx, identifier))

    def fetch_within(self, transaction: Transaction, identifier: str) -> Record | None:
        """Reads the record in a transaction that did not change it, and remembers it."""
        before = self._times_forgotten
        record = self._load(transaction, identifier)
        if record is not None:
            self._keep({identifier: record}, before)
        return record

    def fetch_all(
        self, identifiers: Iterable[str], load_all: Callable[[Transaction, Iterable[str]], Mapping[str, Record]]
    ) -> Mapping[str, Record]:
        """Reads many records at once and remembers those that there are."""
        before = self._times_forgotten
        records = self._database.read(lambda tx: load_all(tx, identifiers))
        self._keep(records, before)
        return records

    def _keep(self, records: Mapping[str, Record], before: int) -> None:
        """Remembers what was read; a change that was told of meanwhile may be newer: then it is used once only."""
        with self._keeping:
            if self._times_forgotten != before:
                return
            for identifier, record in records.items():
                while len(self._records) >= self._limit:
                    self._records.popitem(last=False)
                self._records[identifier] = record

    def forget(self, identifier: str) -> None:
        """Drops one record, or `EVERYTHING`."""
        with self._keeping:
            self._times_forgotten += 1
            if identifier == EVERYTHING:
                self._records.clear()
            self._records.pop(identifier, None)
