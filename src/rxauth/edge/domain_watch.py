"""The watch over domains: once a day each verified one is asked of DNS again, by whichever process comes first."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.domain import domain_proofs
from rxauth.domain.domain_proofs import Look
from rxauth.domain.mails import Outbox
from rxauth.domain.sessions import Ended
from rxauth.regular_work import RegularWork
from rxauth.storage.database import Database

LOOK_EVERY_S: Final = 60
_log = structlog.get_logger("rxauth.domains")


class DomainWatch(RegularWork):
    """The thread that looks at domains, once a minute. tell: has the clients of sessions that ended hear of it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        outbox: Outbox,
        look: Look,
        tell: Callable[[Sequence[Ended]], None],
    ) -> None:
        super().__init__("domain-watch", LOOK_EVERY_S, self.work_once, _note)
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._look = look
        self._tell = tell

    def work_once(self) -> int:
        """Looks at every domain whose turn it is; returns how many those were.

        Raises:
            DatabaseUnavailableError: the next look makes up for it.
        """
        looked = 0
        while not self.is_over and self._look_at_one():
            looked += 1
        return looked

    def _look_at_one(self) -> bool:
        database, now = self._database, self._clock.seconds()
        if not database.read(lambda tx: domain_proofs.is_due(tx, now)):
            return False
        domain = database.write(lambda tx: domain_proofs.claim(tx, now))
        if domain is None:
            return False  # somebody else looks at it
        records = self._look(domain.hosts)
        now_us = self._clock.microseconds()
        self._tell(database.write(lambda tx: domain_proofs.settle(tx, domain, records, self._outbox, now_us)))
        return True


def _note(error: Exception) -> None:
    _log.warning("domain_watch_failed", error=type(error).__name__)
