"""The machine: its cores, what it is made of, and how many bare signatures and hashes it makes."""

import os
import platform
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography import __version__ as cryptography_version
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from rxauth.crypto.passwords import Cost, new_hash

_SIGNED_BYTES: Final = 700  # about the length of a token before its signature
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """Two cores: one for the server that is measured, one for everything else, the load among it."""

    server: int
    load: int


class Yardstick(Protocol):
    """What a rate is compared with."""

    name: str

    def per_second(self, seconds: float) -> float:
        """Measures the rate of the bare act."""


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


class BareSignatures:
    """The yardstick of most: RSA-2048 signatures (SHA-256, PKCS #1 v1.5) on one core, with nothing around them."""

    name = "bare RSA-2048 signature"

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._key = rsa.generate_private_key(65537, 2048)

    def per_second(self, seconds: float) -> float:
        """Measures the rate on the server's core, which must be free."""
        message, scheme, digest = os.urandom(_SIGNED_BYTES), padding.PKCS1v15(), SHA256()
        os.sched_setaffinity(0, {self._cores.server})
        try:
            signed = 0
            started_at = time.perf_counter()
            while (elapsed := time.perf_counter() - started_at) < seconds:
                self._key.sign(message, scheme, digest)
                signed += 1
        finally:
            os.sched_setaffinity(0, {self._cores.load})
        return signed / elapsed


class BareHashes:
    """The yardstick of logins: Argon2id at the cost that is set by default, two at a time, on both cores."""

    name = "bare Argon2id hash, two at a time"

    def __init__(self, cores: Cores) -> None:
        self._cores = cores

    def per_second(self, seconds: float) -> float:
        """Measures the rate; both cores must be free."""
        os.sched_setaffinity(0, {self._cores.server, self._cores.load})  # threads begin with what their maker has
        try:
            with ThreadPoolExecutor(2) as threads:
                started_at = time.perf_counter()
                hashed = sum(threads.map(_hash_until, [started_at + seconds] * 2))
                return hashed / (time.perf_counter() - started_at)
        finally:
            os.sched_setaffinity(0, {self._cores.load})


def _hash_until(ends_at: float) -> int:
    hashed, cost = 0, Cost()
    while time.perf_counter() < ends_at:
        new_hash("mauve tin lorry wharf", cost)
        hashed += 1
    return hashed


def processor_seconds(process_id: int) -> float:
    """Returns the processor time that a process has used, in all its threads."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
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
