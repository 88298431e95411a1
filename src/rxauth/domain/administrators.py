"""Administrators of an organization: there is always one, and letters tell them of what concerns all of its people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain.errors import RefusedError
from rxauth.domain.mails import Letter, Outbox
from rxauth.policy.assurance import FirstFactor
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import membership_roles, memberships, users
from rxauth.storage.tenancy import sql

# Who was shut out manages nothing.
_MANAGING: Final = (
    select(membership_roles.c.user_id, users.c.email)
    .join(users, users.c.id == membership_roles.c.user_id)
    .where(
        membership_roles.c.organization_id == bindparam("organization_id"),
        membership_roles.c.role == Role.ADMINISTRATOR,
        users.c.disabled_at.is_(None),
    )
    .order_by(membership_roles.c.user_id)
)
_ALL: Final = sql(_MANAGING)
_LOCKED: Final = sql(_MANAGING.with_for_update(of=membership_roles))


# Who may go past the identity provider, where all others must use it.
_EMERGENCY: Final = sql(
    select(memberships.c.user_id)
    .join(organizations, organizations.c.id == memberships.c.organization_id)
    .where(
        memberships.c.organization_id == bindparam("organization_id"),
        memberships.c.emergency_since.is_not(None),
        organizations.c.sole_first_factor == FirstFactor.CONNECTION,
    )
)


class LastAdministratorError(RefusedError):
    """An organization would be left without anybody who can manage it."""

    def __init__(self) -> None:
        message = "this is the organization's only administrator: make somebody else one first"
        super().__init__("last_administrator", message)


def all_of(transaction: Transaction, organization_id: str) -> list[str]:
    """Returns the administrators."""
    return [row.user_id for row in transaction.all(_ALL, organization_id=organization_id)]


class LastWithEmergencyAccessError(RefusedError):
    """An organization whose people must use its identity provider would be left without a way past it."""

    def __init__(self) -> None:
        message = "everybody must use single sign-on, and only this person has emergency access: give it to another"
        super().__init__("last_emergency_access", message)


def but(transaction: Transaction, organization_id: str, user_ids: Sequence[str]) -> Mapping[str, int]:
    """Returns how many administrators the organization has beside each of some people; who was shut out is none."""
    found = set(all_of(transaction, organization_id))
    return {user_id: len(found - {user_id}) for user_id in user_ids}


def lock(transaction: Transaction, organization_id: str) -> list[str]:
    """Returns the administrators, and has whoever gives or takes roles wait until this transaction ends.

    So two of them cannot take the role from each other at the same moment.
    """
    return [row.user_id for row in transaction.all(_LOCKED, organization_id=organization_id)]


def require_another(transaction: Transaction, organization_id: str, user_id: str, *, keeps: bool) -> None:
    """Checks that somebody can still manage the organization if a member is an administrator no longer.

    keeps: the member stays one.

    Raises:
        LastAdministratorError, LastWithEmergencyAccessError: see there.
    """
    require_others(transaction, organization_id, () if keeps else (user_id,))


def require_others(transaction: Transaction, organization_id: str, leaving: Iterable[str]) -> None:
    """Checks that somebody can still manage the organization if some members are administrators no longer.

    Raises:
        LastAdministratorError, LastWithEmergencyAccessError: see there.
    """
    found = set(lock(transaction, organization_id))
    gone = found.intersection(leaving)
    if not gone:
        return
    if gone == found:
        raise LastAdministratorError
    rows = transaction.all(_EMERGENCY, organization_id=organization_id)
    passing = {row.user_id for row in rows} & found
    if passing and passing <= gone:
        raise LastWithEmergencyAccessError


def tell(
    transaction: Transaction, outbox: Outbox, organization_id: str, write: Callable[[str], Letter], now: int
) -> None:
    """Has a letter sent to every administrator; write: makes it for one address."""
    for row in transaction.all(_ALL, organization_id=organization_id):
        outbox.put(transaction, write(row.email), now)
