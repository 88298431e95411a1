"""Memberships: which people work for which organizations, and with which roles."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Select, bindparam, delete, select

from rxauth.domain import administrators, changes, member_words, provider_leaving, providers, scim_links
from rxauth.domain import users as people
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.users import User
from rxauth.policy.assurance import AAL2, FirstFactor, acr_of, first_factors_of
from rxauth.policy.authority import role_refusal
from rxauth.policy.roles import Role
from rxauth.policy.subjects import ProviderAuthority, UserSubject
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import membership_roles, memberships, users
from rxauth.storage.tenancy import insert_row, sql

_OWN = "a person signs in before an organization is chosen"
_INSERT = insert_row(memberships)
_INSERT_ROLE = insert_row(membership_roles)


def _joined(*conditions: Any) -> Select[Any]:
    return (
        select(
            memberships.c.organization_id,
            memberships.c.user_id,
            organizations.c.name,
            organizations.c.disabled_at,
            organizations.c.session_idle_s,
            organizations.c.session_lifetime_s,
            organizations.c.second_factor_required,
            organizations.c.sole_first_factor,
            memberships.c.emergency_since,
            membership_roles.c.role,
        )
        .select_from(memberships)
        .join(organizations, organizations.c.id == memberships.c.organization_id)
        .outerjoin(
            membership_roles,
            (membership_roles.c.organization_id == memberships.c.organization_id)
            & (membership_roles.c.user_id == memberships.c.user_id),
        )
        .where(*conditions)
        .order_by(memberships.c.organization_id, memberships.c.user_id)
    )


_OF_PERSON = sql(_joined(memberships.c.user_id == bindparam("user_id")), across_tenants=_OWN)
_OF_ORGANIZATION = sql(_joined(memberships.c.organization_id == bindparam("organization_id")))
_PERSON = sql(select(users.c.disabled_at, users.c.tokens_valid_after).where(users.c.id == bindparam("user_id")))
_ROLES = sql(
    select(membership_roles.c.role).where(
        membership_roles.c.organization_id == bindparam("organization_id"),
        membership_roles.c.user_id == bindparam("user_id"),
    )
)
_ROLES_OF = sql(
    select(membership_roles.c.user_id, membership_roles.c.role).where(
        membership_roles.c.organization_id == bindparam("organization_id"),
        membership_roles.c.user_id.in_(bindparam("user_ids", expanding=True)),
    )
)
_TAKE_ROLES, _REMOVE = (
    sql(
        delete(one).where(
            one.c.organization_id == bindparam("organization_id"),
            one.c.user_id.in_(bindparam("user_ids", expanding=True)),
        )
    )
    for one in (membership_roles, memberships)
)


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's place in an organization, and what the organization asks of sessions (None: nothing of its own).

    has_emergency_access: the person may sign in here although all others must use the identity provider.
    """

    organization_id: str
    organization_name: str
    organization_disabled: bool
    session_idle_s: int | None
    session_lifetime_s: int | None
    second_factor_required: bool
    sole_first_factor: FirstFactor | None
    roles: frozenset[Role]
    has_emergency_access: bool = False

    def refusal(self, methods: Iterable[str], emergency_in: str | None = None) -> str | None:
        """Says what the organization asks for that a sign-in with these methods did not prove; None: nothing.

        emergency_in: the organization that the session opens past its identity provider.
        """
        sole, proven = self.sole_first_factor, frozenset(methods)
        if sole is None or sole in first_factors_of(proven):
            is_weak = self.second_factor_required and acr_of(proven) != AAL2
            return "The organization asks for a second factor." if is_weak else None
        if sole is FirstFactor.CONNECTION:
            is_open = self.has_emergency_access and emergency_in == self.organization_id and acr_of(proven) == AAL2
            return None if is_open else "The organization asks that people sign in with its identity provider."
        return f"The organization asks that people sign in with a {sole}."


@dataclass(frozen=True, slots=True)
class Person:
    """What every request of a person is judged by.

    memberships: by organization, without disabled ones. authorities: likewise, those that were ever approved.
    """

    id: str
    disabled: bool
    tokens_valid_after: int
    memberships: Mapping[str, Membership]
    authorities: Mapping[str, ProviderAuthority]

    def subject(self, organization_id: str) -> UserSubject | None:
        """Returns who the person is to an organization; None: nobody, now."""
        membership = self.memberships.get(organization_id)
        if membership is None or self.disabled:
            return None
        return UserSubject(self.id, organization_id, membership.roles, self.authorities.get(organization_id))

    def within(self, organization_id: str | None) -> "Person":
        """Returns the person as one organization alone knows it; None: as all of them do."""
        if organization_id is None:
            return self
        mine = {key: one for key, one in self.memberships.items() if key == organization_id}
        authorities = {key: one for key, one in self.authorities.items() if key == organization_id}
        return replace(self, memberships=mine, authorities=authorities)


def load_person(transaction: Transaction, user_id: str) -> Person | None:
    """Reads what a person's requests are judged by; None: nobody has this identifier."""
    row = transaction.first(_PERSON, user_id=user_id)
    if row is None:
        return None
    mine = {one.organization_id: one for one in of_person(transaction, user_id) if not one.organization_disabled}
    return Person(
        user_id,
        row.disabled_at is not None,
        row.tokens_valid_after,
        mine,
        authorities_of(transaction, user_id, mine.values()),
    )


def authorities_of(
    transaction: Transaction, user_id: str, mine: Iterable[Membership]
) -> Mapping[str, ProviderAuthority]:
    """Returns a person's authorities by organization; nothing is read for whom they could give nothing to."""
    if not any(Role.PRESCRIBER in one.roles for one in mine):
        return {}
    return providers.authorities_of_person(transaction, user_id)


def of_person(transaction: Transaction, user_id: str) -> list[Membership]:
    """Lists the organizations of a person, disabled ones too, oldest first."""
    rows = transaction.all(_OF_PERSON, user_id=user_id)
    return [_membership(list(group)) for _, group in groupby(rows, key=lambda row: row.organization_id)]


def of_organization(transaction: Transaction, organization_id: str) -> dict[str, Membership]:
    """Lists the people of an organization, by their identifiers, in the order in which they were made."""
    rows = transaction.all(_OF_ORGANIZATION, organization_id=organization_id)
    return {user_id: _membership(list(group)) for user_id, group in groupby(rows, key=lambda row: row.user_id)}


def roles_of(transaction: Transaction, organization_id: str, user_ids: Sequence[str]) -> Mapping[str, list[Role]]:
    """Returns the roles of members as they were given, each in the order of the table, by person."""
    found: defaultdict[str, list[Role]] = defaultdict(list)
    for row in transaction.all(_ROLES_OF, organization_id=organization_id, user_ids=user_ids):
        found[row.user_id].append(Role(row.role))
    return {user_id: sorted(given, key=list(Role).index) for user_id, given in found.items()}


def add(
    transaction: Transaction,
    organization_id: str,
    user_id: str,
    roles: Iterable[Role],
    now: int,
    *,
    person: User | None = None,
) -> None:
    """Makes a person a member; a Prescriber's role gives nothing until two people gave the authority.

    person: who it is, where that is known; None: it is looked up.

    Raises:
        InvalidError: no role. ConflictError: the person is a member already.
    """
    transaction.run(_INSERT, organization_id=organization_id, user_id=user_id, created_at=now, emergency_since=None)
    _give_roles(transaction, organization_id, user_id, roles)
    user = person or people.find(transaction, user_id)
    if user is not None:
        member_words.add(transaction, organization_id, user_id, member_words.words_of(user.name, user.email))
        scim_links.joined(transaction, organization_id, user.email, user_id, now)
    changes.record(transaction, changes.ChangeKind.PERSON, user_id, now)


def set_roles(transaction: Transaction, organization_id: str, user_id: str, roles: Iterable[Role], now: int) -> None:
    """Gives a member these roles in place of those before; it bites at the next request.

    Raises:
        AbsentError: no member. InvalidError: no role. LastAdministratorError: see `administrators`.
        AuthorityRefusedError: Prescriber would be new, and the member has no authority that it goes with.
    """
    roles = frozenset(roles)
    authority = providers.lock(transaction, organization_id, user_id)
    administrators.require_another(transaction, organization_id, user_id, keeps=Role.ADMINISTRATOR in roles)
    before = _roles(transaction, organization_id, user_id)
    if transaction.run(_TAKE_ROLES, organization_id=organization_id, user_ids=[user_id]) == 0:
        raise AbsentError(f"{user_id} is no member of the organization")
    if Role.PRESCRIBER in roles - before:
        refused = role_refusal(None if authority is None else providers.state_at(authority, now))
        if refused is not None:
            raise providers.AuthorityRefusedError(refused)
    _give_roles(transaction, organization_id, user_id, roles)
    changes.record(transaction, changes.ChangeKind.PERSON, user_id, now)


def add_roles(transaction: Transaction, organization_id: str, user_id: str, roles: Iterable[Role], now: int) -> None:
    """Gives a member further roles, as an invite names them; see `add`."""
    missing = frozenset(roles) - _roles(transaction, organization_id, user_id)
    if missing:
        _give_roles(transaction, organization_id, user_id, missing)
        changes.record(transaction, changes.ChangeKind.PERSON, user_id, now)


def remove(transaction: Transaction, organization_id: str, user_id: str, now: int) -> None:
    """Ends a membership; see `remove_all`."""
    remove_all(transaction, organization_id, [user_id], now)


def remove_all(transaction: Transaction, organization_id: str, user_ids: Sequence[str], now: int) -> None:
    """Ends memberships; every token for the organization is refused from the next request on.

    An authority to prescribe is suspended: whoever comes back needs two people again.

    Raises:
        AbsentError: somebody is no member. LastAdministratorError: see `administrators`.
    """
    for user_id in sorted(providers.states_of(transaction, organization_id, user_ids, now)):
        provider_leaving.leave(transaction, organization_id, user_id, now)
    administrators.require_others(transaction, organization_id, user_ids)
    transaction.run(_TAKE_ROLES, organization_id=organization_id, user_ids=user_ids)
    member_words.remove(transaction, organization_id, user_ids)
    if transaction.run(_REMOVE, organization_id=organization_id, user_ids=user_ids) < len(user_ids):
        raise AbsentError("somebody of them is no member of the organization")
    changes.record_all(transaction, changes.ChangeKind.PERSON, user_ids, now)


def _roles(transaction: Transaction, organization_id: str, user_id: str) -> frozenset[Role]:
    rows = transaction.all(_ROLES, organization_id=organization_id, user_id=user_id)
    return frozenset(Role(row.role) for row in rows)


def _give_roles(transaction: Transaction, organization_id: str, user_id: str, roles: Iterable[Role]) -> None:
    given = sorted(set(roles))
    if not given:
        raise InvalidError("a member has at least one role")
    rows = [{"organization_id": organization_id, "user_id": user_id, "role": role} for role in given]
    transaction.run_many(_INSERT_ROLE, rows)


def _membership(rows: list[Any]) -> Membership:
    first = rows[0]
    roles = frozenset(Role(row.role) for row in rows if row.role is not None)
    return Membership(
        first.organization_id,
        first.name,
        first.disabled_at is not None,
        first.session_idle_s,
        first.session_lifetime_s,
        first.second_factor_required,
        None if first.sole_first_factor is None else FirstFactor(first.sole_first_factor),
        roles,
        first.emergency_since is not None and Role.ADMINISTRATOR in roles,
    )
