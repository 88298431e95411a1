"""Regular work: it goes on whatever fails, looks when it is woken, and ends when it is told."""

import threading
from collections.abc import Callable

from rxauth.regular_work import RegularWork

LONG_S = 600
LIMIT_S = 30


class Counted:
    """Work that counts its looks. fails: which of them, from 1 on, fails."""

    def __init__(self, *, fails: int = 0, rests_first: bool = False) -> None:
        self.looks = 0
        self.failures: list[Exception] = []
        self._fails = fails
        self._looked = threading.Condition()
        self.work = RegularWork("counted", LONG_S, self._look, self.failures.append, rests_first=rests_first)

    def wait_for(self, looks: int) -> None:
        """Waits until it has looked so often."""
        with self._looked:
            assert self._looked.wait_for(lambda: self.looks >= looks, LIMIT_S)

    def _look(self) -> None:
        with self._looked:
            self.looks += 1
            self._looked.notify_all()
        if self.looks == self._fails:
            raise ValueError


def _ended(work: RegularWork, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    work.start()
    try:
        meanwhile()
    finally:
        work.stop()
    assert work.is_over


def test_it_looks_at_once_and_again_when_it_is_woken_although_a_look_failed() -> None:
    counted = Counted(fails=1)

    def wake() -> None:
        counted.wait_for(1)
        counted.work.wake()
        counted.wait_for(2)

    _ended(counted.work, meanwhile=wake)

    assert counted.looks == 2
    assert [type(one) for one in counted.failures] == [ValueError]


def test_what_rests_first_looks_no_more_once_it_is_over() -> None:
    counted = Counted(rests_first=True)

    _ended(counted.work)

    assert counted.looks == 0


def test_what_was_never_started_is_over_when_it_is_told() -> None:
    counted = Counted()

    counted.work.stop()
    counted.work.rest(LONG_S)

    assert counted.work.is_over
