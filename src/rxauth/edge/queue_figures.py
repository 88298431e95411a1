"""What waits in the database, and how it grows: looked at in a thread of its own, so that nobody waits for it."""

from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.domain import health, retention
from rxauth.domain.health import Health, Queue
from rxauth.domain.retention import Growth
from rxauth.edge.metrics import Metrics
from rxauth.regular_work import RegularWork
from rxauth.storage.database import Database

LOOK_EVERY_S: Final = 15
_log = structlog.get_logger("rxauth.queue_figures")


class QueueFigures(RegularWork):
    """The last look at the queues; there are no figures while the database cannot be asked."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics) -> None:
        super().__init__("queue-figures", LOOK_EVERY_S, self._see, self._lose)
        self._database = database
        self._clock = clock
        self._queues: dict[str, Queue] = {}
        self._growth: Growth | None = None
        counted = f"{health.COUNTED} stands for as many or more"
        metrics.read("rxauth_queue_waiting", f"What waits, by queue; {counted}.", self._waiting, "queue")
        metrics.read("rxauth_queue_given_up", f"What was given up, by queue; {counted}.", self._given_up, "queue")
        metrics.read(
            "rxauth_queue_oldest_seconds", "For how long the oldest has waited, by queue.", self._ages, "queue"
        )

        metrics.read("rxauth_database_bytes", "How large the database is.", self._size, "database")
        metrics.read(
            "rxauth_retention_overdue_seconds",
            "Since the oldest row should have gone, by table.",
            self._overdue,
            "table",
        )

    def _see(self) -> None:
        now = self._clock.seconds()
        seen, self._growth = self._database.read(lambda tx: (health.look(tx, now), retention.look(tx, now)))
        self._queues = _queues(seen)

    def _lose(self, error: Exception) -> None:
        """Shows nothing from now on: an old figure is worse than none."""
        self._queues, self._growth = {}, None
        _log.warning("queues_not_seen", error=type(error).__name__)

    def _waiting(self) -> dict[str, float]:
        return {name: queue.waiting for name, queue in self._queues.items()}

    def _given_up(self) -> dict[str, float]:
        return {name: queue.given_up for name, queue in self._queues.items()}

    def _size(self) -> dict[str, float]:
        return {} if self._growth is None else {"rxauth": self._growth.database_bytes}

    def _overdue(self) -> dict[str, float]:
        return {} if self._growth is None else dict(self._growth.overdue_s)

    def _ages(self) -> dict[str, float]:
        now = self._clock.seconds()
        return {name: 0 if one.since is None else max(0, now - one.since) for name, one in self._queues.items()}


def _queues(seen: Health) -> dict[str, Queue]:
    return {
        "audit": seen.not_numbered,
        "expiry": seen.not_ended,
        "letters": seen.letters,
        "webhooks": seen.deliveries,
        "pharmacies": seen.dispatches,
    }
