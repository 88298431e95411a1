"""What becomes of a person of whom SCIM speaks: a member, somebody invited, or nobody; and what their groups give.

Nobody is taken over. Who has an account elsewhere is invited, and joins by accepting. Only an address that is nobody's,
in a domain that the organization proved to be its own, makes an account. Who is deactivated is out at once, and comes
back with what groups give: an authority to prescribe takes two people again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain import (
    audit,
    domains,
    group_roles,
    invites,
    memberships,
    scim_accounts,
    scim_groups,
    scim_leaving,
    scim_users,
    users,
)
from rxauth.domain.audit import Event
from rxauth.domain.domain_names import domain_of
from rxauth.domain.errors import InvalidError
from rxauth.domain.invites import Asked
from rxauth.domain.mails import Outbox
from rxauth.domain.scim_accounts import Telling
from rxauth.domain.scim_status import EVERYBODY
from rxauth.domain.scim_users import ScimUser
from rxauth.domain.sessions import Ended
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_users as table
from rxauth.storage.tenancy import sql

SETTLED_AT_ONCE: Final = 50

_WAITING: Final = sql(
    select(table.c.organization_id, table.c.id)
    .where(table.c.settle_at <= bindparam("moment"))
    .order_by(table.c.settle_at, table.c.id)
    .limit(SETTLED_AT_ONCE)
    .with_for_update(skip_locked=True),
    across_tenants="one server settles the users of every organization",
)


def settle(
    transaction: Transaction, user: ScimUser, telling: Telling, *, was_active: bool | None = None
) -> list[Ended]:
    """Has what a locked user says of a person be so; returns the sessions that ended.

    was_active: before this word of the provider, None: as now. Who left by that comes back, and who is to leave by it
    leaves; people decide about whoever was inactive already.

    Raises:
        LastAdministratorError: the organization would have no other.
    """
    if not user.active:
        ended = leave(transaction, user, telling) if was_active else []
        scim_users.link(transaction, replace(user, given_roles=frozenset(), invited_key=None))
        return ended
    roles = _roles(transaction, user)
    if user.user_id is None:
        scim_users.link(transaction, _arrive(transaction, user, roles, telling))
        return []
    scim_accounts.follow(transaction, user, telling)
    found = memberships.roles_of(transaction, user.organization_id, [user.user_id]).get(user.user_id)
    ended = []
    if found is None:
        person = users.find(transaction, user.user_id)
        if person is not None and roles and (was_active is False or not user.given_roles):
            _join(transaction, user, person, roles, telling)
        else:
            roles = user.given_roles  # somebody here removed the person, and the provider's next word changes nothing
    else:
        ended = _give(transaction, user, frozenset(found), roles, telling)
    scim_users.link(transaction, replace(user, given_roles=roles))
    return ended


def arrive(transaction: Transaction, user: ScimUser, telling: Telling) -> ScimUser:
    """Returns a user who is sent for the first time, is in no group yet, and is not kept yet, as what it became.

    Raises:
        ConflictError: somebody took the address at this moment.
    """
    if not user.active:
        return user
    roles = group_roles.roles_of(transaction, user.organization_id, group_roles.SCIM, [EVERYBODY])
    return _arrive(transaction, user, roles, telling)


def leave(transaction: Transaction, user: ScimUser, telling: Telling) -> list[Ended]:
    """Ends what a locked user brought about: invite, membership, sessions and authority; returns the sessions.

    Raises:
        LastAdministratorError: the organization would have no other.
    """
    organization_id = user.organization_id
    if user.invited_key is not None:
        _take_back(transaction, user, telling)
    if user.user_id is None or not memberships.roles_of(transaction, organization_id, [user.user_id]):
        return []
    return scim_leaving.leave(transaction, organization_id, [user], telling)


@dataclass(frozen=True, slots=True)
class Settling:
    """Works out what users get whose groups, or what those give, changed. outbox: where letters are put."""

    outbox: Outbox

    def settle_some(self, transaction: Transaction, now: int) -> bool:
        """Settles some; tells whether there may be more."""
        waiting = transaction.all(_WAITING, moment=now)
        for row in waiting:
            user = scim_users.lock(transaction, row.organization_id, row.id)
            if user is not None:
                settle(transaction, user, Telling(self.outbox, audit.CONSEQUENCE, now))
        return len(waiting) == SETTLED_AT_ONCE


def _roles(transaction: Transaction, user: ScimUser) -> frozenset[Role]:
    of_user = scim_groups.of_users(transaction, user.organization_id, [user.id]).get(user.id, [])
    return group_roles.roles_of(transaction, user.organization_id, group_roles.SCIM, scim_leaving.names_of(of_user))


def _arrive(transaction: Transaction, user: ScimUser, roles: frozenset[Role], telling: Telling) -> ScimUser:
    """Has a user who is nobody yet become somebody, if groups give something and there is an address."""
    address = scim_users.address_of(user.resource)
    key = None if address is None else users.email_key(address)
    if user.invited_key is not None and (user.invited_key != key or not roles):
        _take_back(transaction, user, telling)
        user = replace(user, invited_key=None)
    if address is None or key is None or not roles or user.invited_key == key:
        return user
    if scim_users.is_invited_as_another(transaction, user, key):
        return user
    person = users.find_by_email(transaction, address)
    if person is not None:
        return _meet(transaction, user, person, roles, telling)
    domain = domain_of(address)
    if domain is not None and domains.is_held(transaction, user.organization_id, domain):
        made = User(new_id(Kind.USER, telling.now * 1000), address, None, scim_accounts.name_of(user.resource), None)
        users.add(transaction, made, telling.now)
        _join(transaction, user, made, roles, telling)
        return replace(user, user_id=made.id, made_account=True, given_roles=roles)
    return _invite(transaction, user, address, roles, telling)


def _meet(transaction: Transaction, user: ScimUser, person: User, roles: frozenset[Role], telling: Telling) -> ScimUser:
    """Has a user be somebody who has an account: a member already, or one that is nobody's but the organization's."""
    if person.disabled_at is not None or scim_users.with_person(transaction, user.organization_id, person.id):
        return user
    found = memberships.roles_of(transaction, user.organization_id, [person.id])
    if found:
        memberships.add_roles(transaction, user.organization_id, person.id, roles, telling.now)
        new = roles - frozenset(found[person.id])
        if new:
            telling.record(transaction, Event.MEMBER_ROLES_SET, user, person.id, {"given": _listed(new)})
        return replace(user, user_id=person.id, given_roles=new)
    if scim_accounts.is_ours(transaction, user.organization_id, person):
        _join(transaction, user, person, roles, telling)
        return replace(user, user_id=person.id, made_account=True, given_roles=roles)
    return _invite(transaction, user, person.email, roles, telling)


def _invite(
    transaction: Transaction, user: ScimUser, address: str, roles: frozenset[Role], telling: Telling
) -> ScimUser:
    before = invites.to_address(transaction, user.organization_id, address)
    lately = [one for one in before if one.created_at > telling.now - invites.LETTERS_WITHIN_S]
    if len(lately) >= invites.LETTERS_LIMIT:
        return user
    asked = Asked(address, roles)
    try:
        made = invites.create(transaction, user.organization_id, asked, telling.outbox, telling.now)
    except InvalidError:  # the organization invites other domains only
        return user
    telling.record(transaction, Event.PERSON_INVITED, user, made.id, {"roles": _listed(roles)})
    return replace(user, invited_key=users.email_key(address))


def _take_back(transaction: Transaction, user: ScimUser, telling: Telling) -> None:
    """Revokes what was sent for a user; what people sent to the same address stays."""
    for one in invites.to_address(transaction, user.organization_id, user.invited_key or ""):
        if one.accepted_at is None and one.revoked_at is None and one.inviter_id is None:
            invites.revoke(transaction, user.organization_id, one.id, telling.now)
            telling.record(transaction, Event.INVITE_REVOKED, user, one.id, {})


def _join(transaction: Transaction, user: ScimUser, person: User, roles: frozenset[Role], telling: Telling) -> None:
    memberships.add(transaction, user.organization_id, person.id, roles, telling.now, person=person)
    telling.record(transaction, Event.MEMBER_ADDED, user, person.id, {"roles": _listed(roles)})


def _give(
    transaction: Transaction, user: ScimUser, before: frozenset[Role], roles: frozenset[Role], telling: Telling
) -> list[Ended]:
    """Gives a member what groups give now, and takes what they gave; a member whom nothing is left is one no longer."""
    after = scim_leaving.remaining(before, user, roles)
    if after == before or user.user_id is None:
        return []
    if not after:
        return leave(transaction, user, telling)
    memberships.set_roles(transaction, user.organization_id, user.user_id, after, telling.now)
    details: dict[str, str | int] = {"given": _listed(after - before), "taken": _listed(before - after)}
    telling.record(
        transaction, Event.MEMBER_ROLES_SET, user, user.user_id, {name: one for name, one in details.items() if one}
    )
    return []


def _listed(roles: Iterable[Role]) -> str:
    return " ".join(role.id for role in sorted(roles))
