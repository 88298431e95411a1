"""Providers: where each authority to prescribe stands, and what it rests on. Who moves it stands in `provider_acts`.

The authority's row is the lock: whatever gives, takes or limits authority, or ends what it needs (a role, a
membership), locks the row, and whoever prescribes reads it FOR SHARE in the writing transaction. So no prescription
commits on an authority that was taken before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, null, select, union_all

from rxauth.domain import provider_json
from rxauth.domain.errors import DomainError
from rxauth.domain.provider_facts import Facts, HeldLicence, Registration
from rxauth.policy import authority as policy
from rxauth.policy.authority import Act, Refusal, State
from rxauth.policy.roles import Role
from rxauth.policy.subjects import ProviderAuthority, UserSubject
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import membership_roles, memberships, users
from rxauth.storage.tables.providers import provider_authorities as table
from rxauth.storage.tables.providers import provider_licences, provider_registrations
from rxauth.storage.tenancy import sql

_EVERYWHERE = "a person's authorities are read before an organization is chosen"
_MINE = table.c.organization_id == bindparam("organization_id")
_THEIRS = table.c.user_id == bindparam("user_id")
_ONE = sql(select(*table.c).where(_MINE, _THEIRS))
_LOCKED = sql(select(*table.c).where(_MINE, _THEIRS).with_for_update())
_SHARED = sql(select(*table.c).where(_MINE, _THEIRS).with_for_update(read=True))
_STATES = sql(
    select(table.c.user_id, table.c.state, table.c.asked_at, table.c.effective_until).where(
        _MINE, table.c.user_id.in_(bindparam("user_ids", expanding=True))
    )
)
_OF_PEOPLE = sql(select(*table.c).where(_MINE, table.c.user_id.in_(bindparam("user_ids", expanding=True))))
_LOCK_ORGANIZATION = sql(select(table.c.user_id).where(_MINE).order_by(table.c.user_id).with_for_update())
_OF_PERSON = sql(select(*table.c).where(_THEIRS, table.c.npi.is_not(None)), across_tenants=_EVERYWHERE)
_LOCK_PERSON = sql(
    select(table.c.organization_id).where(_THEIRS).order_by(table.c.organization_id).with_for_update(),
    across_tenants="a person is shut out of every organization at once",
)
_LICENCES = sql(
    select(*provider_licences.c)
    .where(
        provider_licences.c.organization_id == bindparam("organization_id"),
        provider_licences.c.user_id.in_(bindparam("user_ids", expanding=True)),
    )
    .order_by(provider_licences.c.user_id, provider_licences.c.state, provider_licences.c.number)
)
_LICENCES_OF_PERSON = sql(
    select(*provider_licences.c)
    .where(provider_licences.c.user_id == bindparam("user_id"))
    .order_by(provider_licences.c.state, provider_licences.c.number),
    across_tenants=_EVERYWHERE,
)
_REGISTRATIONS = sql(
    select(*provider_registrations.c)
    .where(
        provider_registrations.c.organization_id == bindparam("organization_id"),
        provider_registrations.c.user_id.in_(bindparam("user_ids", expanding=True)),
    )
    .order_by(provider_registrations.c.user_id, provider_registrations.c.number)
)
_LICENCE = tuple(provider_licences.c[name] for name in ("state", "number", "status", "expires_on"))
# A member's roles, one of them null if there are none, and then the licences: one statement, because each counts.
_STANDING = sql(
    union_all(
        select(membership_roles.c.role, *(null().label(column.name) for column in _LICENCE))
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
            memberships.c.user_id == bindparam("user_id"),
            organizations.c.disabled_at.is_(None),
            users.c.disabled_at.is_(None),
        ),
        select(null().label("role"), *_LICENCE).where(
            provider_licences.c.organization_id == bindparam("organization_id"),
            provider_licences.c.user_id == bindparam("user_id"),
        ),
    )
)


class AuthorityRefusedError(DomainError):
    """An act on an authority was refused; `code` is for programs and the audit log, str() for whoever asked."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.code = refusal.code
        self.reason = refusal.reason


@dataclass(frozen=True, slots=True)
class Proposal:
    """What waits for a second person. asked_by: a user's identifier, or "operator". asked_at: UTC seconds."""

    id: str
    act: Act
    asked_by: str
    asked_at: int
    facts: Facts


@dataclass(frozen=True, slots=True)
class Provider:
    """An authority as it is stored; dates are judged at every use.

    facts: what two people approved last, None: nothing yet. reason: the code with which it was rejected, suspended or
    revoked. proposed_by, approved_by: the two people of the last approval. Times: UTC seconds.
    """

    organization_id: str
    user_id: str
    state: State
    facts: Facts | None = None
    effective_from: int | None = None
    reason: str | None = None
    proposed_by: str | None = None
    approved_by: str | None = None
    approved_at: int | None = None
    proposal: Proposal | None = None
    changed_at: int = 0


def find(transaction: Transaction, organization_id: str, user_id: str) -> Provider | None:
    """Returns a person's authority in an organization; None: nobody ever proposed one."""
    row = transaction.first(_ONE, organization_id=organization_id, user_id=user_id)
    return None if row is None else of_rows(transaction, organization_id, [row])[0]


def lock(transaction: Transaction, organization_id: str, user_id: str) -> Provider | None:
    """Returns what `find` does, and has whoever prescribes or acts on it wait until this transaction ends."""
    row = transaction.first(_LOCKED, organization_id=organization_id, user_id=user_id)
    return None if row is None else of_rows(transaction, organization_id, [row])[0]


def lock_person(transaction: Transaction, user_id: str) -> None:
    """Has whoever prescribes in this person's name, anywhere, wait until this transaction ends."""
    transaction.all(_LOCK_PERSON, user_id=user_id)


def lock_organization(transaction: Transaction, organization_id: str) -> None:
    """Has whoever prescribes in an organization wait until this transaction ends."""
    transaction.all(_LOCK_ORGANIZATION, organization_id=organization_id)


def of_rows(transaction: Transaction, organization_id: str, rows: Sequence[Any]) -> list[Provider]:
    """Returns whole rows of the table as authorities, with the facts of all of them."""
    ids = [row.user_id for row in rows if row.npi is not None]
    licences, registrations = defaultdict(list), defaultdict(list)
    if ids:
        for one in transaction.all(_LICENCES, organization_id=organization_id, user_ids=ids):
            stored = provider_json.stored_licence(one._mapping)
            licences[one.user_id].append(HeldLicence(stored, provider_json.verification_from_json(one._mapping)))
        for one in transaction.all(_REGISTRATIONS, organization_id=organization_id, user_ids=ids):
            registrations[one.user_id].append(provider_json.stored_registration(one._mapping))
    return [_provider(row, licences[row.user_id], registrations[row.user_id]) for row in rows]


def state_at(provider: Provider, now: int) -> State:
    """Returns where an authority stands at `now` (UTC seconds), dates counted."""
    asked_at = None if provider.proposal is None else provider.proposal.asked_at
    until = None if provider.facts is None else provider.facts.effective_until
    return policy.state_at(provider.state, asked_at, until, now)


def states_of(transaction: Transaction, organization_id: str, user_ids: Sequence[str], now: int) -> Mapping[str, State]:
    """Returns where the authorities of some people stand at `now`, by person; who never had one is not there."""
    rows = transaction.all(_STATES, organization_id=organization_id, user_ids=user_ids)
    return {row.user_id: policy.state_at(State(row.state), row.asked_at, row.effective_until, now) for row in rows}


def of_people(transaction: Transaction, organization_id: str, user_ids: Sequence[str]) -> Mapping[str, Provider]:
    """Returns the authorities of some people, whatever their state, by person."""
    rows = transaction.all(_OF_PEOPLE, organization_id=organization_id, user_ids=user_ids)
    return {one.user_id: one for one in of_rows(transaction, organization_id, rows)}


def authority(provider: Provider) -> ProviderAuthority:
    """Returns what policy judges."""
    facts = provider.facts
    return ProviderAuthority(
        provider.state,
        provider.effective_from or 0,
        None if facts is None else facts.effective_until,
        () if facts is None else tuple(one.licence for one in facts.licences),
        provider.reason,
    )


def authorities_of_person(transaction: Transaction, user_id: str) -> Mapping[str, ProviderAuthority]:
    """Returns a person's authorities by organization, without those that nobody approved yet."""
    rows = transaction.all(_OF_PERSON, user_id=user_id)
    if not rows:
        return {}
    licences = defaultdict(list)
    for one in transaction.all(_LICENCES_OF_PERSON, user_id=user_id):
        licences[one.organization_id].append(provider_json.stored_licence(one._mapping))
    return {row.organization_id: stored_authority(row, licences[row.organization_id]) for row in rows}


def subject_for_writing(transaction: Transaction, organization_id: str, user_id: str) -> UserSubject | None:
    """Returns who a person is to an organization now, read and locked in a write: it stays true until the commit.

    None: no member, disabled, or of a disabled organization.
    """
    # The row first: what is read after it was locked is what holds.
    row = transaction.first(_SHARED, organization_id=organization_id, user_id=user_id)
    found = transaction.all(_STANDING, organization_id=organization_id, user_id=user_id)
    roles = [one.role for one in found if one.number is None]
    if not roles:
        return None
    given = frozenset(Role(one) for one in roles if one is not None)
    if row is None or row.npi is None:
        return UserSubject(user_id, organization_id, given, None)
    licences = [provider_json.stored_licence(one._mapping) for one in found if one.number is not None]
    licences.sort(key=lambda one: (one.state, one.number))
    return UserSubject(user_id, organization_id, given, stored_authority(row, licences))


def _provider(row: Any, licences: Iterable[HeldLicence], registrations: Iterable[Registration]) -> Provider:
    facts = None
    if row.npi is not None:
        evidence = provider_json.verification_from_json(row.npi_verification)
        facts = Facts(row.npi, evidence, tuple(licences), tuple(registrations), row.effective_until)
    proposal = None
    if row.proposal_id is not None:
        proposed = provider_json.from_json(row.proposal)
        proposal = Proposal(row.proposal_id, Act(row.asked_act), row.asked_by, row.asked_at, proposed)
    return Provider(
        row.organization_id,
        row.user_id,
        State(row.state),
        facts,
        row.effective_from,
        row.reason,
        row.proposed_by,
        row.approved_by,
        row.approved_at,
        proposal,
        row.changed_at,
    )


def stored_authority(row: Any, licences: Iterable[Any]) -> ProviderAuthority:
    """Returns what policy judges of a stored row that somebody approved."""
    return ProviderAuthority(
        State(row.state), row.effective_from or 0, row.effective_until, tuple(licences), row.reason
    )
