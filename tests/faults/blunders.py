"""F20: bugs that are planted in servers, each of which the checkers must see."""

import time

from tests.faults.rig import Outcome, Place, Rig

# Each bug, and what a checker says of it.
BUGS = {
    "read-then-write": "was accepted 2 times",
    "unlocked": "committed after authority had been taken",
    "remembered": "after its end was acknowledged",
    "unrecorded": "is recorded 0 times",
}


def run(place: Place) -> Outcome:
    """Runs it: every bug in a rig of its own."""
    whole = Outcome("mixed load on servers with a bug each; the checkers must see every one")
    for bug, expected in BUGS.items():
        found = _of(place, bug)
        seen = [one for one in found.lost if expected in one]
        whole.injected[f"the bug {bug}"] += 1
        whole.history = (*whole.history, *found.history)
        whole.lost += seen[:1]
        whole.figures[f"{bug}, seen"] = f"{len(seen)} times"
        if not seen:
            whole.missed.append(f"the checkers did not see {bug}: {found.lost[:3]}")
    return whole


def _of(place: Place, bug: str) -> Outcome:
    with Rig(place, f"F20-{bug}", planted=[bug], servers=("as1", "as2")) as rig:
        with rig.load():
            time.sleep(min(place.seconds, 12.0))
        return rig.outcome(bug)
