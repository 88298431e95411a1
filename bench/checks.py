"""What is measured or proved once a sitting, beside the rounds: starting, helping, writing and not writing."""

import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import load
from bench.installation import Installation
from bench.load import Post
from bench.machine import Cores
from bench.servers import program, rxauth_serve, started
from bench.writes import Writes

STARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Written:
    """What a load left in the database. acts: records of the audit outbox; changed: whether any row was written."""

    answers: int
    acts: int
    changed: bool


def first_token_s(installation: Installation, cores: Cores, token: Post) -> list[float]:
    """Returns the seconds from `rxauth serve` to the first token, of several starts after one that is not counted."""
    seconds = []
    for _ in range(STARTS + 1):
        with started(rxauth_serve(installation), cores, token) as server:
            seconds.append(server.started_s)
    return seconds[1:]


def help_s(cores: Cores) -> list[float]:
    """Returns the seconds that `rxauth --help` takes, of several times after one that is not counted."""
    command = ["taskset", "--cpu-list", str(cores.server), program("rxauth"), "--help"]
    seconds = []
    for _ in range(STARTS + 1):
        started_at = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started_at)
    return seconds[1:]


def written(installation: Installation, cores: Cores, post: Post, seconds: float, folder: Path) -> Written:
    """Says what a load of one kind of request leaves in the database.

    Raises:
        RuntimeError: see `load.put_on`.
    """
    writes = Writes(installation)
    try:
        with started(rxauth_serve(installation), cores, post) as server:
            acts, mark = writes.recorded_acts(), writes.mark()
            answered = load.put_on(server.url, post, seconds, folder)
            return Written(answered.answers, writes.recorded_acts() - acts, writes.mark() != mark)
    finally:
        writes.close()


def median(values: list[float]) -> float:
    """Returns the median."""
    return statistics.median(values)
