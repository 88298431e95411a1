"""What an organization's machine client may be given, and by whom: nobody gives it what they could not have."""

from typing import Final

from rxauth.policy import decide
from rxauth.policy.authority import Refusal
from rxauth.policy.decide import Insufficient
from rxauth.policy.permissions import BY_NAME, Machine, Permission
from rxauth.policy.roles import Role
from rxauth.policy.subjects import Caller, MachineSubject

_CHANGES_CLIENTS: Final = "write:client"  # which no machine holds


def impossible(permission: Permission, now: int) -> Refusal | None:
    """Says why no machine ever holds a permission; None: one may. now: UTC seconds."""
    if permission.machine is not Machine.NEVER:
        return None
    return decide.refusal(permission, MachineSubject("", "", frozenset({permission.name})), now)


def insufficient(giver: Caller, permission: Permission, now: int) -> Insufficient | None:
    """Says why `giver` may not give a machine a permission at `now` (UTC seconds); None: it may.

    What every machine has from the start is given by whoever may change clients. An administrator gives all that a
    machine may hold; anybody else gives only what this request could itself use.
    """
    refused = impossible(permission, now)
    if refused is not None:
        return Insufficient((permission.name,), refused)
    if isinstance(giver.subject, MachineSubject):
        return decide.require(giver, (_CHANGES_CLIENTS,), now)
    if permission.machine is Machine.DEFAULT or Role.ADMINISTRATOR in giver.subject.effective_roles:
        return None
    return decide.require(giver, (permission.name,), now)


def first_refused(giver: Caller, names: frozenset[str], now: int) -> Insufficient | None:
    """Returns the first refusal, in the table's order, of permissions that are all to be given; None: there is none."""
    for name, permission in BY_NAME.items():
        refused = insufficient(giver, permission, now) if name in names else None
        if refused is not None:
            return refused
    return None
