"""Whether somebody may act on an authority: what policy judges by, read under the row's lock."""

from dataclasses import dataclass, replace

from sqlalchemy import bindparam, func, select

from rxauth.domain import providers
from rxauth.domain.providers import AuthorityRefusedError, Proposal, Provider
from rxauth.policy import authority, decide
from rxauth.policy.authority import OPERATOR, Act, Doer, Standing, State
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import memberships
from rxauth.storage.tables.people import users as people
from rxauth.storage.tenancy import sql

SOLO = sql(select(organizations.c.solo_authority).where(organizations.c.id == bindparam("organization_id")))
MEMBERS = sql(
    select(func.count().label("number"))
    .select_from(memberships)
    .join(people, people.c.id == memberships.c.user_id)
    .where(memberships.c.organization_id == bindparam("organization_id"), people.c.disabled_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An act that policy allows, on an authority whose row is locked. state: where it leads."""

    act: Act
    before: Provider
    standing: Standing
    state: State
    doer: Doer
    now: int


def begin(transaction: Transaction, act: Act, organization_id: str, user_id: str, *, doer: Doer, now: int) -> Attempt:
    """Asks policy; whatever it judges by, what the doer may do too, is read under the row's lock."""
    found = providers.lock(transaction, organization_id, user_id)
    standing = _standing(transaction, organization_id, user_id, found, now)
    refused = authority.refusal(act, standing, _now(transaction, organization_id, doer, now), now)
    if refused is not None:
        raise AuthorityRefusedError(refused)
    before = found or Provider(organization_id, user_id, State.PROPOSED)
    return Attempt(act, before, standing, authority.TRANSITIONS[standing.state, act], doer, now)


def _standing(
    transaction: Transaction, organization_id: str, user_id: str, found: Provider | None, now: int
) -> Standing:
    proposal = None if found is None else found.proposal
    row = transaction.first(SOLO, organization_id=organization_id)
    return Standing(
        state=None if found is None else providers.state_at(found, now),
        provider_id=user_id,
        asked_by=None if proposal is None else proposal.asked_by,
        asked_at=None if proposal is None else proposal.asked_at,
        members=transaction.first(MEMBERS, organization_id=organization_id).number,
        solo=row is not None and bool(row.solo_authority),
        asker_may_ask=proposal is None or _may_ask(transaction, organization_id, proposal, now),
    )


def _now(transaction: Transaction, organization_id: str, doer: Doer, now: int) -> Doer:
    """Returns a person with the permissions that still hold: a role may have been taken since the request began."""
    if doer.user_id is None:
        return doer
    subject = providers.subject_for_writing(transaction, organization_id, doer.user_id)
    held = frozenset() if subject is None else frozenset(decide.held(subject, now))
    return replace(doer, permissions=doer.permissions & held)


def _may_ask(transaction: Transaction, organization_id: str, proposal: Proposal, now: int) -> bool:
    if proposal.asked_by == OPERATOR:
        return True
    subject = providers.subject_for_writing(transaction, organization_id, proposal.asked_by)
    return subject is not None and authority.PERMISSIONS[proposal.act] in decide.held(subject, now)
