"""The pool of slow processes: bounded, and behind everything else."""

import asyncio
import operator
import os
import time

import pytest

from rxauth.edge.slow_pool import PROCESSES, SlowPool
from rxauth.oauth.errors import TemporarilyUnavailableError

SLOW_S = 0.3


def test_slow_work_steps_back_behind_everything_else() -> None:
    async def story() -> int:
        pool = SlowPool()
        found = await pool.run(os.nice, 0)
        pool.close()
        return found

    before = os.nice(0)
    assert asyncio.run(story()) > before
    assert os.nice(0) == before


def test_whoever_comes_to_a_full_queue_is_sent_away_and_those_who_wait_are_served() -> None:
    async def story() -> None:
        pool = SlowPool(waiting_limit=3)
        waiting = [asyncio.create_task(pool.run(time.sleep, SLOW_S)) for _ in range(PROCESSES + 3)]
        await asyncio.sleep(0)
        with pytest.raises(TemporarilyUnavailableError):
            await pool.run(os.nice, 0)
        assert await asyncio.gather(*waiting) == [None] * len(waiting)
        assert await pool.run(os.nice, 0) > 0
        pool.close()

    asyncio.run(story())


def test_who_goes_away_leaves_a_place_and_an_error_reaches_who_waits() -> None:
    async def story() -> None:
        pool = SlowPool(waiting_limit=0)
        busy = [asyncio.create_task(pool.run(time.sleep, SLOW_S)) for _ in range(PROCESSES)]
        await asyncio.sleep(0)
        busy[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await busy[0]
        with pytest.raises(TemporarilyUnavailableError):
            await pool.run(os.nice, 0)  # what was begun still holds its process
        await busy[1]
        while True:
            try:
                with pytest.raises(ZeroDivisionError):
                    await pool.run(operator.floordiv, 1, 0)
                break
            except TemporarilyUnavailableError:
                await asyncio.sleep(0.01)
        pool.close()

    asyncio.run(story())
