"""What one decision of policy costs, in this process and without anything around it."""

import datetime
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rxauth.policy import decide
from rxauth.policy.authority import State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, UserSubject, Wish

TIMES: Final = 20_000
REPEATS: Final = 9
_NOW: Final = 1_795_435_200
_ENDS: Final = datetime.date(2027, 12, 31)


def each_us() -> Mapping[str, Sequence[float]]:
    """Returns the microseconds of each decision, by its name, of several repeats."""
    licences = tuple(Licence(state, "123456", LicenceStatus.ACTIVE, _ENDS) for state in ("CT", "NJ", "NY"))
    authority = ProviderAuthority(State.APPROVED, _NOW - 86_400, None, licences)
    provider = UserSubject("usr_1", "org_1", frozenset({Role.PRESCRIBER}), authority)
    machine = MachineSubject("a-client", "org_1", frozenset(MACHINE_DEFAULT))
    token = decide.held(provider, _NOW)
    caller = decide.caller(token, provider, "a-client", "a-token", _NOW)
    wish = Wish("pat_1", "med_1", "NY", None)
    return {
        "what a machine's token opens": _timed(lambda: decide.caller(MACHINE_DEFAULT, machine, "c", "t", _NOW)),
        "what a prescriber's token opens": _timed(lambda: decide.caller(token, provider, "c", "t", _NOW)),
        "whether a prescription may be written": _timed(
            lambda: decide.as_prescriber(None, caller, provider, wish, _NOW)
        ),
    }


def _timed(decision: Callable[[], Any]) -> Sequence[float]:
    """Counts this thread's own time: what else the machine does meanwhile is no part of a decision."""
    seconds = timeit.repeat(decision, timer=time.thread_time, number=TIMES, repeat=REPEATS)
    return [1e6 * one / TIMES for one in seconds]
