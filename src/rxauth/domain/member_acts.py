"""What people do about the members of their organization; each act is judged and recorded where it is done.

Whatever gives or takes roles locks the organization's administrators first, and reads who acts after that: a role that
was taken a moment ago gives nothing any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rxauth.domain import (
    administrators,
    audit,
    invites,
    letters,
    members,
    memberships,
    organizations,
    providers,
    sessions,
    token_families,
    users,
)
from rxauth.domain.audit import Actor, Event
from rxauth.domain.errors import AbsentError, RefusedError
from rxauth.domain.mails import Outbox
from rxauth.domain.sessions import Ended
from rxauth.domain.users import User
from rxauth.policy import decide, giving
from rxauth.policy.authority import Doer, Refusal
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject
from rxauth.storage.database import Transaction

GIVE_ROLES = "manage:user_roles"
EDIT_PROFILES = "edit:profile"


class MemberRefusedError(RefusedError):
    """An act on a member was refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code, refusal.reason)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An act that may go on: who acts, and on whom. roles: the member's, before it."""

    organization_id: str
    giver: UserSubject
    user_id: str
    roles: frozenset[Role]
    now: int


def begin(
    transaction: Transaction, organization_id: str, user_id: str, permission: str, *, doer: Doer, now: int
) -> Attempt:
    """Reads who acts on whom, under the lock of the organization's roles.

    Raises:
        MemberRefusedError: who acts may no longer do so. AbsentError: no member.
    """
    administrators.lock(transaction, organization_id)
    giver = providers.subject_for_writing(transaction, organization_id, doer.user_id or "")
    if giver is None or permission not in decide.held(giver, now):
        raise MemberRefusedError(Refusal("permission_missing", f"this needs the permission {permission}"))
    found = memberships.roles_of(transaction, organization_id, [user_id])
    if user_id not in found:
        raise AbsentError("there is no such member", "userId")
    return Attempt(organization_id, giver, user_id, frozenset(found[user_id]), now)


def set_roles(transaction: Transaction, attempt: Attempt, roles: Iterable[Role]) -> None:
    """Gives a member these roles in place of those before.

    Raises:
        MemberRefusedError: more than who acts may give or take. InvalidError: no role. LastAdministratorError: see
        there. AuthorityRefusedError: Prescriber would be new, and there is no authority.
    """
    after = frozenset(roles)
    if after == attempt.roles:
        return
    _require(giving.change_refusal(attempt.giver, attempt.user_id, attempt.roles, after, attempt.now))
    memberships.set_roles(transaction, attempt.organization_id, attempt.user_id, after, attempt.now)
    details = {"given": _listed(after - attempt.roles), "taken": _listed(attempt.roles - after)}
    record(transaction, Event.MEMBER_ROLES_SET, attempt, {name: value for name, value in details.items() if value})


def remove(transaction: Transaction, attempt: Attempt, outbox: Outbox) -> None:
    """Ends a membership, takes back what the member invited to, and tells them.

    Raises:
        MemberRefusedError: the member has a role that who acts may not take. LastAdministratorError: see there.
    """
    _require(giving.change_refusal(attempt.giver, attempt.user_id, attempt.roles, (), attempt.now))
    organization_id, user_id, now = attempt.organization_id, attempt.user_id, attempt.now
    memberships.remove(transaction, organization_id, user_id, now)
    taken_back = invites.revoke_of_inviters(transaction, organization_id, [user_id], now)
    record(transaction, Event.MEMBER_REMOVED, attempt, {"taken": _listed(attempt.roles)})
    for invite_id in taken_back:
        act = audit.Act(Event.INVITE_REVOKED, audit.CONSEQUENCE, organization_id, invite_id)
        audit.record(transaction, act, now * 1_000_000)
    user, organization = users.find(transaction, user_id), organizations.find(transaction, organization_id)
    if user is not None and organization is not None:
        outbox.put(transaction, letters.membership_ended(user.email, organization.name), now)


def end_sessions(transaction: Transaction, attempt: Attempt) -> list[Ended]:
    """Signs a member out wherever they act for this organization; what they do for others goes on.

    Raises:
        MemberRefusedError: the member has a role that who acts may not take.
    """
    require_rank(attempt)
    organization_id, user_id, now = attempt.organization_id, attempt.user_id, attempt.now
    token_families.revoke_of_members(transaction, [user_id], organization_id, now)
    mine = [one for one in sessions.of_user(transaction, user_id) if one.organization_id == organization_id]
    ended = [Ended(user_id, one.id) for one in mine if sessions.end(transaction, one.id, user_id, now)]
    record(transaction, Event.MEMBER_SESSIONS_ENDED, attempt, {"sessions": len(ended)})
    return ended


def change_profile(transaction: Transaction, attempt: Attempt, changes: Mapping[str, Any]) -> User:
    """Changes what is named of a member's profile.

    Raises:
        MemberRefusedError: other organizations rely on it too. InvalidError: a value that nobody has.
    """
    require_own(transaction, attempt)
    user = users.change_profile(transaction, attempt.user_id, attempt.now, **changes)
    record(transaction, Event.PROFILE_CHANGED, attempt, dict.fromkeys(sorted(changes), 1))
    return user


def require_rank(attempt: Attempt) -> None:
    """Refuses to act on somebody with a role that who acts could not take.

    Raises:
        MemberRefusedError: see there.
    """
    if attempt.giver.user_id != attempt.user_id:
        _require(giving.first_refusal(attempt.giver, attempt.roles, attempt.now))


def require_own(transaction: Transaction, attempt: Attempt) -> None:
    """Refuses to change the account of somebody who works for other organizations too.

    Raises:
        MemberRefusedError: see there.
    """
    if attempt.giver.user_id != attempt.user_id and members.elsewhere(
        transaction, attempt.organization_id, [attempt.user_id]
    ):
        reason = "this person works for other organizations too, so only they themselves or the operator may change it"
        raise MemberRefusedError(Refusal("works_elsewhere", reason))


def record(transaction: Transaction, event: Event, attempt: Attempt, details: Mapping[str, str | int]) -> None:
    """Records what was done to a member."""
    actor = Actor("person", attempt.giver.user_id)
    act = audit.Act(event, actor, attempt.organization_id, attempt.user_id, details=details)
    audit.record(transaction, act, attempt.now * 1_000_000)


def refused(
    transaction: Transaction, error: RefusedError, organization_id: str, user_id: str | None, *, actor: Actor, now: int
) -> None:
    """Records that an act was refused; its own transaction was rolled back, so this is another one."""
    act = audit.Act(Event.MEMBER_REFUSED, actor, organization_id, user_id, reason=error.code)
    audit.record(transaction, act, now * 1_000_000)


def _require(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise MemberRefusedError(refusal)


def _listed(roles: Iterable[Role]) -> str:
    return " ".join(role.id for role in sorted(roles))
