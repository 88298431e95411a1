"""F20: bugs that are planted in servers, each of which the checkers must see."""

import time

from tests.faults.rig import Outcome, Place, Rig

# Each bug, and what a checker says of it.
BUGS = {
    "read-then-write": ("was accepted 2 times",),
    "unlocked": ("committed after authority had been taken",),
    "remembered": ("after its end was acknowledged", "committed after authority had been taken"),
    "unrecorded": ("is recorded 0 times",),
}
_LOOK_S = 2.0


def run(place: Place) -> Outcome:
    """Runs it: every bug in a rig of its own, until the checkers see it, and no longer than a fault goes on."""
    whole = Outcome("mixed load on servers with a bug each; the checkers must see every one")
    for bug, expected in BUGS.items():
        found = _of(place, bug)
        seen = _said(found.lost, expected)
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
            over = time.monotonic() + place.seconds
            while time.monotonic() < over and not _said(rig.violations(rig.recorder.history()), BUGS[bug]):
                time.sleep(_LOOK_S)
        return rig.outcome(bug)


def _said(violations: list[str], expected: tuple[str, ...]) -> list[str]:
    return [one for one in violations if any(words in one for words in expected)]
