"""The servers that are measured, each a process of its own, pinned to one core unless it needs both."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.live import free_port

from bench.installation import Installation
from bench.load import Post
from bench.machine import Cores

ROOT: Final = Path(__file__).parent.parent
_START_LIMIT_S: Final = 30
_PAUSE_S: Final = 0.005
_NOTE_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started. told: what it reads from its standard input; on_both_cores: one is not enough."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    told: str = ""
    on_both_cores: bool = False

    @property
    def url(self) -> str:
        """Where it will answer."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. started_s: the seconds from its start to its first answer."""

    url: str
    process_id: int
    started_s: float


def rxauth_serve(installation: Installation, *, workers: int = 1, on_both_cores: bool = False) -> Command:
    """Returns the real thing."""
    port = free_port()
    arguments = (program("rxauth"), "serve", "--workers", str(workers))
    return Command(arguments, installation.environment(port), port, on_both_cores=on_both_cores)


def bare_app(installation: Installation) -> Command:
    """Returns the app that verifies nothing and asks no policy."""
    port = free_port()
    arguments = (sys.executable, "-m", "bench.bare_app", installation.organization_id)
    return Command(arguments, installation.environment(port), port)


def unchained_app(installation: Installation) -> Command:
    """Returns the app that does not chain its audit log."""
    port = free_port()
    return Command((sys.executable, "-m", "bench.unchained_app"), installation.environment(port), port)


def es256_app(installation: Installation) -> Command:
    """Returns the app that signs machines' tokens with ES256."""
    port = free_port()
    return Command((sys.executable, "-m", "bench.es256_app"), installation.environment(port), port)


def bare_asgi() -> Command:
    """Returns the app that only answers."""
    port = free_port()
    return Command((sys.executable, "-m", "bench.bare_asgi", str(port)), os.environ, port)


def program(name: str) -> str:
    """Returns the path of a program of this virtual environment."""
    return str(Path(sys.executable).parent / name)


@contextmanager
def started(command: Command, cores: Cores, first: Post) -> Iterator[Running]:
    """Runs a server for the length of a block, which begins as soon as it has answered its first request.

    Raises:
        RuntimeError: it did not start, or answers wrongly.
    """
    with tempfile.TemporaryFile("w+") as output:
        started_at = time.perf_counter()
        process = _popen(command, cores, output)
        try:
            while first.once(command.url) is None:
                if process.poll() is not None or time.perf_counter() > started_at + _START_LIMIT_S:
                    raise RuntimeError(f"{command.arguments[0]} did not start")
                time.sleep(_PAUSE_S)
            yield Running(command.url, process.pid, time.perf_counter() - started_at)
        except RuntimeError as error:
            output.seek(0)
            error.add_note(f"The server said: {output.read()[-_NOTE_CHARACTERS:]}")
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _popen(command: Command, cores: Cores, output: IO[str]) -> subprocess.Popen[str]:
    allowed = f"{cores.server},{cores.load}" if command.on_both_cores else str(cores.server)
    process = subprocess.Popen(
        ["taskset", "--cpu-list", allowed, *command.arguments],
        cwd=ROOT,
        env=dict(command.environment),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.stdin is not None:
        process.stdin.write(command.told)
        process.stdin.close()
    return process
