"""A bell: how one thread wakes another that waits for a connection too."""

import select
import socket
import time
from contextlib import suppress


class Bell:
    """Wakes the thread that waits for it. It may be rung and taken down at any time, and more than once."""

    def __init__(self) -> None:
        self._hears, self._rings = socket.socketpair()
        self._rings.setblocking(False)

    def ring(self) -> None:
        """Wakes it."""
        with suppress(OSError):
            self._rings.send(b"!")

    def close(self) -> None:
        """Takes it down."""
        self._hears.close()
        self._rings.close()

    def wait(self, timeout_s: float, *others: int) -> bool:
        """Waits until it is rung, or one of the other descriptors has something to read; tells whether that was so."""
        if self._hears.fileno() < 0:  # it was taken down: there is nothing to hear any more
            time.sleep(timeout_s)
            return False
        waiting = select.poll()  # select() takes no descriptor above 1023, and there may be thousands of connections
        for one in (self._hears.fileno(), *others):
            waiting.register(one, select.POLLIN)
        return bool(waiting.poll(timeout_s * 1_000))
