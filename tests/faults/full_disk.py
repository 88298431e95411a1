"""F09: the disk of the database is full, and that of the audit log's checkpoints; and then there is room again."""

import shutil
import time
from pathlib import Path
from typing import Any

from tests.faults.network import run as do
from tests.faults.operations import OK
from tests.faults.rig import Outcome, Place, Rig

ROOM_BYTES = 96 << 20  # beside what the database has
FULL_S = 15.0


class Cramped(Rig):
    """A rig whose database has a disk of its own, with little room, and the checkpoints another."""

    def prepare(self) -> None:
        """Makes the disks."""
        needed = sum(one.stat().st_size for one in self.place.files.rglob("*") if one.is_file())
        for name, size in (("pg", needed + ROOM_BYTES), ("checkpoints", 1 << 20)):
            disk = self.folder / name
            disk.mkdir()
            do("mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", str(disk))
            self.undo(do, "umount", "--lazy", str(disk))


def run(place: Place) -> Outcome:
    """Runs it, twice."""
    file = place.folder / "F09" / "checkpoints" / "checkpoints"
    changes: dict[str, Any] = {"audit_checkpoint_file": str(file)}
    with Cramped(place, "F09", changes=changes) as rig:
        recoveries, spans, restarts = [], [], 0
        with rig.load():
            for _ in range(2):
                time.sleep(5)
                fillers = [_fill(rig.cluster.folder), _fill(file.parent)]
                rig.inject(f"both disks full for {FULL_S:g} s")
                began = time.monotonic()
                time.sleep(FULL_S)
                for one in fillers:
                    one.unlink()
                spans.append((began, time.monotonic()))
                if not rig.cluster.is_running():
                    rig.cluster.start()  # as whatever supervises it does
                    restarts += 1
                recoveries.append(rig.recovered(spans[-1][1]))
        outcome = rig.outcome("mixed load; the disks of PostgreSQL and of the checkpoints are full, and then are not")
        done = [one for one in outcome.history if any(a < one.began < b for a, b in spans)]
        good = sum(1 for one in done if one.outcome == OK and one.records is not None)
        if not any(one.status >= 500 for one in done):
            outcome.missed.append("nothing was refused: no disk was full")
        outcome.figures["recovery"] = f"{max(recoveries):.2f} s at most"
        outcome.figures["acts acknowledged while full"] = f"{good}, of {len(done)} requests"
        outcome.figures["PostgreSQL stopped by itself"] = f"{restarts} times"
        return outcome


def _fill(folder: Path) -> Path:
    """Takes all the room that there is on a disk; returns the file that has it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * min(1 << 20, max(4_096, shutil.disk_usage(folder).free)))
        except OSError:
            return filler
