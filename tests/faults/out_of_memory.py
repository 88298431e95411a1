"""F16: a server takes more memory than it may have, and the kernel kills it; another comes in its place."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.nodes import AGAIN, Node
from tests.faults.planted import GREED_FILE
from tests.faults.rig import Outcome, Place, Rig

LIMIT_BYTES = 400 << 20
EVERY_S = 5.0
_GROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)


def run(place: Place) -> Outcome:
    """Runs it: each server in turn, in a group of processes whose memory has a limit."""
    greed = place.folder / "greed"
    greed.write_text("")
    with Rig(place, "F16", planted=["greedy", AGAIN], variables={GREED_FILE: str(greed)}) as rig:
        recoveries = []
        with limited(rig.nodes.all), rig.load():
            over = time.monotonic() + place.seconds
            while time.monotonic() < over:
                time.sleep(EVERY_S)
                node = rig.chance.choice(rig.nodes.all)
                _starve(node, greed)
                rig.inject("a server killed by the kernel for its memory")
                recoveries.append(rig.recovered(time.monotonic()))
        return rig.outcome(
            f"mixed load on three servers that may have {LIMIT_BYTES >> 20} MB each; one takes more, again and again",
            figures={"recovery": f"{max(recoveries):.2f} s at most"},
        )


@contextmanager
def limited(nodes: list[Node]) -> Iterator[None]:
    """Has each server, with what it starts, in a group whose memory has a limit."""
    folder, name = next((one for one in _GROUPS if (one[0] / "cgroup.procs").exists()), _GROUPS[0])
    groups = [folder / f"rxfaults{os.getpid()}-{node.name}" for node in nodes]
    try:
        for node, group in zip(nodes, groups, strict=True):
            group.mkdir()
            (group / name).write_text(str(LIMIT_BYTES))
            for number in (node.parent_id, node.process_id):
                (group / "cgroup.procs").write_text(str(number))
        yield
    finally:
        for group in groups:
            if group.exists():
                _empty(group)
                group.rmdir()


def _starve(node: Node, greed: Path) -> None:
    """Has a server take memory until the kernel kills it."""
    while (number := node.process_id) == 0:
        time.sleep(0.01)
    greed.write_text(str(number))
    deadline = time.monotonic() + 60
    while node.process_id == number:
        if time.monotonic() > deadline:
            raise TimeoutError("the kernel killed nobody")
        time.sleep(0.01)


def _empty(group: Path) -> None:
    """Moves what is still in a group to where groups begin."""
    while numbers := (group / "cgroup.procs").read_text().split():
        for number in numbers:
            (group.parent / "cgroup.procs").write_text(number)
