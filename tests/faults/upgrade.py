"""A rolling upgrade and the way back: two versions side by side on one database, which is migrated under load."""

import contextlib
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import rxauth
from rxauth.settings import Settings
from rxauth.storage.latest import latest_revision
from tests.live import Process, credentials, environment, http_client, rxauth_program
from tests.world import World

NEXT_REVISION = "9998"
WRITERS = 4
CREATE = """mutation { createPatient(name: {first: "Under", last: "Way"}, dateOfBirth: "1950-01-01", sex: UNKNOWN,
    phone: "+12025550177") { id name { full } } }"""
READ = "query($id: ID!) { patient(id: $id) { id name { full } } }"
_MIGRATION = f'''"""What the next version adds."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT_REVISION}"
down_revision = "{latest_revision()}"
oldest_server = "{latest_revision()}"


def upgrade() -> None:
    for table in ("patients", "clients", "audit_outbox", "changes"):
        op.add_column(table, sa.Column("of_the_next_version", sa.Text()))
    op.execute("UPDATE patients SET of_the_next_version = 'x' WHERE id IN (SELECT id FROM patients LIMIT 10)")
    op.create_index("ix_patients_of_the_next_version", "patients", ["of_the_next_version"])
'''


def next_version(folder: Path) -> dict[str, str]:
    """Makes a version of rxauth that has one more migration; returns the environment in which that one runs."""
    package = folder / "next" / "rxauth"
    shutil.copytree(Path(rxauth.__file__).parent, package)
    (package / "storage" / "migrations" / "versions" / f"{NEXT_REVISION}_next.py").write_text(_MIGRATION)
    return {"PYTHONPATH": str(package.parent)}


def migrate(settings: Settings, **variables: str) -> str:
    """Runs `rxauth migrate` of some version; returns what it said."""
    done = subprocess.run(
        [rxauth_program(), "migrate"],
        env=environment(settings) | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Load:
    """Clients that write and read through whatever serves, as behind a proxy that takes servers out before they stop.

    made: identifiers of patients whose creation was acknowledged. failures: what was not answered as it should be.
    """

    world: World
    serving: list[Process]
    made: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answers: int = 0
    _choosing: threading.Lock = field(default_factory=threading.Lock)
    _busy: Counter[int] = field(default_factory=Counter)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Puts the load on for the length of a block."""
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def add(self, **variables: str) -> None:
        """Has one more process serve, of the version that the variables choose."""
        self.serving = [*self.serving, Process(self.world.settings, **variables)]

    def take_out_first(self) -> None:
        """Has the oldest process serve no longer, and stops it when nobody has business with it."""
        with self._choosing:
            first, *self.serving = self.serving
        while self._busy[first.port]:
            self._stopping.wait(0.01)
        first.stop()

    def wait_for_answers(self, more: int) -> None:
        """Waits until so many more requests were answered."""
        until = self.answers + more
        while self.answers < until and not self.failures:
            self._stopping.wait(0.01)

    def _work(self, number: int) -> None:
        with http_client(timeout=30) as client:
            while not self._stopping.is_set():
                number += 1
                try:
                    with self._chosen(number) as url:
                        self._once(client, url)
                except Exception as error:
                    self.failures.append(repr(error))

    @contextlib.contextmanager
    def _chosen(self, number: int) -> Iterator[str]:
        with self._choosing:
            chosen = self.serving[number % len(self.serving)]
            self._busy[chosen.port] += 1
        try:
            yield chosen.url
        finally:
            with self._choosing:
                self._busy[chosen.port] -= 1

    def _once(self, client: httpx.Client, url: str) -> None:
        asked = {"grant_type": "client_credentials", **credentials(self.world.alder)}
        token = client.post(f"{url}/oauth/token", data=asked).raise_for_status().json()["access_token"]
        header = {"authorization": f"Bearer {token}"}
        created = client.post(f"{url}/graphql", json={"query": CREATE}, headers=header).raise_for_status().json()
        self.made.append(created["data"]["createPatient"]["id"])
        read = {"query": READ, "variables": {"id": self.made[-1]}}
        shown = client.post(f"{url}/graphql", json=read, headers=header).raise_for_status().json()
        assert shown["data"]["patient"] == created["data"]["createPatient"], shown
        self.answers += 3
