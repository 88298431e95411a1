"""Writers: whether those who wrote prescriptions still might, read and locked by whoever has them dispensed.

As when they signed: the authority's row is locked first, and what is read after that holds until the commit. Several
writers cost no more statements than one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select

from rxauth.domain import provider_json
from rxauth.domain.providers import stored_authority
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import membership_roles, memberships, users
from rxauth.storage.tables.providers import provider_authorities, provider_licences
from rxauth.storage.tenancy import sql

_AUTHORITIES = sql(
    select(*provider_authorities.c)
    .where(
        provider_authorities.c.organization_id == bindparam("organization_id"),
        provider_authorities.c.user_id.in_(bindparam("user_ids", expanding=True)),
    )
    .order_by(provider_authorities.c.user_id)
    .with_for_update(read=True)
)
_ROLES = sql(
    select(memberships.c.user_id, membership_roles.c.role)
    .select_from(memberships)
    .join(organizations, organizations.c.id == memberships.c.organization_id)
    .join(users, users.c.id == memberships.c.user_id)
    .outerjoin(
        membership_roles,
        (membership_roles.c.organization_id == memberships.c.organization_id)
        & (membership_roles.c.user_id == memberships.c.user_id),
    )
    .where(
        memberships.c.organization_id == bindparam("organization_id"),
        memberships.c.user_id.in_(bindparam("user_ids", expanding=True)),
        organizations.c.disabled_at.is_(None),
        users.c.disabled_at.is_(None),
    )
)
_LICENCES = sql(
    select(*provider_licences.c)
    .where(
        provider_licences.c.organization_id == bindparam("organization_id"),
        provider_licences.c.user_id.in_(bindparam("user_ids", expanding=True)),
    )
    .order_by(provider_licences.c.user_id, provider_licences.c.state, provider_licences.c.number)
)


def standings(transaction: Transaction, organization_id: str, user_ids: Sequence[str]) -> Mapping[str, UserSubject]:
    """Returns who people are to an organization now, without those who are nobody to it; it holds until the commit."""
    place = {"organization_id": organization_id, "user_ids": sorted(set(user_ids))}
    if not place["user_ids"]:
        return {}
    rows = {row.user_id: row for row in transaction.all(_AUTHORITIES, **place) if row.npi is not None}
    roles: defaultdict[str, set[Role]] = defaultdict(set)
    for row in transaction.all(_ROLES, **place):
        roles[row.user_id].update([] if row.role is None else [Role(row.role)])
    licences = defaultdict(list)
    for row in transaction.all(_LICENCES, **place):
        licences[row.user_id].append(provider_json.stored_licence(row._mapping))
    return {
        user_id: UserSubject(
            user_id,
            organization_id,
            frozenset(given),
            stored_authority(rows[user_id], licences[user_id]) if user_id in rows else None,
        )
        for user_id, given in roles.items()
    }
