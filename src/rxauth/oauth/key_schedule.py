"""The schedule of the signing keys: the next one takes over when its time has come, once, whoever looks for it."""

from typing import Final

import structlog

from rxauth.domain import audit, operator_acts, signing_keys
from rxauth.domain.changes import ChangeKind
from rxauth.domain.operator_acts import By, Rotated
from rxauth.domain.signing_keys import TooEarlyError
from rxauth.oauth import new_keys, rotation
from rxauth.oauth.server import Server
from rxauth.regular_work import RegularWork

LOOK_EVERY_S: Final = 60
_log = structlog.get_logger("rxauth.key_schedule")


class KeySchedule(RegularWork):
    """The thread that rotates keys, once a minute. Each process has one; the first to find a key due rotates it.

    It also destroys what is left in the security module of keys that sign no more. every_s 0: it rotates nothing.
    """

    def __init__(self, server: Server, every_s: int) -> None:
        super().__init__("key-schedule", LOOK_EVERY_S, self._look, _note)
        self._server = server
        # However short the interval is, every verifier must know the next key before it signs.
        self._interval_s = max(every_s, rotation.of_server(server, ()).published_for_s) if every_s else None
        if server.keys.module is not None:
            server.feed.on(ChangeKind.SIGNING_KEY, lambda _key_id: self.wake())

    def work_once(self) -> list[Rotated]:
        """Rotates the keys of each algorithm that are due; returns what was done, and nothing if another did it.

        Raises:
            DatabaseUnavailableError, SignerUnavailableError: the next look makes up for it.
        """
        server, module = self._server, self._server.keys.module
        rotated = [] if self._interval_s is None else self._rotate(self._interval_s)
        if module is not None:
            # A process that has not heard of a rotation yet signs with the key of before.
            known_everywhere = server.clock.seconds() - int(server.feed.bound_s) - 1
            new_keys.destroy_leftover(server.database.read, server.database.write, module, known_everywhere)
        return rotated

    def _rotate(self, every_s: int) -> list[Rotated]:
        server, now = self._server, self._server.clock.seconds()
        due = server.database.read(lambda tx: signing_keys.due(tx, every_s, now))
        if not due:
            return []
        by = By(audit.SCHEDULE, server.clock.microseconds())
        try:
            # To make keys is slow: not in the transaction that others wait for.
            with new_keys.made(server.keys.module, due) as made:
                planned = rotation.of_server(server, made, published_for_s=every_s)
                return server.database.write(lambda tx: operator_acts.rotate_keys(tx, by, planned))
        except TooEarlyError:
            return []  # another process rotated them meanwhile

    def _look(self) -> None:
        for one in self.work_once():
            _log.info("signing_key_rotated", current=one.current, previous=one.previous, coming=one.coming)


def _note(error: Exception) -> None:
    _log.warning("key_schedule_failed", error=type(error).__name__)
