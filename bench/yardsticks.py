"""The machine's bare limits: what the least that an act must do takes, with nothing around it."""

import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from tests import postgres

from bench.machine import Cores, on
from rxauth.crypto.passwords import Cost, new_hash

ROWS: Final = 10_000
_SIGNED_BYTES: Final = 700  # about the length of a token before its signature
_AT_ONCE: Final = 100  # acts between two looks at the clock, if one takes microseconds
_STRIDE: Final = 7_919
_TABLE: Final = "CREATE TABLE bare (id bigint PRIMARY KEY, content text NOT NULL)"
_READ: Final = "SELECT id, content FROM bare WHERE id = {}"
_WRITE: Final = "INSERT INTO bare (id, content) VALUES ({}, {})"
_CONTENT: Final = "x" * 500  # about a patient


class Yardstick(Protocol):
    """What a rate is compared with."""

    name: str

    def per_second(self, seconds: float) -> float:
        """Measures the rate of the bare act."""


class BareSignatures:
    """The yardstick of most: RSA-2048 signatures (SHA-256, PKCS #1 v1.5) on the server's core."""

    name = "bare RSA-2048 signature"

    def __init__(self, cores: Cores) -> None:
        self._core = cores.server
        self._key = rsa.generate_private_key(65537, 2048)

    def per_second(self, seconds: float) -> float:
        """Measures the rate; the server's core must be free."""
        message, scheme, digest = os.urandom(_SIGNED_BYTES), padding.PKCS1v15(), SHA256()
        return _repeated(lambda: self._key.sign(message, scheme, digest), seconds, self._core)


class BareCurveSignatures:
    """The yardstick of ES256: ECDSA signatures on P-256 on the server's core."""

    name = "bare P-256 signature"

    def __init__(self, cores: Cores) -> None:
        self._core = cores.server
        self._key = ec.generate_private_key(ec.SECP256R1())

    def per_second(self, seconds: float) -> float:
        """Measures the rate; the server's core must be free."""
        message, scheme = os.urandom(_SIGNED_BYTES), ec.ECDSA(SHA256())
        return _repeated(lambda: self._key.sign(message, scheme), seconds, self._core, _AT_ONCE)


class BareHashes:
    """The yardstick of logins: Argon2id at the cost that is set by default, two at a time, on both cores."""

    name = "bare Argon2id hash, two at a time"

    def __init__(self, cores: Cores) -> None:
        self._cores = cores

    def per_second(self, seconds: float) -> float:
        """Measures the rate; both cores must be free."""
        with on(self._cores.server, self._cores.load), ThreadPoolExecutor(2) as threads:
            started_at = time.perf_counter()
            hashed = sum(threads.map(_hash_until, [started_at + seconds] * 2))
            return hashed / (time.perf_counter() - started_at)


class BareReads:
    """The yardstick of reads: one row by its primary key, by the driver alone, one after the other."""

    def __init__(self, cores: Cores, engine: str, database: "SqliteTable | PostgresTable") -> None:
        self.name = f"bare indexed read, {engine}"
        self._core, self._database = cores.server, database

    def per_second(self, seconds: float) -> float:
        """Measures the rate; PostgreSQL itself is on the core of the load."""
        with closing(self._database.connect()) as connection:
            statement, turn = _READ.format(self._database.place), 0

            def read() -> None:
                nonlocal turn
                turn += 1
                row = connection.execute(statement, (turn * _STRIDE % ROWS,)).fetchone()
                assert row is not None

            return _repeated(read, seconds, self._core, _AT_ONCE)


class BareCommits:
    """The yardstick of writes: one row, committed so that a loss of power does not lose it, one after the other."""

    def __init__(self, cores: Cores, engine: str, database: "SqliteTable | PostgresTable") -> None:
        self.name = f"bare durable commit, {engine}"
        self._core, self._database = cores.server, database

    def per_second(self, seconds: float) -> float:
        """Measures the rate."""
        with closing(self._database.connect()) as connection:
            statement, place = _WRITE.format(self._database.place, self._database.place), time.time_ns()

            def write() -> None:
                nonlocal place
                place += 1
                connection.execute(statement, (place, _CONTENT))

            return _repeated(write, seconds, self._core)


class SqliteTable:
    """A table in a file of its own, written as the server's own is."""

    place: Final = "?"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "bare.sqlite"
        with closing(self.connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(_TABLE)
            _fill(connection, self.place)

    def connect(self) -> Any:
        """Opens the file; each statement is a transaction."""
        connection = sqlite3.connect(self._file, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        return connection


class PostgresTable:
    """A table in a database of its own, in the cluster of the others."""

    place: Final = "%s"

    def __init__(self, cluster: postgres.Cluster) -> None:
        self._folder = str(cluster.folder)
        cluster.sql(f"CREATE DATABASE bare OWNER {postgres.OWNER}")
        with closing(self.connect()) as connection:
            connection.execute(_TABLE)
            _fill(connection, self.place)

    def connect(self) -> Any:
        """Connects; each statement is a transaction, and prepared after it came five times."""
        return psycopg.connect(host=self._folder, user=postgres.OWNER, dbname="bare", autocommit=True)


def _fill(connection: Any, place: str) -> None:
    connection.execute("BEGIN")
    connection.cursor().executemany(_WRITE.format(place, place), [(number, _CONTENT) for number in range(ROWS)])
    connection.execute("COMMIT")


def _repeated(act: Callable[[], object], seconds: float, core: int, at_once: int = 1) -> float:
    """Does something again and again on one core, and returns how often a second."""
    with on(core):
        done, started_at = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started_at) < seconds:
            for _ in range(at_once):
                act()
            done += at_once
        return done / elapsed


def _hash_until(ends_at: float) -> int:
    hashed, cost = 0, Cost()
    while time.perf_counter() < ends_at:
        new_hash("mauve tin lorry wharf", cost)
        hashed += 1
    return hashed
