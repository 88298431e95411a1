"""How much work something is, in calls of Python functions: the same on every machine, unlike a time."""

import json
import sys
from collections.abc import Callable
from types import FrameType

from rxauth.api.outcomes import Outcome
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.policy.subjects import Caller, MachineSubject
from tests.live import Live


class _EnoughSeen(BaseException):
    """Stops what was measured; nothing that handles errors handles this."""


def calls(function: Callable[[], object], at_most: int = sys.maxsize) -> int:
    """Returns how many Python functions are called until `function` returns, or until there were more than so many."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"
        if count > at_most:
            raise _EnoughSeen

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    except _EnoughSeen:
        pass
    finally:
        sys.setprofile(before)
    return count


def run(live: Live, document: str) -> Outcome:
    """Runs a document in this thread, as the machine of the first organization."""
    tenant = live.world.alder
    permissions = frozenset(MACHINE_DEFAULT)
    subject = MachineSubject(tenant.client_id, tenant.organization_id, permissions)
    caller = Caller(subject, permissions, tenant.client_id, "a-token-of-a-test")
    return live.edge.api.run(caller, json.dumps({"query": document}).encode())
