"""Kill -9 of the process that delivers: another takes over within ten seconds, loses nothing and keeps the order."""

import dataclasses
import threading
import time
from collections.abc import Callable

import pytest

from rxauth.clock import Clock
from rxauth.domain.leases import LEASE_S
from rxauth.edge.rounds import LOOK_EVERY_S
from tests.live import process
from tests.webhook_receiver import SECRET, Got, Post, Receiver
from tests.world import World

NETWORK = {"RXAUTH_OUTBOUND_NETWORKS": "127.0.0.0/8"}
TAKEN_OVER_WITHIN_S = 10


class LaterClock(Clock):
    """The time at which leases that were taken until now are up."""

    def microseconds(self) -> int:
        """Returns it."""
        return super().microseconds() + (LEASE_S + 1) * 1_000_000


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_a_killed_process_was_delivering_another_delivers(world: World) -> None:
    """The first request is held open until its sender is dead."""
    database, receiver, is_dead = world.open(), Receiver(), threading.Event()
    post = Post(world, Clock(), database)
    post.webhook(receiver.url)

    def judge(_got: Got) -> int:
        is_dead.wait(30)
        return 200

    receiver.judge = judge
    with process(world.settings, **NETWORK) as first:
        for number in range(3):
            post.happen("ord_1", number=number)
        wait_until(lambda: len(receiver.got) == 1)
        assert "webhook_delivered" not in first.kill()
    is_dead.set()
    second = dataclasses.replace(post, clock=LaterClock()).sender()
    second.start()
    wait_until(lambda: len(receiver.got) == 4)
    assert LEASE_S + LOOK_EVERY_S < TAKEN_OVER_WITHIN_S
    second.stop()
    database.close()
    receiver.stop()
    assert [got.event["data"]["number"] for got in receiver.got] == [0, 0, 1, 2]
    assert receiver.got[0].body == receiver.got[1].body
    assert all(got.is_signed_with(SECRET) for got in receiver.got)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits for what happens in another process."""
    deadline = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
