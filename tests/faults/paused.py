"""F06 and F07: a server, or the database, stops where it is and goes on later, as if nothing had been."""

import signal
import statistics
import time
from pathlib import Path

from tests.faults import kept
from tests.faults.nodes import Node
from tests.faults.operations import OK, Operation
from tests.faults.planted import HOLD_FILE
from tests.faults.rig import Outcome, Place, Rig

HELD_S = 30.0
PAUSED_S = 10.0
ANSWER_S = 2.0
FREE_S = 12.0  # within which a provider can be locked again whom a stopped server had locked
_PATIENCE_S = 60.0
# Transactions that have a row of a provider locked and ask for nothing.
_STUCK = """SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE state = 'idle in transaction' AND relation = 'provider_authorities'::regclass
    AND now() - state_change > interval '1 s'"""


def run(place: Place) -> Outcome:
    """Runs F06: a server stops in the middle of writing a prescription, with the lock, and goes on after 30 s."""
    hold = place.folder / "hold"
    with Rig(place, "F06", planted=["held"], variables={HOLD_FILE: str(hold)}) as rig:
        with rig.load():
            time.sleep(3)
            hold.touch()
            held = _held(rig)
            rig.inject(f"SIGSTOP of a server while it writes a prescription, for {HELD_S:g} s")
            began = time.monotonic()
            is_locked, free_s = _until_free(rig, began)
            time.sleep(max(0.0, began + HELD_S - time.monotonic()))
            held.signal(signal.SIGCONT)
            recovery_s = rig.recovered(time.monotonic(), ("token", "use"), held.name)
        outcome = rig.outcome("mixed load; a server stops with a provider's lock")
        outcome.figures["recovery"] = f"{recovery_s:.2f} s"
        waited = max(_first_suspension(outcome, one, began) - began for one in rig.clinic.providers)
        outcome.figures["clients who ask servers at random had suspended each provider after"] = f"{waited:.2f} s"
        outcome.figures["the lock was free after"] = f"{free_s:.2f} s"
        if not is_locked:
            outcome.missed.append("the server that stopped had nothing locked")
        if free_s > FREE_S:
            outcome.missed.append(f"a provider was locked for {free_s:.1f} s")
        return outcome


def run_database(place: Place) -> Outcome:
    """Runs F07: every process of PostgreSQL stops, the network does not, and goes on after 10 s."""
    with Rig(place, "F07") as rig:
        spans, recoveries = [], []
        with rig.load():
            for _ in range(2):
                time.sleep(5)
                began = time.monotonic()
                rig.cluster.pause()
                rig.inject(f"SIGSTOP of PostgreSQL for {PAUSED_S:g} s")
                time.sleep(PAUSED_S)
                rig.cluster.resume()
                spans.append((began, time.monotonic()))
                recoveries.append(rig.recovered(spans[-1][1]))
        outcome = rig.outcome(
            "mixed load; PostgreSQL stops and goes on", figures={"recovery": f"{max(recoveries):.2f} s at most"}
        )
        took = [taken for span in spans for taken in _taken(outcome, *span)]
        outcome.figures["answered meanwhile within"] = f"{statistics.median(took):.2f} s, {max(took):.2f} s at most"
        if max(took) > 2 * ANSWER_S:
            outcome.missed.append(f"an answer took {max(took):.1f} s while PostgreSQL stopped")
        return outcome


def _taken(outcome: Outcome, began: float, ended: float) -> list[float]:
    """Returns how long it took to answer what was asked for early enough while nothing could be done."""
    asked = [one for one in outcome.history if began < one.began < ended - 2 * ANSWER_S]
    return [(one.ended or ended) - one.began for one in asked]


def _until_free(rig: Rig, began: float) -> tuple[bool, float]:
    """Waits until somebody else can lock every provider; returns whether one was locked, and how long it took."""
    is_locked = False
    time.sleep(1.5)  # whoever asks for nothing for a second stands still
    with kept.connected(str(rig.cluster.folder), rig.clinic.name) as connection:
        while time.monotonic() < began + HELD_S:
            stuck = connection.execute(_STUCK).fetchone()
            if stuck is not None and stuck[0] == 0:
                break
            is_locked = True
            time.sleep(0.05)
    return is_locked, time.monotonic() - began


def _first_suspension(outcome: Outcome, provider: str, since: float) -> float:
    done = [one for one in outcome.history if _suspends(one, provider) and (one.ended or 0) > since]
    return min((one.ended for one in done if one.ended is not None), default=since + 10 * HELD_S)


def _suspends(one: Operation, provider: str) -> bool:
    return one.kind == "suspend" and one.subject == provider and one.outcome == OK


def _held(rig: Rig) -> Node:
    """Waits until a server has stopped itself; returns it."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for node in rig.nodes.all:
            if _is_stopped(node.process_id):
                return node
        time.sleep(0.05)
    raise TimeoutError("no server stopped: nothing was prescribed")


def _is_stopped(number: int) -> bool:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "T"
