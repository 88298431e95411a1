"""F02 and F19: PostgreSQL killed again and again; and the same where commits are not durable, which must show."""

import signal
import statistics
import time

from tests.faults.rig import Outcome, Place, Rig

EVERY_S = 5.0
CARELESS_KILLS = 10  # what others keep durably saves what came before it: a kill may find nothing to lose


def run(place: Place) -> Outcome:
    """Runs F02: kill -9 of every process of the server, and immediate stops, in turn."""
    with Rig(place, "F02") as rig:
        recoveries = _kills(rig, place.seconds)
        return rig.outcome(
            "mixed load on three servers, PostgreSQL killed every 5 s and started again",
            figures={"recovery": _summed_up(recoveries)},
        )


def run_careless(place: Place) -> Outcome:
    """Runs F19: servers that do not wait for the disk, and a server that writes to it seldom."""
    with Rig(place, "F19", planted=["not-durable"], settings=["wal_writer_delay=10s"]) as rig:
        with rig.load():
            for number in range(CARELESS_KILLS):
                time.sleep(EVERY_S / 2)
                _kill(rig, number)
                if _is_something_gone(rig):
                    break
        return rig.outcome("F02 with synchronous_commit=off and wal_writer_delay=10s: the checkers must see the loss")


def _kills(rig: Rig, seconds: float) -> list[float]:
    recoveries: list[float] = []
    with rig.load():
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            time.sleep(EVERY_S)
            recoveries.append(_kill(rig, len(recoveries)))
    return recoveries


def _kill(rig: Rig, number: int) -> float:
    if number % 2:
        rig.inject("immediate stop of PostgreSQL")
        rig.cluster.stop(signal.SIGQUIT)
    else:
        rig.inject("kill -9 of PostgreSQL")
        rig.cluster.kill()
    rig.cluster.start()
    return rig.recovered(time.monotonic())


def _is_something_gone(rig: Rig) -> bool:
    return any(one.endswith(("is not there", "is recorded 0 times")) for one in rig.violations(rig.recorder.history()))


def _summed_up(seconds: list[float]) -> str:
    return f"{max(seconds):.2f} s at most, {statistics.median(seconds):.2f} s at the median"
