"""A rotation under load: inside the overlap no exchange fails with either secret, and "revoke now" ends one everywhere.

Two server processes share a database. Threads exchange without a pause, with every secret that works and on both
servers, while secrets are made over the API of the one and revoked over that of the other.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.conftest import make_world
from tests.live import Live, Process, credentials, http_client, process, seconds_until
from tests.security.forging import READ, accepted
from tests.token_holders import Holders
from tests.world import StandingClock, Template, World

pytestmark = pytest.mark.proof
ROTATIONS, ALL_ROTATIONS = 2, 24
EACH = 40  # exchanges with either secret, in each overlap
THREADS = 4
BOUND_S = 1.0  # what is promised; a busy machine that runs other tests meanwhile gets more
CREATE = 'mutation { createMachineSecret(name: "Rotated", overlapSeconds: 3600) { id secret } }'
REVOKE = "mutation($id: ID!) { revokeMachineSecret(id: $id) { state } }"


@dataclass(frozen=True)
class Pair:
    """Two servers on one database, and the token of somebody who keeps the machine client's secrets."""

    world: World
    servers: tuple[Process, Process]
    keeper: str

    def ask(self, server: int, document: str, **variables: Any) -> Any:
        """Sends a document to one of the servers; returns the data."""
        headers = {"authorization": f"Bearer {self.keeper}"}
        body = {"query": document, "variables": variables}
        answer = self.servers[server].http.post("/graphql", json=body, headers=headers)
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    def use(self, server: int, token: str) -> httpx.Response:
        """Uses a token at one of the servers."""
        headers = {"authorization": f"Bearer {token}"}
        return self.servers[server].http.post("/graphql", json={"query": READ}, headers=headers)

    def refuses(self, server: int, token: str) -> bool:
        """Tells whether a token is refused at one of the servers."""
        return self.use(server, token).status_code == 401

    def exchange(self, server: int, secret: str) -> httpx.Response:
        """Exchanges a secret at one of the servers."""
        body = credentials(self.world.alder) | {"client_secret": secret}
        return self.servers[server].http.post("/oauth/token", json=body)


@dataclass
class Load:
    """Threads that exchange whatever secrets work. failed: what came of those that failed."""

    pair: Pair
    working: tuple[str, ...]
    failed: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    turns: list[int] = field(default_factory=lambda: [0] * THREADS)

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(THREADS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        server = self.pair.servers[number % 2]
        with http_client(base_url=server.url, timeout=30) as http:
            for turn in itertools.count(number):
                if self._stopping.is_set():
                    return
                working = self.working
                secret = working[turn % len(working)]
                answer = http.post("/oauth/token", json=credentials(self.pair.world.alder) | {"client_secret": secret})
                if answer.status_code != 200:
                    self.failed.append(f"{answer.status_code} {answer.text}")
                self.done[secret] += 1
                self.turns[number] += 1

    def wait_for(self, *secrets: str) -> None:
        """Waits until each of these was exchanged `EACH` times more."""
        goals = {secret: self.done[secret] + EACH for secret in secrets}
        while any(self.done[secret] < goal for secret, goal in goals.items()):
            time.sleep(0.005)

    def retire(self, secret: str) -> None:
        """Uses a secret no more; returns when no exchange with it is under way."""
        self.working = tuple(one for one in self.working if one != secret)
        goals = [turns + 2 for turns in self.turns]
        while any(turns < goal for turns, goal in zip(self.turns, goals, strict=True)):
            time.sleep(0.005)


@pytest.fixture(scope="module")
def pair(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    world = make_world("postgresql", templates, tmp_path_factory)
    live = Live(world, StandingClock(int(time.time())))
    keeper = Holders(live).mighty()
    live.stop()
    with ExitStack() as stack:
        first, second = (stack.enter_context(process(world.settings)) for _ in range(2))
        yield Pair(world, (first, second), keeper)


def test_no_exchange_fails_in_an_overlap_and_what_is_revoked_is_refused_everywhere(pair: Pair, is_whole: bool) -> None:
    current, current_id = pair.world.alder.secret, pair.world.alder.secret_id
    ended_after: list[float] = []
    with Load(pair, (current,)) as load:
        for rotation in range(ALL_ROTATIONS if is_whole else ROTATIONS):
            here, there = rotation % 2, 1 - rotation % 2
            made = pair.ask(here, CREATE)["createMachineSecret"]
            load.working = (current, made["secret"])
            load.wait_for(current, made["secret"])
            token = pair.exchange(there, current).json()["access_token"]
            assert all(accepted(pair.use(server, token)) for server in (0, 1))
            load.retire(current)

            pair.ask(here, REVOKE, id=current_id)
            revoked_at = time.monotonic()
            assert pair.use(here, token).status_code == 401  # at once, where it was done
            assert pair.exchange(here, current).status_code == 401
            ended_after.append(seconds_until(revoked_at, pair.refuses, there, token))
            assert pair.exchange(there, current).status_code == 401
            current, current_id = made["secret"], made["id"]
            load.wait_for(current)
    total = sum(load.done.values())
    print(f"{total} exchanges, {len(load.failed)} failed; ended elsewhere after {max(ended_after):.3f} s at most")
    assert load.failed == []
    assert max(ended_after) < BOUND_S or not is_whole
