"""Who leaves because the identity provider says so is out at once, however many they are.

A few statements for each hundred of them end memberships, sessions, tokens and invites, and suspend authority, in the
transaction that says it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from rxauth.domain import (
    audit,
    group_roles,
    invites,
    letters,
    memberships,
    organizations,
    scim_groups,
    scim_users,
    sessions,
    token_families,
    users,
)
from rxauth.domain.audit import Event
from rxauth.domain.scim_accounts import Telling
from rxauth.domain.scim_groups import Membership
from rxauth.domain.scim_status import EVERYBODY
from rxauth.domain.scim_users import ScimUser
from rxauth.domain.sessions import Ended
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

_BATCH: Final = 100


def leave(transaction: Transaction, organization_id: str, leaving: Sequence[ScimUser], telling: Telling) -> list[Ended]:
    """Ends what some locked users, each of whom is a member, do for the organization; returns the sessions.

    Raises:
        LastAdministratorError: the organization would have no other.
    """
    now, person_ids = telling.now, [one.user_id for one in leaving if one.user_id is not None]
    token_families.revoke_of_members(transaction, person_ids, organization_id, now)
    ended = sessions.end_of_members(transaction, organization_id, person_ids, now)
    memberships.remove_all(transaction, organization_id, person_ids, now)
    of_person = [one.user_id for one in ended]
    acts = [
        audit.Act(
            Event.MEMBER_REMOVED,
            telling.actor,
            organization_id,
            one.user_id,
            details={"sessions": of_person.count(one.user_id or ""), "scim_user_id": one.id},
        )
        for one in leaving
    ]
    taken_back = invites.revoke_of_inviters(transaction, organization_id, person_ids, now)
    acts += [audit.Act(Event.INVITE_REVOKED, audit.CONSEQUENCE, organization_id, one) for one in taken_back]
    audit.record_each(transaction, acts, now * 1_000_000)
    organization = organizations.find(transaction, organization_id)
    if organization is not None:
        told = users.emails(transaction, person_ids)
        telling.outbox.put_all(transaction, [letters.membership_ended(to, organization.name) for to in told], now)
    return ended


def leave_without_roles(
    transaction: Transaction, organization_id: str, ids: Sequence[str], telling: Telling
) -> list[Ended]:
    """Has those of some users leave whom groups gave all that they have, and give nothing now; returns the sessions."""
    given = group_roles.of_source(transaction, organization_id, group_roles.SCIM)
    ended: list[Ended] = []
    for start in range(0, len(ids), _BATCH):
        locked = scim_users.lock_all(transaction, organization_id, ids[start : start + _BATCH])
        found = {one.user_id: one for one in locked if one.active and one.user_id is not None and one.given_roles}
        groups = scim_groups.of_users(transaction, organization_id, [one.id for one in found.values()])
        held = memberships.roles_of(transaction, organization_id, [*filter(None, found)]) if found else {}
        leaving = []
        for user_id, roles in held.items():
            user = found[user_id]
            now = frozenset[Role]().union(*(given.get(name, ()) for name in names_of(groups.get(user.id, ()))))
            if not remaining(roles, user, now):
                leaving.append(user)
        if leaving:
            ended += leave(transaction, organization_id, leaving, telling)
            scim_users.forget_given(transaction, organization_id, [one.id for one in leaving])
    return ended


def remaining(before: Iterable[Role], user: ScimUser, roles: frozenset[Role]) -> frozenset[Role]:
    """Returns what a member has once groups give these roles, in place of those that they gave before."""
    return (frozenset(before) - (user.given_roles - roles)) | roles


def names_of(groups: Iterable[Membership]) -> list[str]:
    """Returns the names under which the groups of a user give roles."""
    return [EVERYBODY, *(name for one in groups for name in (one.name, one.external_id) if name)]
