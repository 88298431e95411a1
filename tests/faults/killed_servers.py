"""F01: kill -9 of a server at random every 200 ms, as long as another one serves."""

import time

from tests.faults.nodes import AGAIN, Node
from tests.faults.rig import Outcome, Place, Rig

EVERY_S = 0.2
_LOOK_S = 0.02


def run(place: Place) -> Outcome:
    """Runs it."""
    with Rig(place, "F01", planted=[AGAIN]) as rig:
        with rig.load():
            over = time.monotonic() + place.seconds
            due = time.monotonic()
            while time.monotonic() < over:
                serving = [node for node in rig.nodes.all if _serves(node)]
                if time.monotonic() >= due and len(serving) > 1:
                    due = time.monotonic() + EVERY_S
                    rig.inject("kill -9 of a server")
                    rig.chance.choice(serving).kill()
                time.sleep(_LOOK_S)
            recovery_s = rig.recovered(time.monotonic())
        return rig.outcome(
            "mixed load on three servers, one of them killed every 0.2 s while another serves",
            figures={"recovery": f"{recovery_s:.2f} s"},
        )


def _serves(node: Node) -> bool:
    """Notes whether a server answers again."""
    if not node.is_serving:
        node.is_serving = node.listens()
    return node.is_serving
