"""A standby is behind the primary: nothing is ever read there, wherever the URL leads (F11)."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rxauth.domain import organizations
from rxauth.storage.database import Database, DatabaseUnavailableError
from rxauth.storage.migrations import migrate
from tests import postgres
from tests.world import NOW

NAME = "clinic"


class Standby:
    """A real standby of a cluster; it logs every statement that it is given."""

    def __init__(self, primary: postgres.Cluster) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rxauth-standby-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._data = str(self.folder / "data")
        copied = ("--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream")
        self._run("pg_basebackup", f"--host={primary.folder}", "--username=postgres", f"--pgdata={self._data}", *copied)
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c log_statement=all -c max_connections=300"
        self._run(
            "pg_ctl", "--pgdata", self._data, "--wait", "--log", f"{self._data}/log", "--options", options, "start"
        )

    def said(self) -> str:
        """Returns its log."""
        return Path(f"{self._data}/log").read_text()

    def sql(self, statement: str) -> object:
        """Asks it something, as the superuser."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname=NAME, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchone()

    def promote(self) -> None:
        """Makes it the primary."""
        self._run("pg_ctl", "--pgdata", self._data, "--wait", "promote")

    def remove(self) -> None:
        """Stops it and removes its data."""
        self._run("pg_ctl", "--pgdata", self._data, "--wait", "--mode", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*postgres.as_postgres(), str(postgres.binaries() / program), *arguments]
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[postgres.Cluster, Standby]]:
    """A primary with an installation, and its standby."""
    primary = postgres.Cluster()
    primary.sql(f"CREATE DATABASE {NAME} OWNER {postgres.OWNER} TEMPLATE template0")
    of = str(primary.folder)
    migrate(postgres.url(of, postgres.OWNER, NAME), postgres.url(of, postgres.SERVING, NAME))
    standby = Standby(primary)
    yield primary, standby
    standby.remove()
    primary.remove()


def test_nothing_is_asked_of_a_standby_and_the_primary_is_found_beside_it(
    pair: tuple[postgres.Cluster, Standby],
) -> None:
    primary, standby = pair
    alone = Database(postgres.url(str(standby.folder), postgres.SERVING, NAME) + "&target_session_attrs=any")
    for run in (alone.read, alone.write):
        with pytest.raises(DatabaseUnavailableError):
            run(organizations.all_of_them)
    alone.close()

    both = Database(f"postgresql://{postgres.SERVING}@/{NAME}?host={standby.folder}&host={primary.folder}")
    made = both.write(lambda tx: organizations.create(tx, "Alder Clinic", NOW))
    assert both.read(organizations.all_of_them) == [made]
    assert "statement: " not in standby.said()
    assert "execute " not in standby.said()

    deadline = time.monotonic() + 60
    while standby.sql("SELECT count(*) FROM organizations") != (1,):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "statement: SELECT count(*)" in standby.said()  # it would have been seen

    primary.stop()
    standby.promote()
    assert both.read(organizations.all_of_them) == [made]  # through a pool whose connections all broke
    assert both.write(lambda tx: organizations.create(tx, "Birch Clinic", NOW)).name == "Birch Clinic"
    both.close()
    primary.start()
