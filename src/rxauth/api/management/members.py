"""Members of the caller's organization: what people do about them, and about themselves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from rxauth.api.context import Context, Info
from rxauth.api.errors import StepUpError
from rxauth.api.management import roles as roles_resolvers
from rxauth.api.management.callers import TWO_FACTORS, actor, doer
from rxauth.api.management.invites import outbox_of
from rxauth.domain import audit, member_acts, own_account, sessions, users
from rxauth.domain.audit import Event
from rxauth.domain.errors import AbsentError, InvalidError, RefusedError
from rxauth.domain.member_acts import EDIT_PROFILES, GIVE_ROLES, Attempt
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

Result = TypeVar("Result")
Work = Callable[[Transaction, Attempt], Result]


@dataclass(frozen=True, slots=True)
class RoleInput:
    """A role of a member."""

    user_id: str
    role_id: str


@dataclass(frozen=True, slots=True)
class ProfileInput:
    """What changes of a profile, by the names that the domain has for it; what was not named is not there."""

    changes: Mapping[str, Any] = field(repr=False)


def profile_input(**changes: Any) -> ProfileInput:
    """Returns what ProfileInput and MemberInput become."""
    if changes.get("address") is not None:
        changes["address"] = msgspec.structs.replace(changes["address"], id=None)  # nothing refers to it
    return ProfileInput(changes)


def add_role(_root: None, info: Info, input: RoleInput) -> User:  # noqa: A002  # the contract's name
    """Mutation.addRole: nothing happens if the member has it."""
    role = roles_resolvers.read(input.role_id, "roleId")
    return act(info, input.user_id, GIVE_ROLES, _setting(lambda had: had | {role}, "roleId"))


def remove_role(_root: None, info: Info, input: RoleInput) -> User:  # noqa: A002  # the contract's name
    """Mutation.removeRole: nothing happens if the member does not have it."""
    role = roles_resolvers.read(input.role_id, "roleId")
    return act(info, input.user_id, GIVE_ROLES, _setting(lambda had: had - {role}, "roleId"))


def set_roles(_root: None, info: Info, user_id: str, role_ids: Sequence[str]) -> User:
    """Mutation.setRoles."""
    roles = frozenset(roles_resolvers.read(one, "roleIds") for one in role_ids)
    return act(info, user_id, GIVE_ROLES, _setting(lambda _had: roles, "roleIds"))


def remove(_root: None, info: Info, user_id: str) -> bool:
    """Mutation.removeMember."""
    outbox = outbox_of(info.context)
    act(info, user_id, GIVE_ROLES, lambda tx, attempt: member_acts.remove(tx, attempt, outbox))
    return True


def end_sessions(_root: None, info: Info, user_id: str) -> int:
    """Mutation.endMemberSessions: their clients hear of it once the request is done."""
    ended = act(info, user_id, GIVE_ROLES, member_acts.end_sessions)
    info.context.ended_sessions.extend(ended)
    return len(ended)


def update(_root: None, info: Info, user_id: str, input: ProfileInput) -> User:  # noqa: A002  # the contract's name
    """Mutation.updateMember."""

    def work(transaction: Transaction, attempt: Attempt) -> User:
        if attempt.user_id == info.context.user_id:
            _require_own_profile(transaction, info.context)
        return member_acts.change_profile(transaction, attempt, input.changes)

    return act(info, user_id, EDIT_PROFILES, work)


def update_own(_root: None, info: Info, input: ProfileInput) -> User:  # noqa: A002  # the contract's name
    """Mutation.updateProfile: of who asks.

    Raises:
        InvalidError: a value that nobody has. ConfinedError: see there.
    """
    context = info.context
    user_id, organization_id = context.user_id or "", context.organization_id
    details: dict[str, str | int] = dict.fromkeys(sorted(input.changes), 1)

    def work(transaction: Transaction) -> User:
        _require_own_profile(transaction, context)
        changed = users.change_profile(transaction, user_id, context.clock.seconds(), **input.changes)
        act = audit.Act(Event.PROFILE_CHANGED, actor(context.caller), organization_id, user_id, details=details)
        audit.record(transaction, act, context.clock.microseconds())
        return changed

    return context.write(work)


def _require_own_profile(transaction: Transaction, context: Context) -> None:
    own_account.require_own_profile(transaction, sessions.load(transaction, context.caller.session_id or ""))


def _setting(chosen: Callable[[frozenset[Role]], frozenset[Role]], where: str) -> Work[User]:
    """Returns an act that gives a member the roles that are chosen by those before."""

    def work(transaction: Transaction, attempt: Attempt) -> User:
        roles = chosen(attempt.roles)
        if not roles:
            raise InvalidError("a member has at least one role: remove them from the organization instead", where)
        member_acts.set_roles(transaction, attempt, roles)
        found = users.find(transaction, attempt.user_id)
        if found is None:
            raise AbsentError("there is no such member", "userId")
        return found

    return work


def act(info: Info, user_id: str, permission: str, work: Work[Result]) -> Result:
    """Acts in one write; a refusal is recorded in another, because the first was rolled back.

    Raises:
        AbsentError: no member. StepUpError: the caller must prove two factors again. RefusedError: with its code.
    """
    context = info.context
    organization_id, now, one = context.organization_id, context.clock.seconds(), doer(context.caller)

    def begun(transaction: Transaction) -> Result:
        return work(
            transaction, member_acts.begin(transaction, organization_id, user_id, permission, doer=one, now=now)
        )

    try:
        return context.write(begun)
    except RefusedError as error:
        refused = error
    if refused.code == "second_factor_not_fresh":
        raise StepUpError(TWO_FACTORS)
    who = actor(context.caller)
    context.write(lambda tx: member_acts.refused(tx, refused, organization_id, user_id, actor=who, now=now))
    raise refused
