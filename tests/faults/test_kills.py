"""A slice of the kills, on each engine; and the checks see a process that says of an act too early that it is kept."""

import time

from tests.faults.kills import Killing
from tests.world import World

KILLS = 12


def test_nothing_that_was_acknowledged_is_lost_when_processes_are_killed(world: World) -> None:
    came = Killing(world, "slice").kill(KILLS)
    assert came.lost == []
    assert came.kills >= KILLS
    assert came.acts.total() > 0


def test_the_checks_see_a_process_that_lies(sqlite_world: World) -> None:
    killing, until = Killing(sqlite_world, "lies", is_lying=True), time.monotonic() + 60
    while not any("has no record" in one for one in killing.round.lost):
        assert time.monotonic() < until, killing.round
        killing.kill(killing.round.kills + KILLS)
