"""The people around an organization's authorities: what they are judged by as its second person."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from rxauth.domain.provider_attempts import MEMBERS, SOLO
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tables.people import membership_roles, users
from rxauth.storage.tenancy import sql

_IDS: Final[Any] = bindparam("ids", expanding=True)
_ROLES = sql(
    select(membership_roles.c.user_id, membership_roles.c.role)
    .join(users, users.c.id == membership_roles.c.user_id)
    .where(
        membership_roles.c.organization_id == bindparam("organization_id"),
        membership_roles.c.user_id.in_(_IDS),
        users.c.disabled_at.is_(None),
    )
)

_ACTIVE = sql(
    select(prescriptions.c.prescriber_id, func.count().label("number"))
    .where(
        prescriptions.c.organization_id == bindparam("organization_id"),
        prescriptions.c.prescriber_id.in_(_IDS),
        prescriptions.c.state == "ACTIVE",
    )
    .group_by(prescriptions.c.prescriber_id)
)


@dataclass(frozen=True, slots=True)
class Practice:
    """How many people an organization has, and whether a provider there may be their own second person."""

    members: int
    solo: bool


def roles(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, frozenset[Role]]:
    """Returns the roles of those members among `ids` who have any, and are not disabled."""
    found: defaultdict[str, set[Role]] = defaultdict(set)
    for row in transaction.all(_ROLES, organization_id=organization_id, ids=ids):
        found[row.user_id].add(Role(row.role))
    return {user_id: frozenset(held) for user_id, held in found.items()}


def practice(transaction: Transaction, organization_id: str, _ids: Sequence[str]) -> Mapping[str, Practice]:
    """Returns what the second person is judged by, under the organization's identifier."""
    row = transaction.first(SOLO, organization_id=organization_id)
    members = transaction.first(MEMBERS, organization_id=organization_id).number
    return {organization_id: Practice(members, row is not None and bool(row.solo_authority))}


def active_prescriptions(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, int]:
    """Returns how many prescriptions of each provider can be ordered still; who has none is not there."""
    return {row.prescriber_id: row.number for row in transaction.all(_ACTIVE, organization_id=organization_id, ids=ids)}
