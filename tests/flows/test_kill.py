"""Kill -9 under load: whatever was acknowledged is there afterwards, and the check for it finds a server that lies."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import bindparam, select

from rxauth.domain.audit import Event
from rxauth.settings import Settings
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tenancy import sql
from tests.domain.test_audit import entries
from tests.live import PATIENCE_S, Process, credentials, decode, environment, free_port, http_client
from tests.world import World

ROUNDS = 2
CREATE = """mutation { createPatient(name: {first: "Under", last: "Load"}, dateOfBirth: "1950-01-01", sex: UNKNOWN,
    phone: "+12025550177") { id } }"""
IDS = sql(select(patients.c.id).where(patients.c.organization_id == bindparam("organization_id")))

# The real application, except that it says "kept" of what it will keep a minute later.
PLANTED = """
import asyncio, threading, uvicorn
from rxauth.api.execute import Api
from rxauth.app import make_api, make_server
from rxauth.clock import Clock
from rxauth.edge.audit_group import AuditGroup
from rxauth.edge.context import Edge
from rxauth.edge.routes import application
from rxauth.settings import read
from rxauth.storage.database import Database

class LyingGroup(AuditGroup):
    late = set()
    async def commit(self, row):
        self.late.add(asyncio.create_task(self.commit_later(row)))
    async def commit_later(self, row):
        await asyncio.sleep(60)
        await super().commit(row)

class UndoneError(Exception):
    pass

class LyingDatabase(Database):
    def write(self, work, origin=None, **known):
        results = []
        def undone(transaction):
            results.append(work(transaction))
            raise UndoneError
        try:
            super().write(undone, origin, **known)
        except UndoneError:
            later = threading.Timer(600, super().write, (work, origin), known)
            later.daemon = True
            later.start()
        return results[0]

settings = read()
server = make_server(settings, Clock())
edge = Edge(server, Api(make_api(server).schema, LyingDatabase(settings.database_url), server.clock))
edge.audit = LyingGroup(server.database)
uvicorn.run(application(edge), host=settings.listen_host, port=settings.listen_port, ws="none", log_config=None)
"""


class Planted:
    """The lying server, as a process."""

    def __init__(self, settings: Settings, script: Path) -> None:
        script.write_text(PLANTED)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._popen = subprocess.Popen(
            [sys.executable, script], env=environment(settings) | {"RXAUTH_LISTEN_PORT": str(port)}
        )
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._popen.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/.well-known/jwks.json", timeout=PATIENCE_S).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Ends the process with kill -9."""
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait()


@dataclass
class Acknowledged:
    """What a server said is kept: the identifiers of tokens, and those of patients."""

    tokens: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)


@contextmanager
def load(url: str, world: World) -> Iterator[Acknowledged]:
    """Exchanges tokens and creates patients, each in two threads, until the server is gone."""
    acknowledged = Acknowledged()
    with http_client(base_url=url) as http:
        token = _exchange(http, world)
    acknowledged.tokens.append(decode(token)[1]["jti"])

    def exchange(http: httpx.Client) -> None:
        acknowledged.tokens.append(decode(_exchange(http, world))[1]["jti"])

    def create(http: httpx.Client) -> None:
        answer = http.post("/graphql", json={"query": CREATE}, headers={"authorization": token})
        acknowledged.patients.append(answer.json()["data"]["createPatient"]["id"])

    threads = [threading.Thread(target=_until_gone, args=(url, act)) for act in (exchange, exchange, create, create)]
    for thread in threads:
        thread.start()
    yield acknowledged
    for thread in threads:
        thread.join()


def _until_gone(url: str, act: Callable[[httpx.Client], None]) -> None:
    with http_client(base_url=url, timeout=30) as http:
        try:
            while True:
                act(http)
        except httpx.TransportError:
            return


def _exchange(http: httpx.Client, world: World) -> str:
    answer = http.post("/oauth/token", json=credentials(world.alder))
    assert answer.status_code == 200
    return str(answer.json()["access_token"])


def lost(world: World, acknowledged: Acknowledged) -> Acknowledged:
    """Returns what was acknowledged and is not there: tokens without an audit record, and patients."""
    recorded = {entry["target"] for entry in entries(world, Event.TOKEN_ISSUED)}
    database = world.open()
    rows = database.read(lambda tx: tx.all(IDS, organization_id=world.alder.organization_id))
    database.close()
    kept = {row.id for row in rows}
    return Acknowledged(
        [one for one in acknowledged.tokens if one not in recorded],
        [one for one in acknowledged.patients if one not in kept],
    )


def kill_under_load(server: Process | Planted, world: World) -> Acknowledged:
    """Kills a server at a random moment, once there is something to lose; returns what it had acknowledged."""
    with load(server.url, world) as acknowledged:
        deadline = time.monotonic() + PATIENCE_S
        try:
            while len(acknowledged.tokens) < 20 or len(acknowledged.patients) < 5:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.3))
        finally:
            server.kill()
    return acknowledged


def test_kill_9_under_load_loses_nothing_that_was_acknowledged(world: World) -> None:
    for _ in range(ROUNDS):  # the second round begins on what the first left behind
        acknowledged = kill_under_load(Process(world.settings), world)
        assert lost(world, acknowledged) == Acknowledged()


def test_the_check_finds_a_server_that_answers_before_it_commits(world: World, tmp_path: Path) -> None:
    acknowledged = kill_under_load(Planted(world.settings, tmp_path / "lying.py"), world)
    assert lost(world, acknowledged) == acknowledged
