"""PostgreSQL gone, or standing still: what needs nothing of it goes on, the rest is refused, and it ends by itself."""

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import patience, postgres
from tests.live import Live, credentials
from tests.world import StandingClock, Template, World

NEEDS_NO_DATABASE = "mutation { __typename }"
READ = "{ patients { id } }"
CREATE = """mutation { createPatient(name: {first: "Out", last: "Age"}, dateOfBirth: "1950-01-01", sex: UNKNOWN,
    phone: "+12025550177") { id } }"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[postgres.Cluster]:
    """A PostgreSQL server that nobody else uses."""
    made = postgres.Cluster()
    monkeypatch.setenv(postgres.VARIABLE, str(made.folder))
    yield made
    made.remove()


@pytest.fixture
def served(cluster: postgres.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A server on it, as patient as in service, which may go on for a minute without it."""
    patience.have(*patience.IN_SERVICE, monkeypatch.setattr)
    world = Template(tmp_path, "postgresql").copy()
    world = dataclasses.replace(world, settings=dataclasses.replace(world.settings, staleness_bound_s=60))
    running = Live(world, StandingClock(int(time.time())))
    yield running
    running.stop()


@contextmanager
def stopped(cluster: postgres.Cluster) -> Iterator[None]:
    """Stops PostgreSQL at once, as a crash would, for the length of a block."""
    cluster.stop("immediate")
    yield
    cluster.start()


@contextmanager
def standing_still(cluster: postgres.Cluster) -> Iterator[None]:
    """Stops every process of PostgreSQL where it is, for the length of a block; its connections stay open."""
    postmaster = int((cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    processes = [postmaster, *map(int, children)]
    for one in processes:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in processes:
            os.kill(one, signal.SIGCONT)


def ask(live: Live, token: str) -> list[httpx.Response]:
    """Asks for all that the database has to answer, at once and several times: all must be answered."""
    with ThreadPoolExecutor(12) as threads:
        asked = []
        for _ in range(4):
            asked.append(threads.submit(live.exchange, live.world.alder))
            asked.append(threads.submit(live.graphql, token, READ))
            asked.append(threads.submit(live.graphql, token, CREATE))
        return [one.result() for one in asked]


@pytest.mark.parametrize("how", [stopped, standing_still])
def test_an_outage_is_refused_and_ends_by_itself(cluster: postgres.Cluster, served: Live, how: object) -> None:
    token = served.token(served.world.alder)
    assert {answer.status_code for answer in ask(served, token)} == {200}
    with how(cluster):  # type: ignore[operator]
        for answer in ask(served, token):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
        for path in ("/.well-known/jwks.json", "/.well-known/openid-configuration"):
            assert served.http.get(path).status_code == 200
        assert served.data(token, NEEDS_NO_DATABASE) == {"__typename": "Mutation"}
        assert introspected(served, served.world, token)["active"] is True
        assert served.http.get("/readyz").json()["problems"] == ["database"]
    deadline = time.monotonic() + 30
    while {answer.status_code for answer in ask(served, token)} != {200}:
        assert time.monotonic() < deadline
    assert served.http.get("/readyz").status_code == 200


def introspected(live: Live, world: World, token: str) -> dict[str, object]:
    """Returns what an organization's backend is told of a token."""
    asked = credentials(world.alder)
    form = {"client_id": asked["client_id"], "client_secret": asked["client_secret"], "token": token}
    answer = live.http.post("/oauth/introspect", data=form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
