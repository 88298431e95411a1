"""The machine: its cores, what it is made of, and what a process takes of it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import __version__ as cryptography_version
from cryptography.hazmat.backends.openssl import backend

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """Two cores: one for the server that is measured, one for everything else, the load among it."""

    server: int
    load: int


def two_cores() -> Cores:
    """Chooses the cores and moves this process, and so all that it starts, to the one for the load.

    Raises:
        RuntimeError: there is only one.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise RuntimeError("the benchmark needs two cores: one for the server, one for the load")
    os.sched_setaffinity(0, {allowed[1]})
    return Cores(allowed[0], allowed[1])


@contextmanager
def on(*cores: int) -> Iterator[None]:
    """Moves this thread, and so those that it starts, to cores for the length of a block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(process_id: int) -> float:
    """Returns the processor time that a process and those that it started have used, in all their threads."""
    return sum(_processor_seconds(one) for one in family(process_id))


def family(process_id: int) -> list[int]:
    """Returns a process and those that it started, and these, as far as they still run."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it just ended
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [process_id]
    for one in found:
        found += parents.get(one, [])
    return found


def _processor_seconds(process_id: int) -> float:
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def resident_mb(process_id: int) -> float:
    """Returns the resident memory of a process (VmRSS), in megabytes of a million bytes."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {process_id} has no resident memory")


def describe(data_folder: Path) -> dict[str, str]:
    """Says on what the figures were made; data_folder: where the databases are kept."""
    disk = _said("findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(data_folder))
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, data on {disk}",
        "python": f"{platform.python_version()}, cryptography {cryptography_version}, {backend.openssl_version_text()}",
        "postgresql": _said("psql", "--version"),
        "node": _said("node", "--version"),
        "wrk": _said("wrk", "--version").partition(" [")[0],
        "commit": _said("git", "describe", "--always", "--dirty"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(program: str, *arguments: str) -> str:
    """Returns the first line that a program prints."""
    if shutil.which(program) is None:
        return "not installed"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0].strip() if lines else "unknown"
