"""The pool of slow threads: bounded, and behind everything else."""

import asyncio
import os
import threading

import pytest

from rxauth.edge.slow_pool import THREADS, SlowPool
from rxauth.oauth.errors import TemporarilyUnavailableError


def niceness() -> int:
    """Returns the priority of the thread that asks."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_slow_work_steps_back_behind_everything_else() -> None:
    async def story() -> int:
        pool = SlowPool()
        found = await pool.run(niceness)
        pool.close()
        return found

    before = niceness()
    assert asyncio.run(story()) > before
    assert niceness() == before


def test_whoever_comes_to_a_full_queue_is_sent_away_and_those_who_wait_are_served() -> None:
    async def story() -> None:
        pool, go = SlowPool(waiting_limit=3), threading.Event()
        waiting = [asyncio.create_task(pool.run(go.wait, 30)) for _ in range(THREADS + 3)]
        await asyncio.sleep(0)
        with pytest.raises(TemporarilyUnavailableError):
            await pool.run(niceness)
        go.set()
        assert await asyncio.gather(*waiting) == [True] * len(waiting)
        assert await pool.run(niceness) > 0
        pool.close()

    asyncio.run(story())


def test_who_goes_away_leaves_a_place_and_an_error_reaches_who_waits() -> None:
    async def story() -> None:
        pool, go = SlowPool(waiting_limit=0), threading.Event()
        busy = [asyncio.create_task(pool.run(go.wait, 30)) for _ in range(THREADS)]
        await asyncio.sleep(0)
        busy[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await busy[0]
        with pytest.raises(TemporarilyUnavailableError):
            await pool.run(niceness)  # what was begun still holds its thread
        go.set()
        await busy[1]
        while True:
            try:
                with pytest.raises(ZeroDivisionError):
                    await pool.run(lambda: 1 // 0)
                break
            except TemporarilyUnavailableError:
                await asyncio.sleep(0)
        pool.close()

    asyncio.run(story())
