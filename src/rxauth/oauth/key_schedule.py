"""The schedule of the signing keys: the next one takes over when its time has come, once, whoever looks for it."""

import threading
from typing import Final

import structlog

from rxauth.crypto.jws import new_signing_key
from rxauth.domain import audit, operator_acts, signing_keys
from rxauth.domain.operator_acts import By, Rotated
from rxauth.domain.signing_keys import TooEarlyError
from rxauth.oauth import rotation
from rxauth.oauth.server import Server

LOOK_EVERY_S: Final = 60
_log = structlog.get_logger("rxauth.key_schedule")


class KeySchedule:
    """The thread that rotates keys. Each process has one; the first to find a key due rotates it."""

    def __init__(self, server: Server, every_s: int) -> None:
        self._server = server
        # However short the interval is, every verifier must know the next key before it signs.
        self._every_s = max(every_s, rotation.of_server(server, ()).published_for_s)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="key-schedule", daemon=True)

    def start(self) -> None:
        """Looks now, and then once a minute."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the rotation that is under way."""
        self._stopping.set()
        self._thread.join()

    def work_once(self) -> list[Rotated]:
        """Rotates the keys of each algorithm that are due; returns what was done, and nothing if another did it.

        Raises:
            DatabaseUnavailableError: the next look makes up for it.
        """
        server, now = self._server, self._server.clock.seconds()
        due = server.database.read(lambda tx: signing_keys.due(tx, self._every_s, now))
        if not due:
            return []
        # To make keys is slow: not in the transaction that others wait for.
        planned = rotation.of_server(server, [new_signing_key(one) for one in due], published_for_s=self._every_s)
        by = By(audit.SCHEDULE, server.clock.microseconds())
        try:
            return server.database.write(lambda tx: operator_acts.rotate_keys(tx, by, planned))
        except TooEarlyError:
            return []  # another process rotated them meanwhile

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                for one in self.work_once():
                    _log.info("signing_key_rotated", current=one.current, previous=one.previous, coming=one.coming)
            except Exception as error:  # whatever it is, the next look makes up for it
                _log.warning("key_schedule_failed", error=type(error).__name__)
            self._stopping.wait(LOOK_EVERY_S)
