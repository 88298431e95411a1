"""Providers' authority: read, asked for, given and taken."""

from collections.abc import Callable, Sequence
from typing import Any

from rxauth.api.context import Info
from rxauth.api.errors import StepUpError
from rxauth.api.management.callers import TWO_FACTORS, doer
from rxauth.api.management.inputs import FactsInput
from rxauth.api.management.provider_people import met
from rxauth.domain import provider_acts, provider_lists, provider_records, providers
from rxauth.domain.errors import AbsentError
from rxauth.domain.paging import page
from rxauth.domain.provider_acts import Reason
from rxauth.domain.provider_facts import Facts
from rxauth.domain.provider_lists import Candidate
from rxauth.domain.providers import AuthorityRefusedError, Provider
from rxauth.ids import Kind, is_id
from rxauth.policy.authority import State
from rxauth.policy.licences import LicenceStatus
from rxauth.storage.database import Transaction

Act = Callable[..., Provider]


def provider(_root: None, info: Info, user_id: str) -> Provider | None:
    """Query.providerAuthority."""
    context = info.context
    found = context.read(lambda tx: providers.find(tx, context.organization_id, user_id))
    return None if found is None else met(context, [found])[0]


def search(
    _root: None,
    info: Info,
    state: str | None = None,
    waiting: bool | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Provider]:
    """Query.providerAuthorities: whatever state they are in, or in one, or those that wait for a second person."""
    context = info.context
    now, wanted = context.clock.seconds(), page(after, first)
    one = None if state is None else State[state]
    found = context.read(
        lambda tx: provider_lists.search(tx, context.organization_id, wanted, now, state=one, waiting=waiting)
    )
    return met(context, found)


def candidate(_root: None, info: Info, user_id: str) -> Candidate | None:
    """Query.providerCandidate."""
    context, now, one = info.context, info.context.clock.seconds(), page(None, 1)
    found = context.read(lambda tx: provider_lists.candidates(tx, context.organization_id, one, now, user_id=user_id))
    return found[0] if found else None


def candidates(
    _root: None, info: Info, name: str | None = None, after: str | None = None, first: int | None = None
) -> Sequence[Candidate]:
    """Query.providerCandidates."""
    context, now, wanted = info.context, info.context.clock.seconds(), page(after, first)
    return context.read(lambda tx: provider_lists.candidates(tx, context.organization_id, wanted, now, name=name or ""))


def propose(_root: None, info: Info, user_id: str, facts: FactsInput) -> Provider:
    """Mutation.proposeProviderAuthority."""
    return _act(info, provider_acts.propose, user_id, _facts(info, facts))


def change(_root: None, info: Info, user_id: str, facts: FactsInput) -> Provider:
    """Mutation.changeProviderAuthority."""
    return _act(info, provider_acts.ask_change, user_id, _facts(info, facts))


def ask_restore(_root: None, info: Info, user_id: str, facts: FactsInput | None = None) -> Provider:
    """Mutation.askRestoreProviderAuthority."""
    return _act(info, provider_acts.ask_restore, user_id, None if facts is None else _facts(info, facts))


def approve(_root: None, info: Info, user_id: str, proposal_id: str) -> Provider:
    """Mutation.approveProviderAuthority."""
    return _act(info, provider_acts.approve, user_id, proposal_id)


def reject(_root: None, info: Info, user_id: str, proposal_id: str, reason: str) -> Provider:
    """Mutation.rejectProviderAuthority."""
    return _act(info, provider_acts.reject, user_id, proposal_id, Reason[reason])


def suspend(_root: None, info: Info, user_id: str, reason: str) -> Provider:
    """Mutation.suspendProviderAuthority."""
    return _act(info, provider_acts.suspend, user_id, Reason[reason])


def revoke(_root: None, info: Info, user_id: str, reason: str) -> Provider:
    """Mutation.revokeProviderAuthority."""
    return _act(info, provider_acts.revoke, user_id, Reason[reason])


def limit(_root: None, info: Info, user_id: str, state: str, number: str, status: str) -> Provider:
    """Mutation.limitProviderLicence."""
    return _act(info, provider_acts.limit, user_id, (state, number), LicenceStatus[status])


def _act(info: Info, act: Act, user_id: str, *arguments: Any) -> Provider:
    """Acts in one write; a refusal is recorded in another, because the first was rolled back.

    Raises:
        AbsentError: this is nobody's identifier, or that of nobody who was ever proposed here. StepUpError: the caller
        must prove two factors again. AuthorityRefusedError: with its code.
    """
    context = info.context
    organization_id, now = context.organization_id, context.clock.seconds()
    one = doer(context.caller)

    def work(transaction: Transaction) -> Provider:
        is_new = act is provider_acts.propose
        if not is_id(Kind.USER, user_id) or not (is_new or providers.find(transaction, organization_id, user_id)):
            raise AbsentError("there is no such provider", "userId")
        return act(transaction, organization_id, user_id, *arguments, doer=one, now=now)

    try:
        return met(context, [context.write(work)])[0]
    except AuthorityRefusedError as error:
        refused = error
    context.write(
        lambda tx: provider_records.refused(
            tx, refused, organization_id, user_id, doer=one, now=context.clock.seconds()
        )
    )
    if refused.code == "second_factor_not_fresh":
        raise StepUpError(TWO_FACTORS)
    raise refused


def _facts(info: Info, facts: FactsInput) -> Facts:
    return facts.facts(doer(info.context.caller).name, info.context.clock.seconds())
