"""Who may give and take roles: nobody one that grants more than they hold themselves."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from rxauth.policy import decide, prescribing
from rxauth.policy.authority import Refusal
from rxauth.policy.permissions import BY_NAME, PERMISSIONS, Machine
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, Subject, UserSubject

# write:prescription does not count: the role does not grant it, two people do.
GRANTS: Final = MappingProxyType(
    {
        role: tuple(one.name for one in PERMISSIONS if role in one.roles and one.name != prescribing.PERMISSION)
        for role in Role
    }
)
_APPROVING: Final = "approve:provider_authority"
_BY_PEOPLE_ALONE: Final = frozenset({Role.PRESCRIBER, *(role for role in Role if _APPROVING in GRANTS[role])})
_NO_POWER: Final = "edit:profile_self"  # over nobody but oneself


def refusal(giver: Subject, role: Role, now: int) -> Refusal | None:
    """Says why `giver` may neither give nor take `role`; None: it may both.

    An Administrator gives and takes every role: somebody has to, and Prescriber gives nothing until two people gave the
    authority. Anybody else has to hold all that the role grants. A machine invites to what has no power over the
    organization, and to Prescriber, for the same reason.
    """
    if isinstance(giver, MachineSubject):
        if role is Role.PRESCRIBER or not _powers(role):
            return None
        return Refusal("role_exceeds", f"no machine gives {role}, who may {BY_NAME[_powers(role)[0]].meaning}")
    if Role.ADMINISTRATOR in giver.effective_roles:
        return None
    held = frozenset(decide.held(giver, now))
    lacking = [name for name in GRANTS[role] if name not in held]
    if not lacking:
        return None
    return Refusal("role_exceeds", f"{role} may {BY_NAME[lacking[0]].meaning}, and you may not")


def change_refusal(
    giver: UserSubject, member_id: str, before: Iterable[Role], after: Iterable[Role], now: int
) -> Refusal | None:
    """Says why `giver` may not give a member the roles `after` in place of `before`; own roles may be given up."""
    had, gets = frozenset(before), frozenset(after)
    changed = gets - had if giver.user_id == member_id else gets ^ had
    return first_refusal(giver, changed, now)


def first_refusal(giver: Subject, roles: Iterable[Role], now: int) -> Refusal | None:
    """Says why `giver` may not give and take all of these roles; whoever may not take a role acts on nobody with it."""
    return next((found for role in sorted(roles) if (found := refusal(giver, role, now)) is not None), None)


def mapping_refusal(role: Role) -> Refusal | None:
    """Says why no group of an identity provider gives `role`; None: one may.

    Who runs the identity provider decides who is in its groups. Prescriber comes with the authority to prescribe, and
    whoever approves that is a second person here, and not somebody whom one person elsewhere made two of.
    """
    if role in _BY_PEOPLE_ALONE:
        return Refusal("role_not_mapped", f"no group gives {role}: people give it here, one by one")
    return None


def provisioning_refusal(giver: Subject) -> Refusal | None:
    """Says why `giver` may not let a program add and remove members; None: it may.

    Whoever has the program's token decides who gets what groups give, also roles that `giver` could not give.
    """
    if isinstance(giver, UserSubject) and Role.ADMINISTRATOR in giver.effective_roles:
        return None
    return Refusal("needs_administrator", "an Administrator does this")


def _powers(role: Role) -> list[str]:
    """Returns what a role grants that no machine may ever hold."""
    return [name for name in GRANTS[role] if BY_NAME[name].machine is Machine.NEVER and name != _NO_POWER]
