"""PostgreSQL as an installation runs it, on a machine of the network: its commits are durable, and it can be killed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg

from tests import postgres

PORT: Final = 5432
_PATIENCE_S: Final = 120
# Fault runs ask when a transaction committed. Nothing else is other than PostgreSQL comes with.
SETTINGS: Final = ("track_commit_timestamp=on", "max_connections=200")


class Cluster:
    """One server, on a copy of `data`, or on a new cluster with the three roles that an installation has.

    inside: what its commands begin with. address: where it listens, None: only on its socket.
    """

    def __init__(
        self,
        folder: Path,
        data: Path | None = None,
        *,
        inside: Sequence[str] = (),
        address: str | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._inside = list(inside)
        self._address = address
        self._settings = (*SETTINGS, *settings)
        self._popen: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        if data is None:
            self._initialize()
        else:
            self._as_postgres("cp", "--archive", str(data), str(self.data))
            self.start()

    def start(self) -> None:
        """Starts the server and waits until it can be used."""
        self.begin()
        deadline = time.monotonic() + _PATIENCE_S
        while not self.answers():
            if self._popen is None or self._popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def begin(self) -> None:
        """Starts the server."""
        command = [*self._inside, *postgres.as_postgres(), str(postgres.binaries() / "postgres")]
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*command, "-D", str(self.data), *self._options()], stdout=log, stderr=subprocess.STDOUT, cwd="/"
            )

    def answers(self) -> bool:
        """Tells whether the server takes connections."""
        try:
            psycopg.connect(f"host={self.folder} user=postgres dbname=postgres connect_timeout=2").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, sent: signal.Signals = signal.SIGINT) -> None:
        """Stops the server: fast, or as another signal asks it to (SIGQUIT: immediately)."""
        if self._popen is not None:
            self._popen.send_signal(sent)
            self._popen.wait()

    def kill(self) -> None:
        """Ends the postmaster with kill -9, and then what it had started; returns when all of it is gone."""
        while numbers := self.process_ids():
            for number in numbers:
                _send(number, signal.SIGKILL)
            time.sleep(0.01)
        if self._popen is not None:
            self._popen.wait()  # as long as somebody could ask for it, a new postmaster believes that it runs

    def pause(self) -> None:
        """Stops every process of the server with SIGSTOP, the postmaster first."""
        for number in self.process_ids():
            _send(number, signal.SIGSTOP)

    def resume(self) -> None:
        """Has them go on."""
        for number in reversed(self.process_ids()):
            _send(number, signal.SIGCONT)

    def is_running(self) -> bool:
        """Tells whether there is a postmaster."""
        return bool(self.process_ids())

    def process_ids(self) -> list[int]:
        """Returns the numbers of the server's processes, the postmaster's first: those that work in its folder."""
        return sorted(int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cwd") if _leads_to(path, self.data))

    def sql(self, statement: str) -> None:
        """Runs a statement as the superuser."""
        program = str(postgres.binaries() / "psql")
        self._as_postgres(program, "--host", str(self.folder), "--username", "postgres", "--command", statement)

    def back_up(self, folder: Path) -> None:
        """Copies the database while it is used, with what of its log is needed to use the copy."""
        program = str(postgres.binaries() / "pg_basebackup")
        self._as_postgres(
            *(program, "--pgdata", str(folder), "--host", str(self.folder), "--username", "postgres"),
            *("--checkpoint=fast", "--wal-method=fetch"),
        )

    def put_back(self, backup: Path, recovery: Mapping[str, str]) -> None:
        """Starts the server on a backup, and returns when it has recovered what it is told to, and takes writes."""
        shutil.rmtree(self.data)
        self._as_postgres("cp", "--archive", str(backup), str(self.data))
        self._as_postgres("touch", str(self.data / "recovery.signal"))
        before, self._settings = self._settings, (*self._settings, *(f"{one}={what}" for one, what in recovery.items()))
        self.start()
        self._settings = before
        while not self._takes_writes():
            time.sleep(0.05)

    def remove(self) -> None:
        """Stops the server and removes its data."""
        if self.is_running():
            self.resume()
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialize(self) -> None:
        program = str(postgres.binaries() / "initdb")
        self._as_postgres(
            *(program, "--pgdata", str(self.data), "--auth=trust", "--username=postgres", "--encoding=UTF8")
        )
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write("host all all 10.0.0.0/8 trust\nhost replication all 10.0.0.0/8 trust\n")
        self.start()
        for statement in postgres.ROLES:
            self.sql(statement)

    def _takes_writes(self) -> bool:
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres") as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)

    def _options(self) -> list[str]:
        listening = "listen_addresses=" + ("" if self._address is None else self._address)
        chosen = (f"unix_socket_directories={self.folder}", f"port={PORT}", listening, *self._settings)
        return [part for one in chosen for part in ("-c", one)]

    def _as_postgres(self, *command: str) -> None:
        whole = [*self._inside, *postgres.as_postgres(), *command]
        # A server keeps what it is given to write to: not a pipe that somebody waits for.
        done = subprocess.run(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr}")


def _send(number: int, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, sent)


def _leads_to(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False  # it is gone, or a zombie
