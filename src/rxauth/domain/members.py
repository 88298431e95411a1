"""Members: the people of an organization as it sees them, listed, found by name or address, and what else is known."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, func, literal_column, select, union_all

from rxauth.domain import users, word_index
from rxauth.domain.paging import Page
from rxauth.domain.sessions import Limits
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import (
    member_words,
    membership_roles,
    memberships,
    passkeys,
    recovery_codes,
    totp_factors,
)
from rxauth.storage.tables.people import users as people
from rxauth.storage.tables.sign_in import sessions
from rxauth.storage.tenancy import Statement, sql

_MINE: Final = memberships.c.organization_id == bindparam("organization_id")
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_ELSEWHERE = sql(
    select(memberships.c.user_id)
    .where(memberships.c.user_id.in_(_IDS), memberships.c.organization_id != bindparam("here"))
    .distinct(),
    across_tenants="an account that several organizations rely on is changed by none of them",
)
_FACTORS = sql(
    union_all(
        select(
            totp_factors.c.user_id, literal_column("'app'").label("kind"), literal_column("1").label("number")
        ).where(totp_factors.c.user_id.in_(_IDS), totp_factors.c.confirmed_at.is_not(None)),
        select(passkeys.c.user_id, literal_column("'passkeys'"), func.count())
        .where(passkeys.c.user_id.in_(_IDS))
        .group_by(passkeys.c.user_id),
        select(recovery_codes.c.user_id, literal_column("'codes'"), func.count())
        .where(recovery_codes.c.user_id.in_(_IDS), recovery_codes.c.used_at.is_(None))
        .group_by(recovery_codes.c.user_id),
    )
)
_ACTIVITY = sql(
    select(sessions.c.user_id, func.count().label("number"), func.max(sessions.c.last_seen_at).label("last_seen_at"))
    .where(
        sessions.c.user_id.in_(_IDS),
        sessions.c.organization_id == bindparam("organization_id"),
        sessions.c.ended_at.is_(None),
        sessions.c.created_at > bindparam("created_after"),
        sessions.c.last_seen_at > bindparam("seen_after"),
    )
    .group_by(sessions.c.user_id)
)


@dataclass(frozen=True, slots=True)
class Member:
    """A person of an organization. joined_at: UTC seconds."""

    user: User
    joined_at: int

    @property
    def id(self) -> str:
        """The person's identifier."""
        return self.user.id


class FactorState(NamedTuple):
    """Which second factors somebody has."""

    has_app: bool = False
    passkeys: int = 0
    recovery_codes_left: int = 0

    @property
    def has_second(self) -> bool:
        """Tells whether a second factor can be proved; recovery codes alone are none."""
        return self.has_app or self.passkeys > 0


class Activity(NamedTuple):
    """Where somebody is signed in for an organization. last_seen_at: UTC seconds."""

    sessions: int
    last_seen_at: int


def search(
    transaction: Transaction, organization_id: str, page: Page, *, name: str | None = None, role: Role | None = None
) -> list[Member]:
    """Returns a page of members, the newest person first; name: beginnings of words of names or addresses.

    Raises:
        InvalidError: nobody has so long a name.
    """
    words = word_index.wanted(name)
    if words == []:
        return []
    given = word_index.values(words or ())
    rows = transaction.all(
        _matching(len(words or ()), role is not None),
        organization_id=organization_id,
        before=page.before,
        rows=page.rows,
        **given,
        **({} if role is None else {"role": role}),
    )
    return [Member(users.read(row), row.joined_at) for row in rows]


def find(transaction: Transaction, organization_id: str, user_id: str) -> Member | None:
    """Returns a member; None: the organization has none of this identifier."""
    row = transaction.first(_ONE, organization_id=organization_id, user_id=user_id)
    return None if row is None else Member(users.read(row), row.joined_at)


def elsewhere(transaction: Transaction, organization_id: str, user_ids: Sequence[str]) -> Mapping[str, bool]:
    """Returns which of some people work for other organizations too, disabled ones counted."""
    return {row.user_id: True for row in transaction.all(_ELSEWHERE, here=organization_id, ids=user_ids)}


def factors_of(transaction: Transaction, _organization_id: str, user_ids: Sequence[str]) -> Mapping[str, FactorState]:
    """Returns the second factors of some people; who has none is not there."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in transaction.all(_FACTORS, ids=user_ids):
        found[row.user_id][row.kind] = row.number
    return {
        user_id: FactorState("app" in one, one.get("passkeys", 0), one.get("codes", 0))
        for user_id, one in found.items()
    }


def activity_of(
    transaction: Transaction, organization_id: str, user_ids: Sequence[str], limits: Limits, now: int
) -> Mapping[str, Activity]:
    """Returns where some people are signed in for the organization; who is nowhere is not there."""
    rows = transaction.all(
        _ACTIVITY,
        organization_id=organization_id,
        ids=user_ids,
        created_after=now - limits.lifetime_s,
        seen_after=now - limits.idle_s,
    )
    return {row.user_id: Activity(row.number, row.last_seen_at) for row in rows}


def _members() -> Select[tuple[object, ...]]:
    return (
        select(*people.c, memberships.c.created_at.label("joined_at"))
        .select_from(memberships)
        .join(people, people.c.id == memberships.c.user_id)
        .where(_MINE)
    )


_ONE = sql(_members().where(memberships.c.user_id == bindparam("user_id")))


@cache
def _matching(words: int, has_role: bool) -> Statement:
    conditions = word_index.matching(
        memberships.c.user_id,
        member_words.c.user_id,
        words,
        member_words.c.organization_id == bindparam("organization_id"),
    )
    if has_role:
        holders = select(membership_roles.c.user_id).where(
            membership_roles.c.organization_id == bindparam("organization_id"),
            membership_roles.c.role == bindparam("role"),
        )
        conditions.append(memberships.c.user_id.in_(holders))
    return sql(
        _members()
        .where(memberships.c.user_id < bindparam("before"), *conditions)
        .order_by(memberships.c.user_id.desc())
        .limit(bindparam("rows"))
    )
