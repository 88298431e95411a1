"""The people around an authority, and what each of them, and the register, would say to an approval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import doer
from rxauth.domain import called, nppes, provider_checks, provider_people, providers
from rxauth.domain.names import Name
from rxauth.domain.nppes import Listed
from rxauth.domain.provider_facts import Facts, Verification
from rxauth.domain.provider_people import Practice
from rxauth.domain.providers import Proposal, Provider
from rxauth.ids import Kind, is_id
from rxauth.policy import authority, decide
from rxauth.policy.authority import OPERATOR, PROPOSAL_LIFETIME_S, Act, Refusal, Standing
from rxauth.policy.subjects import UserSubject

_NOBODY: Final = Name("", "")


@dataclass(frozen=True, slots=True)
class NpiCheck:
    """What the register says of an NPI. problem None: it is this person's. imported_at: UTC seconds."""

    npi: str
    problem: Refusal | None
    imported_at: int | None


def met(context: Context, found: Sequence[Provider]) -> Sequence[Provider]:
    """Notes whose names, roles and NPIs authorities may be asked for."""
    asked = [one.proposal for one in found if one.proposal is not None]
    facts = [one.facts for one in found if one.facts is not None] + [one.facts for one in asked]
    people = [one for each in found for one in (each.user_id, each.proposed_by, each.approved_by)]
    people += [one.asked_by for one in asked]
    people += [one.checked_by for each in facts for one in _verifications(each)]
    context.want(called.people, (one for one in people if _is_person(one)))
    context.want(provider_people.roles, (one.asked_by for one in asked))
    context.want(provider_people.active_prescriptions, (one.user_id for one in found))
    context.want(nppes.look_up_all, (one.npi for one in facts))
    return found


def name_of(context: Context, user_id: str | None) -> str | None:
    """Returns the full name of a person; None: this names nobody, such as the operator."""
    if not _is_person(user_id):
        return None
    found: Name | None = context.get(called.people, user_id)
    return None if found is None else found.full


def name(source: Provider, info: Info) -> str:
    """ProviderAuthority.name."""
    return name_of(info.context, source.user_id) or ""


def proposed_by_name(source: Provider, info: Info) -> str | None:
    """ProviderAuthority.proposedByName."""
    return name_of(info.context, source.proposed_by)


def approved_by_name(source: Provider, info: Info) -> str | None:
    """ProviderAuthority.approvedByName."""
    return name_of(info.context, source.approved_by)


def asked_by_name(source: Proposal, info: Info) -> str | None:
    """AuthorityProposal.askedByName."""
    return name_of(info.context, source.asked_by)


def lapses_at(source: Proposal, _info: Info) -> int:
    """AuthorityProposal.lapsesAt."""
    return (source.asked_at + PROPOSAL_LIFETIME_S) * 1_000


def checked_by_name(source: Verification, info: Info) -> str | None:
    """FactVerification.checkedByName."""
    return name_of(info.context, source.checked_by)


def acts(source: Provider, info: Info) -> list[str]:
    """ProviderAuthority.acts."""
    return [act.name for act in Act if _refusal(source, info.context, act) is None]


def approval_refusal(source: Provider, info: Info) -> Refusal | None:
    """ProviderAuthority.approvalRefusal: an approval judges all of it again."""
    context, now = info.context, info.context.clock.seconds()
    proposal = source.proposal
    if proposal is None or now >= proposal.asked_at + PROPOSAL_LIFETIME_S:
        return None
    of_person = _refusal(source, context, Act.APPROVE)
    if of_person is not None:
        return of_person
    listed = context.get(nppes.look_up_all, proposal.facts.npi)
    whose: Name = context.get(called.people, source.user_id) or _NOBODY
    return context.read(lambda tx: provider_checks.refusal(tx, proposal.facts, whose, now, lambda _tx, _npi: listed))


def active_prescriptions(source: Provider, info: Info) -> int:
    """ProviderAuthority.activePrescriptions."""
    number: int | None = info.context.get(provider_people.active_prescriptions, source.user_id)
    return number or 0


def npi_check(source: Provider, info: Info) -> NpiCheck | None:
    """ProviderAuthority.npiCheck."""
    context = info.context
    facts = source.facts if source.proposal is None else source.proposal.facts
    if facts is None:
        return None
    listed: Listed | None = context.get(nppes.look_up_all, facts.npi)
    whose: Name = context.get(called.people, source.user_id) or _NOBODY
    found = context.read(lambda tx: nppes.problem(tx, facts.npi, whose.first, whose.last, lambda _tx, _npi: listed))
    problem = None if found is None else Refusal(found, nppes.REASONS[found])
    return NpiCheck(facts.npi, problem, None if listed is None else listed.imported_at)


def _refusal(source: Provider, context: Context, act: Act) -> Refusal | None:
    """Says why the caller could not do something, once two factors were proven."""
    now = context.clock.seconds()
    return authority.refusal(
        act, _standing(source, context, now), replace(doer(context.caller), second_factor_at=now), now
    )


def _standing(source: Provider, context: Context, now: int) -> Standing:
    practice: Practice = context.get(provider_people.practice, context.organization_id)
    proposal = source.proposal
    return Standing(
        state=providers.state_at(source, now),
        provider_id=source.user_id,
        asked_by=None if proposal is None else proposal.asked_by,
        asked_at=None if proposal is None else proposal.asked_at,
        members=practice.members,
        solo=practice.solo,
        asker_may_ask=proposal is None or _may_ask(context, proposal, now),
    )


def _may_ask(context: Context, proposal: Proposal, now: int) -> bool:
    if proposal.asked_by == OPERATOR:
        return True
    roles = context.get(provider_people.roles, proposal.asked_by) or frozenset()
    subject = UserSubject(proposal.asked_by, context.organization_id, roles, None)
    return authority.PERMISSIONS[proposal.act] in decide.held(subject, now)


def _verifications(facts: Facts) -> Iterable[Verification]:
    found = [facts.npi_verification, *(one.verification for one in facts.licences)]
    found += [one.verification for one in facts.registrations]
    return [one for one in found if one is not None]


def _is_person(name: str | None) -> bool:
    return name is not None and is_id(Kind.USER, name)
