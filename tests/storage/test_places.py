"""Places: as many threads as there are connections at once, and none that waits for ever."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rxauth.storage.places import PATIENCE_S, NoPlaceError, Places, _Waiter

LONG_S = 60


@contextmanager
def holder(places: Places) -> Iterator[threading.Event]:
    """Holds a place in another thread until the event is set, or the block ends."""
    holds, ends = threading.Event(), threading.Event()

    def hold() -> None:
        with places.take(LONG_S):
            holds.set()
            ends.wait(LONG_S)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(LONG_S)
    try:
        yield ends
    finally:
        ends.set()
        thread.join()


def waiting(places: Places) -> int:
    """Counts the threads that wait."""
    return len(places._waiting)


def until_waiting(places: Places, threads: int) -> None:
    """Waits until so many threads wait."""
    while waiting(places) < threads:
        time.sleep(0.001)


def test_whoever_finds_no_place_in_time_is_told_so_and_leaves_no_trace() -> None:
    places = Places(1)
    with holder(places):
        with pytest.raises(NoPlaceError), places.take(0.01):
            pass
        assert waiting(places) == 0

    with places.take(0.01):
        pass


def test_who_has_waited_long_comes_before_whoever_is_quicker() -> None:
    """The thread that leaves asks again at once, and would find the place free before the other wakes up."""
    places, order, asked = Places(1), [], threading.Event()

    def patient() -> None:
        asked.set()
        with places.take(LONG_S):
            order.append("patient")

    thread = threading.Thread(target=patient)
    with places.take(LONG_S):
        thread.start()
        asked.wait()
        until_waiting(places, 1)
        places._waiting[0].since -= PATIENCE_S
    with places.take(LONG_S):
        order.append("quick")
    thread.join()

    assert order == ["patient", "quick"]


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_threads_than_places_and_every_one_gets_its_turn(limit: int) -> None:
    places, changing = Places(limit), threading.Lock()
    inside, most, done = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, done
        for _ in range(200):
            with places.take(LONG_S):
                with changing:
                    inside, most = inside + 1, max(most, inside + 1)
                with changing:
                    inside, done = inside - 1, done + 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert done == 1_600
    assert most <= limit
    assert waiting(places) == 0


def test_two_places_that_are_left_at_once_wake_two() -> None:
    places, got = Places(2), threading.Semaphore(0)

    def work() -> None:
        with places.take(LONG_S):
            got.release()
            both.wait(LONG_S)

    both = threading.Barrier(2)
    threads = [threading.Thread(target=work) for _ in range(2)]
    with holder(places) as one, holder(places) as other:
        for thread in threads:
            thread.start()
        until_waiting(places, 2)
        with places._changing:  # whoever wakes up first finds both of them free
            one.set()
            other.set()
        assert got.acquire(timeout=LONG_S)
        assert got.acquire(timeout=LONG_S)
    for thread in threads:
        thread.join()


def test_a_block_that_fails_gives_its_place_back() -> None:
    places = Places(1)
    with pytest.raises(KeyError), places.take(LONG_S):
        raise KeyError

    with places.take(0.01):
        pass


def test_who_was_woken_and_has_not_run_since_gets_the_next_place() -> None:
    """On a busy machine: a quicker thread took the place that it was woken for, and held it for long."""
    places = Places(1)
    woken = _Waiter(time.monotonic() - 2 * PATIENCE_S)
    places._waiting.append(woken)

    with places.take(LONG_S):
        pass

    assert woken.has_turn
