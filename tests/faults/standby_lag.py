"""F11: a standby that is 30 s behind, which every server's URL names first: no decision reads it."""

import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import psycopg

from tests import postgres
from tests.faults.cluster import PORT
from tests.faults.rig import DATABASE, Outcome, Place, Rig

STANDBY: Final = "standby"
LAG_S: Final = 30
ANEW_S: Final = 3.0
_PATIENCE_S: Final = 60
_ASKED: Final = re.compile(r"^(?!postgres@)\w+@.*(statement: |execute )", re.MULTILINE)  # by whomever but the rig
_REFUSED: Final = re.compile(rf"connection authorized: user={postgres.SERVING} ")
_END_CONNECTIONS: Final = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{postgres.SERVING}'"


def run(place: Place) -> Outcome:
    """Runs it: everything that is ended under load is still there for the standby, which is asked first each time."""
    with _Lagging(place, "F11", machines=[STANDBY]) as rig:
        rig.begin()
        with rig.load():
            over = time.monotonic() + place.seconds
            while time.monotonic() < over:
                rig.inject("every connection opened anew")
                rig.cluster.sql(_END_CONNECTIONS)
                rig.recovered(time.monotonic())
                time.sleep(ANEW_S)
            behind = rig.records(DATABASE) - rig.records(STANDBY)
        said = rig.log.read_text()
        asked, reached = len(_ASKED.findall(said)), len(_REFUSED.findall(said))
        is_seen = rig.ask_the_standby() - asked == 2
        outcome = rig.outcome(
            f"mixed load on three servers whose URL names the standby first; it applies what it hears {LAG_S} s later",
            figures={
                "audit records that the standby lacked": str(behind),
                "connections that servers began there and gave up": str(reached),
                "statements that servers ran there": str(asked),
            },
        )
        if behind == 0 or reached == 0:
            outcome.missed.append("the standby was not behind, or nobody tried it")
        if not is_seen:
            outcome.missed.append("what a server asks the standby is not in its log")
        if asked:
            outcome.missed.append(f"servers ran {asked} statements on the standby")
        return outcome


class _Lagging(Rig):
    """A primary, and a standby that puts off what it hears and logs whatever it is asked."""

    def prepare(self) -> None:
        """Has servers know the standby first."""
        addresses = [self.network.addresses[name] for name in (STANDBY, DATABASE)]
        hosts = "&".join(f"host={one}:{PORT}" for one in addresses)
        self._changes = {"database_url": f"postgresql://{postgres.SERVING}@/{self.place.clinic.name}?{hosts}"}
        self.log = self.place.results / f"{self.number}-{STANDBY}.log"

    def begin(self) -> None:
        """Copies the primary and starts the standby."""
        self._data = self.folder / STANDBY
        self._data.mkdir(mode=0o700)
        subprocess.run(["chown", "postgres:postgres", str(self._data)], check=True)
        primary = self.network.addresses[DATABASE]
        copied = ("--username=postgres", "--write-recovery-conf", "--checkpoint=fast", f"--pgdata={self._data}")
        self._run("pg_basebackup", f"--host={primary}", *copied).wait()
        settings = (
            *(f"unix_socket_directories={self._data}", f"listen_addresses={self.network.addresses[STANDBY]}"),
            *(f"port={PORT}", f"recovery_min_apply_delay={LAG_S}s", "max_connections=200", "track_commit_timestamp=on"),
            *("log_statement=all", "log_connections=on", "log_line_prefix=%u@%d "),
        )
        server = self._run("postgres", "-D", str(self._data), *(part for one in settings for part in ("-c", one)))
        self.undo(self._end, server)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the standby does not start: {self.log.read_text()[-1000:]}")
            time.sleep(0.1)

    def records(self, machine: str) -> int:
        """Counts the audit records that a machine shows."""
        with self._connected(self._data if machine == STANDBY else self.cluster.folder) as connection:
            [[number]] = connection.execute("SELECT count(*) FROM audit_outbox").fetchall()
        return int(number)

    def ask_the_standby(self) -> int:
        """Asks the standby as a server would, in both ways that there are; returns how many statements its log has."""
        address = self.network.addresses[STANDBY]
        with psycopg.connect(
            f"host={address} port={PORT} user={postgres.SERVING} dbname={self.clinic.name}", autocommit=True
        ) as connection:
            connection.execute("SELECT 1")
            connection.execute("SELECT 1", prepare=True)
        return len(_ASKED.findall(self.log.read_text()))

    def _connected(self, socket: Path) -> "psycopg.Connection[Any]":
        return psycopg.connect(f"host={socket} user=postgres dbname={self.clinic.name}", autocommit=True)

    def _answers(self) -> bool:
        try:
            self._connected(self._data).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [*self.network.inside(STANDBY), *postgres.as_postgres(), str(postgres.binaries() / program)]
        with self.log.open("ab") as log:
            return subprocess.Popen([*command, *arguments], stdout=log, stderr=subprocess.STDOUT, cwd="/")

    def _end(self, server: "subprocess.Popen[bytes]") -> None:
        server.send_signal(signal.SIGQUIT)
        server.wait()
