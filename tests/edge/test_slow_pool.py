"""The pool of slow processes: bounded, and behind everything else."""

import asyncio
import operator
import os
from pathlib import Path

import pytest

from rxauth.edge.slow_pool import PROCESSES, SlowPool
from rxauth.oauth.errors import TemporarilyUnavailableError


@pytest.fixture
def held(tmp_path: Path) -> list[Path]:
    """Pipes, one for each process: whoever reads one is busy until `let_go` is told of it."""
    made = [tmp_path / str(number) for number in range(PROCESSES)]
    for one in made:
        os.mkfifo(one)
    return made


def hold(pool: SlowPool, pipes: list[Path]) -> list[asyncio.Task[bytes]]:
    """Begins work in every process."""
    return [asyncio.create_task(pool.run(Path.read_bytes, one)) for one in pipes]


async def let_go(*pipes: Path) -> None:
    """Has the work of some processes end."""
    for one in pipes:
        await asyncio.to_thread(one.write_bytes, b"done")


def test_slow_work_steps_back_behind_everything_else() -> None:
    async def story() -> int:
        pool = SlowPool()
        found = await pool.run(os.nice, 0)
        pool.close()
        return found

    before = os.nice(0)
    assert asyncio.run(story()) > before
    assert os.nice(0) == before


def test_whoever_comes_to_a_full_queue_is_sent_away_and_those_who_wait_are_served(held: list[Path]) -> None:
    async def story() -> None:
        pool = SlowPool(waiting_limit=3)
        busy = hold(pool, held)
        waiting = [asyncio.create_task(pool.run(operator.add, 1, number)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(TemporarilyUnavailableError):
            await pool.run(os.nice, 0)
        assert not any(one.done() for one in (*busy, *waiting))
        await let_go(*held)
        assert await asyncio.gather(*busy) == [b"done"] * PROCESSES
        assert await asyncio.gather(*waiting) == [1, 2, 3]
        assert await pool.run(os.nice, 0) > 0
        pool.close()

    asyncio.run(story())


def test_who_goes_away_leaves_a_place_and_an_error_reaches_who_waits(held: list[Path]) -> None:
    async def story() -> None:
        pool = SlowPool(waiting_limit=0)
        busy = hold(pool, held)
        await asyncio.sleep(0)
        busy[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await busy[0]
        with pytest.raises(TemporarilyUnavailableError):
            await pool.run(os.nice, 0)  # what was begun still holds its process
        await let_go(*held)
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
