"""F04 and F05: one server and the database hear nothing of each other, or the server hears nothing of the database."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.faults.nodes import Node
from tests.faults.operations import OK, Operation
from tests.faults.rig import DATABASE, Outcome, Place, Rig
from tests.live import http_client

CUT = "as1"
READY_S = 3.0  # within which a server that cannot reach its database says that it is not ready
ANSWER_S = 2.0  # within which it answers what it cannot do
_ASK_S = 0.2


def run(place: Place) -> Outcome:
    """Runs F04: both ways, for a minute unless runs are shorter."""
    return _run(place, "F04", "the way between a server and the database cut", speaks=True, seconds=2 * place.seconds)


def run_one_way(place: Place) -> Outcome:
    """Runs F05: what the server sends arrives, and what the database answers does not."""
    return _run(place, "F05", "the way from the database to a server cut", speaks=False, seconds=place.seconds)


def _run(place: Place, number: str, fault: str, *, speaks: bool, seconds: float) -> Outcome:
    with Rig(place, number) as rig:
        with rig.load():
            time.sleep(3)
            with readiness(rig.nodes[CUT]) as seen:
                rig.network.cut(CUT, speaks=speaks, other=DATABASE)
                rig.inject(fault)
                cut_at = time.monotonic()
                time.sleep(seconds)
                rig.network.mend(CUT)
                mended_at = time.monotonic()
                recovery_s = rig.recovered(mended_at, ("token", "use"), CUT)
        outcome = rig.outcome(
            f"mixed load; {fault} for {seconds:g} s", figures={f"recovery of {CUT}": f"{recovery_s:.2f} s"}
        )
        during = [one for one in outcome.history if cut_at + READY_S < one.began < mended_at - ANSWER_S]
        not_ready_s = min((at - cut_at for at, is_ready in seen if at > cut_at and not is_ready), default=seconds)
        outcome.figures[f"{CUT} not ready after"] = f"{not_ready_s:.2f} s"
        outcome.missed += _more_than(f"{CUT} said that it is not ready after", not_ready_s, READY_S)
        outcome.missed += judge_away(outcome, during, CUT)
        outcome.missed += judge_others(outcome, during, CUT)
        return outcome


def judge_away(outcome: Outcome, during: Sequence[Operation], node: str) -> list[str]:
    """Measures how a server answers that has no database: that it can do nothing, and soon."""
    there = [one for one in during if one.node == node]
    took = [one.ended - one.began for one in there if one.ended is not None]
    prescribed = [one for one in there if one.kind == "prescribe" and one.outcome == OK]
    outcome.figures[f"{node} answered meanwhile within"] = (
        f"{statistics.median(took):.2f} s at the median, {max(took):.2f} s at most" if took else "it was not asked"
    )
    outcome.missed += [f"{node} wrote {len(prescribed)} prescriptions without its database"] if prescribed else []
    return _more_than(f"{node} answered what it could not do after", max(took, default=0), 2 * ANSWER_S)


def judge_others(outcome: Outcome, during: Sequence[Operation], node: str) -> list[str]:
    """Measures whether the others went on."""
    others = [one for one in during if one.node != node and one.status]
    failed = [one for one in others if one.status >= 500]
    outcome.figures["others answered 5xx meanwhile"] = f"{len(failed)} of {len(others)}"
    return [f"the others answered {len(failed)} of {len(others)} with 5xx"] if len(failed) * 50 > len(others) else []


@contextmanager
def readiness(node: Node) -> Iterator[list[tuple[float, bool]]]:
    """Asks a server again and again, as a proxy does, whether it is ready; no answer within 2 s is no."""
    seen: list[tuple[float, bool]] = []

    def work(http: Callable[[], bool]) -> None:
        while not is_over.wait(_ASK_S):
            is_ready = http()
            seen.append((time.monotonic(), is_ready))

    is_over = threading.Event()
    with http_client(base_url=node.url, timeout=2) as client:
        thread = threading.Thread(target=work, args=(lambda: node.answers(client, "/readyz"),))
        thread.start()
        try:
            yield seen
        finally:
            is_over.set()
            thread.join()


def _more_than(what: str, seconds: float, bound_s: float) -> list[str]:
    return [f"{what} {seconds:.2f} s, more than {bound_s:g} s"] if seconds > bound_s else []
