"""Servers of a run: each a process on a machine of its own, that is killed, paused and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from rxauth.settings import Settings
from tests.live import environment, http_client, rxauth_program

PORT: Final = 8000
PATIENCE_S: Final = 120  # a busy machine starts three of them at once
AGAIN: Final = "--again"  # see `entry`
_PROJECT: Final = Path(__file__).parents[2]


class Node:
    """One server. planted: what its program does otherwise, see `entry`. output: the file that has what it prints."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        output: Path,
        *,
        inside: Sequence[str] = (),
        host: str = "127.0.0.1",
        port: int = PORT,
        planted: Sequence[str] = (),
        **variables: str,
    ) -> None:
        self.name = name
        self.address = (host, port)
        self.url = f"http://{host}:{port}"
        self.settings = settings
        self.output = output
        program = [rxauth_program(), "serve"]
        changed = [sys.executable, "-m", "tests.faults.entry", *planted]
        self._command = [*inside, *(changed if planted else program)]
        listening = {"RXAUTH_LISTEN_HOST": host, "RXAUTH_LISTEN_PORT": str(port)}
        self._environment = environment(settings) | listening | {"PYTHONUNBUFFERED": "1"} | variables
        self._popen: subprocess.Popen[bytes] | None = None
        self.is_serving = False

    @property
    def process_id(self) -> int:
        """The process to send signals to."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def parent_id(self) -> int:
        """The process that was started."""
        assert self._popen is not None
        return self._popen.pid

    def start(self) -> None:
        """Starts the server, and returns when it answers."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Starts the server."""
        with self.output.open("ab") as output:
            self._popen = subprocess.Popen(
                self._command, env=self._environment, cwd=_PROJECT, stdout=output, stderr=subprocess.STDOUT
            )

    def wait(self, timeout_s: float = PATIENCE_S) -> None:
        """Returns when the server answers."""
        deadline = time.monotonic() + timeout_s
        with http_client(base_url=self.url, timeout=2) as http:
            while not self.answers(http):
                if not self.is_running() or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not serve: {self.output.read_text()[-2000:]}")
                time.sleep(0.02)
        self.is_serving = True

    def answers(self, http: httpx.Client, path: str = "/.well-known/jwks.json") -> bool:
        """Tells whether the server answers, and well."""
        try:
            return http.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def is_running(self) -> bool:
        """Tells whether there is a process."""
        return self._popen is not None and self._popen.poll() is None

    def kill(self) -> None:
        """Ends the process with kill -9."""
        self.is_serving = False
        self.signal(signal.SIGKILL)
        assert self._popen is not None
        self._popen.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        with suppress(ProcessLookupError):
            os.kill(self.process_id, number)

    def stop(self) -> None:
        """Ends the process gracefully, or else not."""
        self.is_serving = False
        if not self.is_running() or self._popen is None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self._popen.wait(30)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


class Brood(Node):
    """A server that comes again by itself when its process was killed, see `entry`."""

    @property
    def process_id(self) -> int:
        """The process to send signals to: the one that serves, 0 while there is none."""
        parent = self.parent_id
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(children[0]) if children else 0

    def kill(self) -> None:
        """Ends the process that serves with kill -9."""
        self.is_serving = False
        while (number := self.process_id) == 0:
            time.sleep(0.001)
        os.kill(number, signal.SIGKILL)

    def stop(self) -> None:
        """Ends the whole of it gracefully."""
        self.is_serving = False
        if self._popen is not None and self.is_running():
            self._popen.terminate()
            self._popen.wait(30)


class Nodes:
    """The servers of a run, one of which a client may ask."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.all = list(nodes)

    def __getitem__(self, name: str) -> Node:
        """Returns the server of a name."""
        return next(node for node in self.all if node.name == name)

    def start(self) -> None:
        """Starts all of them at once."""
        self._each(lambda node: node.start())

    def stop(self) -> None:
        """Stops all of them at once, gracefully."""
        self._each(lambda node: node.stop())

    def _each(self, work: Callable[[Node], None]) -> None:
        with ThreadPoolExecutor(len(self.all) or 1) as threads:
            list(threads.map(work, self.all))
