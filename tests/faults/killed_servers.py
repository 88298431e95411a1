"""F01: kill -9 of a server at random every 200 ms, as long as another one serves.

It serves when it has answered since it was killed last. One that only listens may take another second to answer on a
busy machine: all three would be killed before that, one after the other, and nobody would serve.
"""

import time

from tests.faults.nodes import AGAIN
from tests.faults.rig import Outcome, Place, Rig

EVERY_S = 0.2
_LOOK_S = 0.02


def run(place: Place) -> Outcome:
    """Runs it."""
    with Rig(place, "F01", planted=[AGAIN]) as rig:
        with rig.load():
            over = time.monotonic() + place.seconds
            due = time.monotonic()
            killed = dict.fromkeys((node.name for node in rig.nodes.all), due)
            while time.monotonic() < over:
                serving = [node for node in rig.nodes.all if rig.recorder.last_success(node.name) > killed[node.name]]
                if time.monotonic() >= due and len(serving) > 1:
                    due = time.monotonic() + EVERY_S
                    rig.inject("kill -9 of a server")
                    node = rig.chance.choice(serving)
                    node.kill()
                    killed[node.name] = time.monotonic()
                time.sleep(_LOOK_S)
            recovery_s = rig.recovered(time.monotonic())
        return rig.outcome(
            "mixed load on three servers, one of them killed every 0.2 s while another serves",
            figures={"recovery": f"{recovery_s:.2f} s"},
        )
