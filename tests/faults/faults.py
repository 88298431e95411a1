"""The faults, each with what runs it; those of other modules are found when they are there."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from tests.faults.rig import Outcome, Place


@dataclass(frozen=True)
class Fault:
    """A fault. where: its module in this package, and the function. must_fail: the checkers have to see it."""

    number: str
    title: str
    where: str
    must_fail: bool = False

    def runner(self) -> Callable[[Place], Outcome] | None:
        """Returns what runs it, or None."""
        module, _, function = self.where.partition(":")
        name = f"tests.faults.{module}"
        if importlib.util.find_spec(name) is None:
            return None
        found: Callable[[Place], Outcome] | None = getattr(import_module(name), function or "run", None)
        return found


FAULTS: Final = (
    Fault("F01", "a server is killed", "killed_servers"),
    Fault("F02", "the database is killed", "killed_database"),
    Fault("F03", "the connection breaks at COMMIT", "lost_replies"),
    Fault("F04", "a server is cut off from the database", "cut_off"),
    Fault("F05", "a server's requests arrive and the replies do not", "cut_off:run_one_way"),
    Fault("F06", "a server stops for 30 s", "paused"),
    Fault("F07", "the database stops for 10 s", "paused:run_database"),
    Fault("F08", "slow queries take every connection", "crowded"),
    Fault("F09", "the disk is full", "full_disk"),
    Fault("F10", "the standby takes over", "failover"),
    Fault("F11", "the standby is 30 s behind", "standby_lag"),
    Fault("F12", "the clock jumps by 10 minutes", "clock_jumps"),
    Fault("F13", "signing keys are rotated", "rotations"),
    Fault("F14", "an upgrade, one server after the other, and back", "rolling_upgrade"),
    Fault("F15", "an API begins without the key set", "no_key_set"),
    Fault("F16", "a server runs out of memory", "out_of_memory"),
    Fault("F17", "slow and idle connections, and large heads", "slow_clients"),
    Fault("F18", "the database is restored to what it was", "restored"),
    Fault("F19", "acknowledged writes are not durable", "killed_database:run_careless", must_fail=True),
    Fault("F20", "bugs are planted", "blunders", must_fail=True),
)
