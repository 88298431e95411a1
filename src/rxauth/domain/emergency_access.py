"""Emergency access: a few administrators who may sign in here although everybody must use the identity provider.

It is for the day on which the provider is down or set up wrongly. It takes two factors, each use is said aloud on a
page first, recorded, and told to every administrator.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import administrators, audit, changes, factors, letters, organizations, users
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.mails import Outbox
from rxauth.domain.sessions import Session
from rxauth.domain.users import User
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import memberships
from rxauth.storage.tables.sign_in import sessions
from rxauth.storage.tenancy import sql

PEOPLE_LIMIT: Final = 3
_MINE = memberships.c.organization_id == bindparam("organization_id")
_NAMED = sql(
    select(memberships.c.user_id)
    .where(_MINE, memberships.c.emergency_since.is_not(None))
    .order_by(memberships.c.user_id)
)
_SET = sql(
    update(memberships)
    .where(
        memberships.c.organization_id == bindparam("the_organization_id"), memberships.c.user_id == bindparam("whose")
    )
    .values(emergency_since=bindparam("since"))
)
_USE = sql(
    update(sessions)
    .where(sessions.c.id == bindparam("the_session_id"), sessions.c.ended_at.is_(None))
    .values(emergency_in=bindparam("where"))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An administrator, and whether it has emergency access, or could have it."""

    user: User = field(repr=False)
    is_given: bool
    has_second_factor: bool


def named(transaction: Transaction, organization_id: str) -> Sequence[str]:
    """Returns who has emergency access: of those who were named, the ones that are administrators still."""
    managing = set(administrators.all_of(transaction, organization_id))
    rows = transaction.all(_NAMED, organization_id=organization_id)
    return [row.user_id for row in rows if row.user_id in managing]


def of_administrators(transaction: Transaction, organization_id: str) -> Sequence[Standing]:
    """Lists all administrators."""
    given = set(named(transaction, organization_id))
    found = (users.find(transaction, one) for one in administrators.all_of(transaction, organization_id))
    return [Standing(one, one.id in given, factors.has_second(transaction, one.id)) for one in found if one is not None]


def name(transaction: Transaction, organization_id: str, user_ids: Collection[str], by: Actor, now_us: int) -> None:
    """Gives these people emergency access, and takes it from all others.

    Raises:
        InvalidError: somebody is no administrator or has no second factor, or there are too many of them.
    """
    wanted, now = set(user_ids), now_us // 1_000_000
    if len(wanted) > PEOPLE_LIMIT:
        raise InvalidError(f"at most {PEOPLE_LIMIT} people have emergency access", "userIds")
    if not wanted <= set(administrators.lock(transaction, organization_id)):
        raise InvalidError("only administrators of the organization can have emergency access", "userIds")
    if not all(factors.has_second(transaction, one) for one in wanted):
        raise InvalidError("emergency access takes a second factor: each of them has to add one first", "userIds")
    before = {row.user_id for row in transaction.all(_NAMED, organization_id=organization_id)}
    for user_id in sorted(before ^ wanted):
        since = now if user_id in wanted else None
        transaction.run(_SET, the_organization_id=organization_id, whose=user_id, since=since)
        changes.record(transaction, changes.ChangeKind.PERSON, user_id, now)
        event = Event.EMERGENCY_ACCESS_GIVEN if user_id in wanted else Event.EMERGENCY_ACCESS_TAKEN
        audit.record(transaction, Act(event, by, organization_id, user_id), now_us)


def use(transaction: Transaction, session: Session, organization_id: str, outbox: Outbox, now_us: int) -> bool:
    """Opens an organization to a session whose person may use its emergency access, and tells its administrators.

    False: the session has ended. Whether the person may was judged by the step that led here.
    """
    now = now_us // 1_000_000
    if transaction.run(_USE, the_session_id=session.id, where=organization_id) == 0:
        return False
    changes.record(transaction, changes.ChangeKind.SESSION, session.id, now)
    by = Actor("person", session.user_id)
    act = Act(Event.EMERGENCY_ACCESS_USED, by, organization_id, session.id, network=session.network)
    audit.record(transaction, act, now_us)
    organization, user = organizations.find(transaction, organization_id), users.find(transaction, session.user_id)
    where, who = "" if organization is None else organization.name, "" if user is None else user.email
    administrators.tell(transaction, outbox, organization_id, lambda to: letters.glass_broken(to, where, who), now)
    return True
