"""F14: servers replaced one by one by a newer version, and by the old one again; the tables migrated under load."""

import time
from collections.abc import Mapping

from tests.faults.operations import INFO
from tests.faults.rig import Outcome, Place, Rig
from tests.faults.upgrade import NEXT_REVISION, migrate, next_version

_LOOK_S = 0.02
_SETTLED_S = 0.5


class _Rolling(Rig):
    """Servers behind a proxy that sends nothing to one that is about to stop."""

    def urls(self) -> Mapping[str, str]:
        """Returns where the servers are that take requests."""
        return {node.name: node.url for node in self.nodes.all if node.is_serving}

    def replace(self, name: str, **variables: str) -> None:
        """Takes a server out, stops it when nobody waits for it, and starts another version in its place."""
        before = self.nodes[name]
        before.is_serving = False
        time.sleep(_SETTLED_S)  # a client that chose it just now has sent by then
        while any(one.node == name and one.ended is None for one in self.recorder.history()):
            time.sleep(_LOOK_S)
        before.stop()
        after = self.node(name, **variables)
        self.nodes.all[self.nodes.all.index(before)] = after
        after.start()


def run(place: Place) -> Outcome:
    """Runs it: all servers to the next version and back, again and again, for as long as a fault goes on."""
    with _Rolling(place, "F14") as rig:
        newer = next_version(rig.folder)
        with rig.load():
            over = time.monotonic() + place.seconds
            assert NEXT_REVISION in migrate(rig.clinic.settings, **newer)
            rig.inject("migration under load")
            while rig.injected["return to the old version"] == 0 or time.monotonic() < over:
                for what, variables in (("upgrade", newer), ("return to the old version", {})):
                    for node in list(rig.nodes.all):
                        rig.replace(node.name, **variables)
                    rig.inject(what)
            rig.recovered(time.monotonic())
        outcome = rig.outcome("mixed load while the tables are migrated, every server upgraded, and put back again")
        unanswered = [one for one in outcome.history if one.outcome == INFO or one.status == 0]
        outcome.missed += [f"{one.kind} at {one.node}: status {one.status}" for one in unanswered]
        return outcome
