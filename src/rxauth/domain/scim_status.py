"""What an organization's people see of SCIM: how many users and groups there are, and where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, case, func, select, update

from rxauth.domain.paging import Page
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_groups, scim_members, scim_users
from rxauth.storage.tenancy import sql

# A group that everybody is in whom the identity provider sends.
EVERYBODY: Final = "*"

_USERS: Final = scim_users.c.organization_id == bindparam("organization_id")
_GROUPS: Final = scim_groups.c.organization_id == bindparam("organization_id")
_COUNT_USERS = sql(
    select(
        func.count().label("users"),
        func.count(case((scim_users.c.active, 1))).label("active"),
        func.count(case((scim_users.c.active & scim_users.c.user_id.is_not(None), 1))).label("joined"),
        func.count(
            case((scim_users.c.active & scim_users.c.user_id.is_(None) & scim_users.c.invited_key.is_not(None), 1))
        ).label("invited"),
    ).where(_USERS)
)
_COUNT_GROUPS = sql(select(func.count().label("groups")).where(_GROUPS))
_NUMBER_OF_MEMBERS = (
    select(func.count())
    .where(
        scim_members.c.organization_id == bindparam("organization_id"),
        scim_members.c.organization_id == scim_groups.c.organization_id,
        scim_members.c.group_id == scim_groups.c.id,
    )
    .correlate(scim_groups)
    .scalar_subquery()
)
_PAGE = sql(
    select(scim_groups.c.id, scim_groups.c.display_name, scim_groups.c.external_id, _NUMBER_OF_MEMBERS)
    .where(_GROUPS, scim_groups.c.id < bindparam("before"))
    .order_by(scim_groups.c.id.desc())
    .limit(bindparam("rows"))
)
_MARK_ALL = sql(
    update(scim_users)
    .where(scim_users.c.organization_id == bindparam("owner"), scim_users.c.active)
    .values(settle_at=bindparam("moment"))
)
_OF_GROUPS = (
    select(scim_members.c.scim_user_id)
    .join(
        scim_groups,
        (scim_groups.c.organization_id == scim_members.c.organization_id)
        & (scim_groups.c.id == scim_members.c.group_id),
    )
    .where(
        scim_members.c.organization_id == bindparam("owner"),
        (scim_groups.c.display_name == bindparam("group")) | (scim_groups.c.external_id == bindparam("group")),
    )
)
_MARK = sql(
    update(scim_users)
    .where(scim_users.c.organization_id == bindparam("owner"), scim_users.c.id.in_(_OF_GROUPS))
    .values(settle_at=bindparam("moment"))
)


_MARK_THESE = sql(
    update(scim_users)
    .where(scim_users.c.organization_id == bindparam("owner"), scim_users.c.id.in_(bindparam("ids", expanding=True)))
    .values(settle_at=bindparam("moment"))
)
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Counts:
    """How many users SCIM made, how many of them are active, became members, or were invited and did not answer yet."""

    users: int
    active: int
    joined: int
    invited: int
    groups: int

    @property
    def waiting(self) -> int:
        """Active ones who are nobody here: no group gives them a role, or they have no usable address."""
        return self.active - self.joined - self.invited


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group as SCIM sent it. external_id: what the identity provider calls it; None: it did not say."""

    id: str
    name: str = field(repr=False)
    external_id: str | None
    members: int


def count(transaction: Transaction, organization_id: str) -> Counts:
    """Counts an organization's users and groups."""
    users = transaction.first(_COUNT_USERS, organization_id=organization_id)
    groups = transaction.first(_COUNT_GROUPS, organization_id=organization_id)
    return Counts(users.users, users.active, users.joined, users.invited, groups.groups)


def groups(transaction: Transaction, organization_id: str, page: Page) -> Sequence[GroupSeen]:
    """Returns a page of groups, newest first."""
    rows = transaction.all(_PAGE, organization_id=organization_id, before=page.before, rows=page.rows)
    return [GroupSeen(*row) for row in rows]


def mark(transaction: Transaction, organization_id: str, group: str, now: int) -> None:
    """Has what a group's people get worked out anew, a moment later. group: its name, or what the provider calls it."""
    if group == EVERYBODY:
        transaction.run(_MARK_ALL, owner=organization_id, moment=now)
    else:
        transaction.run(_MARK, owner=organization_id, group=group, moment=now)


def mark_users(transaction: Transaction, organization_id: str, ids: Sequence[str], now: int) -> None:
    """Has what some users get worked out anew, a moment later."""
    for start in range(0, len(ids), _BATCH):
        transaction.run(_MARK_THESE, owner=organization_id, ids=list(ids[start : start + _BATCH]), moment=now)
