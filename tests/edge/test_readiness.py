"""Whether a process says that it may be sent requests, and what it names when it may not."""

import time
from collections.abc import Iterator

import pytest

from rxauth.domain.readiness import CLOCK_BOUND_S
from tests.edge.test_metrics import away
from tests.live import Live
from tests.world import StandingClock, World


@pytest.fixture
def ready(world: World) -> Iterator[Live]:
    """A server whose clock shows the time, on each engine."""
    running = Live(world, StandingClock(int(time.time())))
    yield running
    running.let_go()


def test_a_process_is_ready_while_its_clock_is_within_five_minutes_of_the_database_s(ready: Live) -> None:
    """L-06. Ten seconds are left for the test itself."""
    assert (answer := ready.http.get("/readyz")).status_code == 200
    assert answer.json() == {"status": "ready"}

    for moved in (CLOCK_BOUND_S - 10, -2 * (CLOCK_BOUND_S - 10)):
        ready.clock.advance(moved)
        assert ready.http.get("/readyz").status_code == 200


@pytest.mark.parametrize("off_s", [600, -600, CLOCK_BOUND_S + 10])
def test_a_process_whose_clock_is_off_is_not_ready(ready: Live, off_s: int) -> None:
    """L-06: ten minutes off, either way."""
    ready.clock.advance(off_s)
    answer = ready.http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not_ready", "problems": ["clock"]}
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"


def test_a_process_that_has_not_heard_from_its_database_is_not_ready(ready: Live) -> None:
    ready.server.feed.stop()
    object.__setattr__(ready.server.feed, "_bound_s", -1.0)

    assert ready.http.get("/readyz").json()["problems"] == ["change_feed"]


def test_a_process_lives_whatever_its_clock_and_its_database_do(ready: Live) -> None:
    ready.clock.advance(86_400)
    ready.server.feed.stop()
    with away(ready.server.database):
        assert ready.http.get("/readyz").status_code == 503
        answer = ready.http.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_only_reading_is_answered(ready: Live) -> None:
    assert ready.http.head("/healthz").status_code == 200
    assert ready.http.post("/healthz").status_code == 405
    assert ready.http.head("/readyz").status_code == 200
    assert ready.http.post("/readyz").status_code == 405
