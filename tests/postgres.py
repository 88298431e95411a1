"""A PostgreSQL server of the tests' own: started for a run, on a socket in a temporary folder, thrown away after it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

OWNER = "rxauth_owner"
SERVING = "rxauth_serving"
ACROSS = "rxauth_across"
VARIABLE = "TEST_POSTGRES_SOCKET"
ROLES = (
    f"CREATE ROLE {OWNER} LOGIN CREATEDB",
    f"CREATE ROLE {SERVING} LOGIN",
    f"CREATE ROLE {ACROSS} NOLOGIN",
    f"GRANT {ACROSS} TO {SERVING}, {OWNER}",
)


def binaries() -> Path:
    """Returns the folder of the newest server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: run `make test`, or apt-get install postgresql")
    return found[-1].parent


def as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


class Cluster:
    """One server, with the three roles that an installation has."""

    def __init__(self) -> None:
        # Hundreds of databases that live for a second each: nothing is worth vacuuming, and no page is torn.
        lean = ("autovacuum=off", "full_page_writes=off", "max_wal_size=4GB")
        # Fault runs ask when a transaction committed.
        self._settings = ("fsync=off", "max_connections=300", "track_commit_timestamp=on", *lean)
        self.folder = Path(tempfile.mkdtemp(prefix="rxauth-postgres-"))
        self._binaries = binaries()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--pgdata", self._data, "--auth=trust", "--username=postgres", "--encoding=UTF8")
        self.start()
        for statement in ROLES:
            self.sql(statement)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        """Starts the server; its commits reach the disk, but not the platter: the machine does not lose power here."""
        options = " ".join([f"-k {self.folder} -c listen_addresses=", *(f"-c {one}" for one in self._settings)])
        self._run(
            "pg_ctl", "--pgdata", self._data, "--wait", "--log", f"{self._data}/log", "--options", options, "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stops the server, as a crash would unless told otherwise."""
        self._run("pg_ctl", "--pgdata", self._data, "--wait", "--mode", mode, "stop")

    def remove(self) -> None:
        """Stops the server and removes its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str) -> None:
        """Runs a statement as the superuser."""
        self._run("psql", "--host", str(self.folder), "--username", "postgres", "--quiet", "--command", statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*as_postgres(), str(self._binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


def url(folder: str, role: str, database: str) -> str:
    """Returns the URL of a database of the cluster in `folder`."""
    return f"postgresql://{role}@/{database}?host={folder}"
