"""`serve --workers`: one that is killed is replaced while the others serve, and a stop loses no answer."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.live import Process, Workers, credentials, environment, free_port, http_client, rxauth_program
from tests.world import World

CLIENTS = 4
PATIENCE_S = 60


@pytest.fixture
def server(world: World) -> Iterator[Process]:
    """A server with two workers."""
    running = Workers(world.settings)
    yield running
    running.stop()


@dataclass
class Load:
    """Clients that ask for tokens, each on one connection after the other. lost: what was asked and never answered."""

    url: str
    body: dict[str, str]
    answered: int = 0
    statuses: set[int] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        """Asks until the load is over, or nobody listens any more."""
        while not self.is_over.is_set():
            with http_client(base_url=self.url, timeout=PATIENCE_S) as http:
                try:
                    self._ask_on(http)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    self.lost.append(repr(error))

    def _ask_on(self, http: httpx.Client) -> None:
        while not self.is_over.is_set():
            answer = http.post("/oauth/token", json=self.body)
            self.statuses.add(answer.status_code)
            self.answered += 1
            if answer.headers.get("connection") == "close":
                return

    def wait_for_more(self, answers: int) -> None:
        """Waits until so many more requests were answered."""
        wanted = self.answered + answers
        eventually(lambda: self.answered >= wanted)


@contextmanager
def load(server: Process, world: World) -> Iterator[Load]:
    """Has clients ask for the length of a block, or as long as there is a server."""
    running = Load(server.url, credentials(world.alder))
    threads = [threading.Thread(target=running.ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield running
    finally:
        running.is_over.set()
        for thread in threads:
            thread.join()


def eventually(is_so: Callable[[], bool]) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children(process_id: int) -> set[int]:
    """Returns the processes that a process has started."""
    return {int(one) for one in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()}


def status(process_id: int, name: str) -> str:
    """Returns what the system says of a process, under a name."""
    [said] = re.findall(rf"^{name}:\t(\w+)", Path(f"/proc/{process_id}/status").read_text(), re.MULTILINE)
    return str(said)


def is_told(process_id: int) -> bool:
    """Tells whether SIGTERM waits for a process that is stopped."""
    return bool(int(status(process_id, "ShdPnd"), 16) & 1 << (signal.SIGTERM - 1))


def events(printed: str, name: str) -> list[dict[str, object]]:
    """Returns the lines of a log that have a name."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def test_a_worker_that_is_killed_is_replaced_while_the_other_serves_and_a_stop_loses_no_answer(
    world: World, server: Process
) -> None:
    before = children(server.process_id)
    assert len(before) == 2
    killed = min(before)
    with load(server, world) as asked:
        asked.wait_for_more(20)
        os.kill(killed, signal.SIGKILL)
        asked.wait_for_more(20)
        eventually(lambda: len(children(server.process_id) - {killed}) == 2)
        asked.wait_for_more(20)
    assert len(asked.lost) <= CLIENTS  # what the killed one was answering
    with load(server, world) as asked:
        asked.wait_for_more(50)
        printed = server.stop()
    assert asked.lost == []
    assert asked.statuses == {200}
    [ended] = events(printed, "worker_ended")
    assert (ended["process_id"], ended["signal"]) == (killed, "SIGKILL")
    assert server.code == 0


def test_workers_end_when_their_supervisor_is_killed(sqlite_world: World) -> None:
    server = Workers(sqlite_world.settings)
    workers = children(server.process_id)
    server.kill()  # and what they print ends, or this would wait for ever
    eventually(lambda: not any(Path(f"/proc/{one}").exists() for one in workers))


def test_a_second_signal_ends_everything_at_once(sqlite_world: World) -> None:
    server = Workers(sqlite_world.settings)
    workers = children(server.process_id)
    for one in workers:
        os.kill(one, signal.SIGSTOP)  # they would end, in good order, in their own time
    eventually(lambda: all(status(one, "State") == "T" for one in workers))
    os.kill(server.process_id, signal.SIGTERM)
    eventually(lambda: all(is_told(one) for one in workers))
    os.kill(server.process_id, signal.SIGTERM)
    server.stop()
    assert not any(Path(f"/proc/{one}").exists() for one in workers)


PLANTED = """
from rxauth.edge.context import Edge

def start(_edge):
    raise ValueError("planted")

Edge.start = start
"""


def test_a_worker_that_cannot_start_ends_the_command_with_a_sentence(sqlite_world: World, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(PLANTED)
    done = subprocess.run(
        [rxauth_program(), "serve", "--workers", "2"],
        env=environment(sqlite_world.settings) | {"PYTHONPATH": str(tmp_path), "RXAUTH_LISTEN_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: a worker could not start."
    assert "planted" in done.stderr
