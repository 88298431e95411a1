"""Entries: whether an organization lets somebody in for whom its identity provider vouches, and with which roles.

Groups give roles and take them, as far as they stand for any; what was given by hand stays, and an authority to
prescribe is neither given nor taken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rxauth.domain import (
    administrators,
    audit,
    group_roles,
    invites,
    memberships,
    scim_links,
    sessions,
    token_families,
    upstream_identities,
)
from rxauth.domain.audit import CONSEQUENCE, Act, Actor, Event
from rxauth.domain.connection_settings import Joining
from rxauth.domain.connections import Connection
from rxauth.domain.invites import Invite
from rxauth.domain.memberships import Membership
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

EVERYBODY: Final = "*"  # the group of everybody whom the provider vouches for


@dataclass(frozen=True, slots=True)
class Vouched:
    """An identity that was checked in full. by: the connection whose provider vouches for it."""

    by: Connection
    identity: UpstreamIdentity


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody is let in. code: for the audit log; explanation: for the organization's administrators."""

    code: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Entry:
    """How a person comes in. membership None: it is no member yet. invite None: it needs none."""

    membership: Membership | None
    invite: Invite | None
    roles: frozenset[Role]


DISABLED: Final = Refused("person_disabled", "the person is disabled in this installation")
NO_ROLE: Final = Refused("no_role", "none of the person's groups stands for a role")


def judge(
    transaction: Transaction, vouched: Vouched, person: User, now: int, *, is_known: bool = False
) -> Entry | Refused:
    """Judges whether a person may come in. is_known: it came before, and was a member then.

    Whom its groups alone had left no role comes back when they leave one; whom people removed is invited again first.
    """
    if person.disabled_at is not None:
        return DISABLED
    organization_id = vouched.by.organization_id
    mine = _membership(transaction, organization_id, person.id)
    if mine is None and scim_links.shuts_out(transaction, organization_id, person.id, person.email):
        return Refused("deactivated", "the identity provider deactivated the person by SCIM")
    invite = None if mine is not None else invites.open_to(transaction, organization_id, person.email, now)
    is_new = mine is None and invite is None
    if is_new and is_known and not upstream_identities.has_left(transaction, vouched.identity):
        return Refused("no_longer_member", "the person was removed from the organization: invite it again")
    if is_new and not is_known and vouched.by.joining is Joining.INVITE_ONLY:
        return Refused("not_invited", "only members and invited people may come through this connection")
    before = frozenset[Role]() if invite is None else invite.roles
    roles = roles_after(transaction, vouched, before if mine is None else mine.roles)
    return Entry(mine, invite, roles) if roles else NO_ROLE


def roles_after(transaction: Transaction, vouched: Vouched, before: frozenset[Role]) -> frozenset[Role]:
    """Returns the roles that somebody has after a sign-in who had those before it."""
    connection, groups = vouched.by, vouched.identity.groups
    mapped = group_roles.of_source(transaction, connection.organization_id, connection.id)
    if connection.mapping.groups is None:  # then none is read, and none missing
        mapped, groups = {name: roles for name, roles in mapped.items() if name == EVERYBODY}, ()
    managed = frozenset(role for roles in mapped.values() for role in roles) - {Role.PRESCRIBER}
    given = frozenset(role for name in (EVERYBODY, *groups) for role in mapped.get(name, ()))
    return (before - managed) | (given & managed)


def enter(transaction: Transaction, vouched: Vouched, entry: Entry, user_id: str, now: int) -> None:
    """Makes the person a member, or gives it the roles that it has now."""
    organization_id, roles, person = vouched.by.organization_id, entry.roles, Actor("person", user_id)
    if entry.invite is not None and invites.spend(transaction, entry.invite, now):
        accepted = Act(Event.INVITE_ACCEPTED, person, organization_id, entry.invite.id)
        audit.record(transaction, accepted, now * 1_000_000)
    if entry.membership is None:
        memberships.add(transaction, organization_id, user_id, roles, now)
        _record(
            transaction, vouched, Act(Event.MEMBER_JOINED, person, target=user_id, details=_changes(roles, ())), now
        )
        return
    if roles == entry.membership.roles:
        return
    managing = administrators.lock(transaction, organization_id)
    before = frozenset(memberships.roles_of(transaction, organization_id, [user_id]).get(user_id, ()))
    roles = roles_after(transaction, vouched, before)
    if managing == [user_id]:
        roles |= {Role.ADMINISTRATOR}  # somebody must be left who can mend the connection
    if before and roles not in {before, frozenset()}:
        memberships.set_roles(transaction, organization_id, user_id, roles, now)
        changed = Act(Event.MEMBER_ROLES_SET, CONSEQUENCE, target=user_id, details=_changes(roles, before))
        _record(transaction, vouched, changed, now)


def leave(transaction: Transaction, vouched: Vouched, user_id: str, now: int) -> None:
    """Ends the membership of somebody whose groups leave it no role, and what it does for the organization now.

    The only administrator stays a member: somebody must be left who can mend the connection.
    """
    organization_id = vouched.by.organization_id
    token_families.revoke_of_members(transaction, [user_id], organization_id, now)
    for session in sessions.of_user(transaction, user_id):
        if session.confined_to == organization_id:
            sessions.end(transaction, session.id, user_id, now)
    managing = administrators.lock(transaction, organization_id)
    before = frozenset(memberships.roles_of(transaction, organization_id, [user_id]).get(user_id, ()))
    if not before or managing == [user_id] or roles_after(transaction, vouched, before):
        return
    memberships.remove(transaction, organization_id, user_id, now)
    upstream_identities.note_left(transaction, vouched.identity, now)
    _record(
        transaction,
        vouched,
        Act(Event.MEMBER_REMOVED, CONSEQUENCE, target=user_id, details=_changes((), before)),
        now,
    )
    for invite_id in invites.revoke_of_inviters(transaction, organization_id, [user_id], now):
        _record(transaction, vouched, Act(Event.INVITE_REVOKED, CONSEQUENCE, target=invite_id), now)


def _membership(transaction: Transaction, organization_id: str, user_id: str) -> Membership | None:
    mine = memberships.of_person(transaction, user_id)
    return next((one for one in mine if one.organization_id == organization_id), None)


def _changes(after: Iterable[Role], before: Iterable[Role]) -> Mapping[str, str]:
    changed = {"given": frozenset(after) - frozenset(before), "taken": frozenset(before) - frozenset(after)}
    return {name: " ".join(role.id for role in sorted(roles)) for name, roles in changed.items() if roles}


def _record(transaction: Transaction, vouched: Vouched, act: Act, now: int) -> None:
    connection = vouched.by
    details = {**act.details, "connection": connection.id}
    said = Act(act.event, act.actor, connection.organization_id, act.target, details=details)
    audit.record(transaction, said, now * 1_000_000)
