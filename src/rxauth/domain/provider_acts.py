"""What people do about an authority to prescribe; each act is judged under the row's lock, and recorded with it."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from rxauth.domain import provider_checks, provider_facts, provider_records, provider_store, providers, users
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.names import Name
from rxauth.domain.provider_attempts import Attempt, begin
from rxauth.domain.provider_facts import Facts
from rxauth.domain.providers import AuthorityRefusedError, Proposal, Provider
from rxauth.ids import Kind, new_id
from rxauth.policy.authority import Act, Doer, Refusal, State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import membership_roles
from rxauth.storage.tenancy import insert_row

_STALE: Final = Refusal("proposal_stale", "this is not what waits for approval now: look at it again")
_GIVE_ROLE = insert_row(membership_roles)
_WORSE: Final = frozenset(LicenceStatus) - {LicenceStatus.ACTIVE}


class Reason(StrEnum):
    """Why an authority was rejected, suspended or revoked."""

    LICENCE_LAPSED = "licence_lapsed"
    FACTOR_LOST = "factor_lost"
    LEFT = "left"
    BOARD_ACTION = "board_action"
    REQUESTED = "requested"
    MISTAKEN = "mistaken"
    OTHER = "other"


_REASONS: Final = frozenset(Reason)


def propose(
    transaction: Transaction, organization_id: str, user_id: str, facts: Facts, *, doer: Doer, now: int
) -> Provider:
    """Proposes that a member may prescribe; it waits for a second person, for 7 days.

    Raises:
        InvalidError: a fact that no provider has. AbsentError: no member. AuthorityRefusedError: with its code.
        ConflictError: somebody proposed the same person at the same moment.
    """
    allowed = begin(transaction, Act.PROPOSE, organization_id, user_id, doer=doer, now=now)
    return _ask(transaction, allowed, facts)


def ask_change(
    transaction: Transaction, organization_id: str, user_id: str, facts: Facts, *, doer: Doer, now: int
) -> Provider:
    """Proposes other facts for an approved provider, whose authority goes on as it is until a second person decides.

    Raises:
        as for `propose`.
    """
    allowed = begin(transaction, Act.ASK_CHANGE, organization_id, user_id, doer=doer, now=now)
    return _ask(transaction, allowed, facts)


def ask_restore(
    transaction: Transaction, organization_id: str, user_id: str, facts: Facts | None, *, doer: Doer, now: int
) -> Provider:
    """Proposes to give a suspended authority back; facts None: those that it had.

    Raises:
        as for `propose`.
    """
    allowed = begin(transaction, Act.ASK_RESTORE, organization_id, user_id, doer=doer, now=now)
    return _ask(transaction, allowed, facts or allowed.before.facts)


def approve(
    transaction: Transaction, organization_id: str, user_id: str, proposal_id: str, *, doer: Doer, now: int
) -> Provider:
    """Puts what was proposed in force, as the second person; everything that it rests on is read anew.

    The member gets the Prescriber role.

    Raises:
        AbsentError: no member. AuthorityRefusedError: with its code.
    """
    allowed = begin(transaction, Act.APPROVE, organization_id, user_id, doer=doer, now=now)
    before, proposal = allowed.before, _waiting(allowed.before, proposal_id)
    name = _member(transaction, organization_id, user_id)
    refused = provider_checks.refusal(transaction, proposal.facts, name, now)
    if refused is not None:
        raise AuthorityRefusedError(refused)
    goes_on = proposal.act is Act.ASK_CHANGE and before.effective_from is not None
    after = replace(
        before,
        state=allowed.state,
        facts=provider_checks.verified(transaction, proposal.facts, name, doer.name, now),
        effective_from=before.effective_from if goes_on else now,
        reason=None,
        proposed_by=proposal.asked_by,
        approved_by=doer.name,
        approved_at=now,
        proposal=None,
        changed_at=now,
    )
    provider_store.store(transaction, after)
    subject = providers.subject_for_writing(transaction, organization_id, user_id)
    if subject is not None and Role.PRESCRIBER not in subject.roles:
        transaction.run(_GIVE_ROLE, organization_id=organization_id, user_id=user_id, role=Role.PRESCRIBER)
    provider_records.approved(transaction, proposal, allowed.standing, doer, after)
    return after


def reject(
    transaction: Transaction, organization_id: str, user_id: str, proposal_id: str, reason: str, *, doer: Doer, now: int
) -> Provider:
    """Declines what was proposed; an authority that is in force, or suspended, stays as it was.

    reason: one of `Reason`.

    Raises:
        InvalidError: no such reason. AuthorityRefusedError: with its code.
    """
    code = _reason(reason)
    allowed = begin(transaction, Act.REJECT, organization_id, user_id, doer=doer, now=now)
    before, proposal = allowed.before, _waiting(allowed.before, proposal_id)
    kept = code if allowed.state is State.REJECTED else before.reason
    after = replace(before, state=allowed.state, reason=kept, proposal=None, changed_at=now)
    provider_store.store(transaction, after)
    details = {"proposal_id": proposal.id, "first_by": proposal.asked_by, "why": code}
    provider_records.done(transaction, Act.REJECT, doer, after, details)
    return after


def suspend(
    transaction: Transaction, organization_id: str, user_id: str, reason: str, *, doer: Doer, now: int
) -> Provider:
    """Stops an authority at once, and whatever was proposed for it; giving it back takes two people.

    reason: one of `Reason`.

    Raises:
        InvalidError: no such reason. AuthorityRefusedError: with its code.
    """
    code = _reason(reason)
    return _end(transaction, begin(transaction, Act.SUSPEND, organization_id, user_id, doer=doer, now=now), code)


def revoke(
    transaction: Transaction, organization_id: str, user_id: str, reason: str, *, doer: Doer, now: int
) -> Provider:
    """Ends an authority for good: whoever is to prescribe again is proposed anew.

    reason: one of `Reason`.

    Raises:
        InvalidError: no such reason. AuthorityRefusedError: with its code.
    """
    code = _reason(reason)
    return _end(transaction, begin(transaction, Act.REVOKE, organization_id, user_id, doer=doer, now=now), code)


def limit(
    transaction: Transaction,
    organization_id: str,
    user_id: str,
    held: tuple[str, str],
    status: str,
    *,
    doer: Doer,
    now: int,
) -> Provider:
    """Notes at once that a licence got worse; what was proposed before rests on what no longer is, and falls.

    held: the state and the number of the licence. status: one of `LicenceStatus`, but not active.

    Raises:
        InvalidError: no status that is worse. AbsentError: no such licence. AuthorityRefusedError: with its code.
    """
    if status not in _WORSE:
        raise InvalidError(f"a licence that got worse is one of {', '.join(sorted(_WORSE))}")
    allowed = begin(transaction, Act.LIMIT, organization_id, user_id, doer=doer, now=now)
    facts = allowed.before.facts
    if facts is None or held not in {(one.licence.state, one.licence.number) for one in facts.licences}:
        raise AbsentError(f"this provider has no such licence in {held[0]}")
    licences = tuple(
        replace(one, licence=Licence(*held, LicenceStatus(status), one.licence.expires_on))
        if (one.licence.state, one.licence.number) == held
        else one
        for one in facts.licences
    )
    after = replace(allowed.before, facts=replace(facts, licences=licences), proposal=None, changed_at=now)
    provider_store.store(transaction, after)
    details = {"licence_state": held[0], "licence_status": status}
    provider_records.done(transaction, Act.LIMIT, doer, after, details)
    return after


def _ask(transaction: Transaction, allowed: Attempt, facts: Facts | None) -> Provider:
    before, doer, now = allowed.before, allowed.doer, allowed.now
    name = _member(transaction, before.organization_id, before.user_id)
    if facts is None:
        raise InvalidError("there are no facts to go back to: propose some")
    provider_facts.require(facts, now)
    refused = provider_checks.contradiction(transaction, facts, name)
    if refused is not None:
        raise AuthorityRefusedError(refused)
    proposed = provider_facts.checked_by(facts, doer.name, before.facts)
    proposal = Proposal(new_id(Kind.PROPOSAL, now * 1000), allowed.act, doer.name, now, proposed)
    kept = before.reason if allowed.act is Act.ASK_RESTORE else None
    after = replace(before, state=allowed.state, reason=kept, proposal=proposal, changed_at=now)
    provider_store.store(transaction, after, is_new=allowed.standing.state is None)
    provider_records.asked(transaction, proposal, doer, after)
    return after


def _end(transaction: Transaction, allowed: Attempt, reason: Reason) -> Provider:
    after = replace(allowed.before, state=allowed.state, reason=reason, proposal=None, changed_at=allowed.now)
    provider_store.store(transaction, after)
    provider_records.done(transaction, allowed.act, allowed.doer, after, {"why": reason})
    return after


def _waiting(before: Provider, proposal_id: str) -> Proposal:
    if before.proposal is None or before.proposal.id != proposal_id:
        raise AuthorityRefusedError(_STALE)
    return before.proposal


def _member(transaction: Transaction, organization_id: str, user_id: str) -> Name:
    user = users.find(transaction, user_id)
    if user is None or providers.subject_for_writing(transaction, organization_id, user_id) is None:
        raise AbsentError(f"{user_id} is no member of the organization, or is disabled")
    return user.name


def _reason(text: str) -> Reason:
    if text not in _REASONS:
        raise InvalidError(f"the reason is one of {', '.join(Reason)}")
    return Reason(text)
