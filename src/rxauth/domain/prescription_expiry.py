"""Expiry: a prescription whose last day is over everywhere is stored as EXPIRED, and webhooks hear of it.

Nobody waits for this: a prescription that is over is refused, and shown as EXPIRED, from the moment on which it is.
"""

from collections import defaultdict
from typing import Final

import structlog
from sqlalchemy import bindparam, func, literal_column, select, update

from rxauth.clock import Clock
from rxauth.domain import prescription_events, prescriptions
from rxauth.domain.prescription_states import PrescriptionState
from rxauth.domain.prescriptions import COLUMNS, Prescription
from rxauth.regular_work import RegularWork
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.clinical import prescriptions as table
from rxauth.storage.tenancy import sql

LOOK_EVERY_S: Final = 60
BATCH: Final = 100  # so that whoever waits for one of them does not wait long
_EVERYBODYS = "one server ends the prescriptions of every organization"
# Written out, so that the index of what may end is used.
_DUE = (table.c.state == literal_column("'ACTIVE'"), table.c.expiration_date < bindparam("today"))
_IS_DUE = sql(select(table.c.id).where(*_DUE).limit(1), across_tenants=_EVERYBODYS)
_WAITING = sql(
    select(func.count()).select_from(select(table.c.id).where(*_DUE).limit(bindparam("rows")).subquery()),
    across_tenants=_EVERYBODYS,
)
_NEXT = sql(
    select(table.c.organization_id, *COLUMNS)
    .where(*_DUE)
    .order_by(table.c.expiration_date, table.c.id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True),
    across_tenants=_EVERYBODYS,
)
_END = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id.in_(bindparam("the_ids", expanding=True)))
    .values(state=PrescriptionState.EXPIRED)
)
_log = structlog.get_logger("rxauth.prescriptions")


def is_due(transaction: Transaction, now_ms: int) -> bool:
    """Tells whether a prescription is over and not stored as such; for a look that writes nothing."""
    return transaction.first(_IS_DUE, today=prescriptions.today_anywhere(now_ms // 1_000)) is not None


def waiting(transaction: Transaction, now: int, rows: int) -> int:
    """Returns how many prescriptions are over and not stored as such, at most `rows`."""
    return int(transaction.first(_WAITING, today=prescriptions.today_anywhere(now), rows=rows)[0])


def expire(transaction: Transaction, now_ms: int, rows: int = BATCH) -> int:
    """Ends some prescriptions whose last day is over, but none that another transaction holds; returns how many."""
    found = transaction.all(_NEXT, today=prescriptions.today_anywhere(now_ms // 1_000), rows=rows)
    by_owner: defaultdict[str, list[Prescription]] = defaultdict(list)
    for row in found:
        by_owner[row.organization_id].append(Prescription(*row[1:]))
    for organization_id, ended in by_owner.items():
        transaction.run(_END, owner=organization_id, the_ids=[one.id for one in ended])
        prescription_events.expired(transaction, organization_id, ended, now_ms)
    return len(found)


class Expiry(RegularWork):
    """The thread that ends prescriptions, once a minute. Each process has one; none waits for what another holds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__("prescription-expiry", LOOK_EVERY_S, self.work_once, _note)
        self._database = database
        self._clock = clock

    def work_once(self) -> int:
        """Ends what is over, batch by batch; returns how many prescriptions that were.

        Raises:
            DatabaseUnavailableError: the next look makes up for it.
        """
        now_ms, ended = self._clock.milliseconds(), 0
        while not self.is_over and self._database.read(lambda tx: is_due(tx, now_ms)):
            batch = self._database.write(lambda tx: expire(tx, now_ms))
            if not batch:
                break  # somebody holds the rest
            ended += batch
        return ended


def _note(error: Exception) -> None:
    _log.warning("prescription_expiry_failed", error=type(error).__name__)
