"""A proxy in front of PostgreSQL that breaks connections exactly at COMMIT: before it, or after, its reply eaten."""

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from tests.faults.network import Network

BEFORE: Final = "before COMMIT"
AFTER: Final = "after COMMIT, its reply lost"
_STARTUP: Final = 196_608  # the protocol's number; what comes before it is asked for encryption, and refused
_COMMIT: Final = b"COMMIT"
_ROLLBACK: Final = b"ROLLBACK"
_BEGIN: Final = b"BEGIN"
_INSERT: Final = b"INSERT"  # where no transaction is open it is one of its own


class Commits:
    """What a client says to PostgreSQL, as messages; tells which of them commits (protocol 3.0, "Message Formats")."""

    def __init__(self) -> None:
        self._rest = b""
        self._has_begun = False
        self._is_open = False
        self._prepared: dict[bytes, bytes] = {}

    def split(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Returns each whole message, and whether it commits."""
        self._rest += data
        while (size := self._size()) is not None:
            message, self._rest = self._rest[:size], self._rest[size:]
            if not self._has_begun:
                self._has_begun = struct.unpack("!I", message[4:8])[0] == _STARTUP
                yield message, False
            else:
                yield message, self._is_commit(message)

    def _size(self) -> int | None:
        head = 1 if self._has_begun else 0
        if len(self._rest) < head + 4:
            return None
        size = head + int(struct.unpack("!I", self._rest[head : head + 4])[0])
        return size if len(self._rest) >= size else None

    def _is_commit(self, message: bytes) -> bool:
        kind, parts = message[:1], message[5:].split(b"\0")
        if kind == b"P":
            self._prepared[parts[0]] = parts[1]
        if kind == b"Q":
            return self._runs(parts[0])
        return kind == b"B" and self._runs(self._prepared.get(parts[1], b""))

    def _runs(self, statement: bytes) -> bool:
        was_open = self._is_open
        if statement.startswith(_BEGIN):
            self._is_open = True
        elif statement in {_COMMIT, _ROLLBACK}:
            self._is_open = False
        return statement == _COMMIT or (statement.startswith(_INSERT) and not was_open)


class Proxy:
    """Listens on a machine and passes on to another; each commit may be cut, as chance has it.

    told: hears what was done, each time.
    """

    def __init__(self, network: Network, machine: str, target: tuple[str, int], told: Callable[[str], None]) -> None:
        self._target = target
        self._told = told
        self._chance = random.Random(machine)
        self.share = 0.0  # of the commits, that is cut
        with network.entered(machine):
            self._listening = socket.create_server((network.addresses[machine], target[1]))
            self._thread = threading.Thread(target=self._accept, daemon=True)
            self._thread.start()  # it stays on the machine where it was started, and so do those that it starts

    def close(self) -> None:
        """Takes no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target, 5)
            except OSError:
                if self._listening.fileno() < 0:
                    return
                continue
            server.settimeout(None)
            eaten = threading.Event()
            threading.Thread(target=self._up, args=(client, server, eaten), daemon=True).start()
            threading.Thread(target=self._down, args=(client, server, eaten), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, eaten: threading.Event) -> None:
        commits = Commits()
        with suppress(OSError):
            while data := client.recv(65_536):
                for message, is_commit in commits.split(data):
                    if is_commit and self._chance.random() < self.share:
                        cut = self._chance.choice((BEFORE, AFTER))
                        self._told(f"connection cut {cut}")
                        if cut == BEFORE:
                            return _cut(client, server)
                        eaten.set()
                    server.sendall(message)
        _cut(client, server)
        return None

    def _down(self, client: socket.socket, server: socket.socket, eaten: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if eaten.is_set():
                    break
                client.sendall(data)
        _cut(client, server)


def _cut(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
