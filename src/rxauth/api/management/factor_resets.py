"""Resets of members' second factors: what people do about them, and what waits for a second one."""

from rxauth.api.context import Context, Info
from rxauth.api.management import provider_people
from rxauth.api.management.callers import doer
from rxauth.api.management.invites import outbox_of
from rxauth.api.management.members import act
from rxauth.domain import factor_resets, members, memberships
from rxauth.domain.errors import AbsentError
from rxauth.domain.factor_resets import Reset
from rxauth.domain.member_acts import GIVE_ROLES, Attempt
from rxauth.domain.members import FactorState, Member
from rxauth.domain.sessions import Ended
from rxauth.policy import factor_reset
from rxauth.policy.authority import Refusal
from rxauth.policy.factor_reset import LIFETIME_S, Standing, Step
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject
from rxauth.storage.database import Transaction

_NO_FACTORS = FactorState()


def reset(_root: None, info: Info, user_id: str) -> Member:
    """Mutation.resetSecondFactors.

    Raises:
        StepUpError: the caller must prove two factors again. RefusedError: with its code.
    """
    outbox, proven_at = outbox_of(info.context), doer(info.context.caller).second_factor_at

    def work(transaction: Transaction, attempt: Attempt) -> tuple[Member, list[Ended]]:
        ended = factor_resets.begin(transaction, attempt, proven_at, outbox)
        return _member(transaction, attempt), ended

    return _done(info, act(info, user_id, GIVE_ROLES, work))


def approve(_root: None, info: Info, user_id: str, reset_id: str) -> Member:
    """Mutation.approveSecondFactorReset; raises as `reset` does."""
    outbox, proven_at = outbox_of(info.context), doer(info.context.caller).second_factor_at

    def work(transaction: Transaction, attempt: Attempt) -> tuple[Member, list[Ended]]:
        ended = factor_resets.approve(transaction, attempt, reset_id, proven_at, outbox)
        return _member(transaction, attempt), ended

    return _done(info, act(info, user_id, GIVE_ROLES, work))


def withdraw(_root: None, info: Info, user_id: str, reset_id: str) -> Member:
    """Mutation.withdrawSecondFactorReset."""

    def work(transaction: Transaction, attempt: Attempt) -> Member:
        factor_resets.withdraw(transaction, attempt, reset_id)
        return _member(transaction, attempt)

    return act(info, user_id, GIVE_ROLES, work)


def waiting(source: Member, info: Info) -> Reset | None:
    """Member.secondFactorReset."""
    return _waiting(info.context, source.id)


def takes_two(source: Member, info: Info) -> bool:
    """Member.resetTakesTwo."""
    return factor_reset.first_step(_roles(info.context, source.id)) is Step.ASK


def refusal(source: Member, info: Info) -> str | None:
    """Member.resetRefusal: that two factors must be proven again shows when it is done."""
    refused = _refusal(info.context, source.id, factor_reset.first_step(_roles(info.context, source.id)), None)
    return None if refused is None else refused.reason


def approval_refusal(source: Reset, info: Info) -> str | None:
    """SecondFactorReset.approvalRefusal."""
    refused = _refusal(info.context, source.user_id, Step.APPROVE, source)
    return None if refused is None else refused.reason


def asked_by_name(source: Reset, info: Info) -> str | None:
    """SecondFactorReset.askedByName."""
    return provider_people.name_of(info.context, source.asked_by)


def lapses_at(source: Reset, _info: Info) -> int:
    """SecondFactorReset.lapsesAt."""
    return (source.asked_at + LIFETIME_S) * 1_000


def _done(info: Info, done: tuple[Member, list[Ended]]) -> Member:
    """Has the clients of what was ended hear of it once the request is done."""
    info.context.ended_sessions.extend(done[1])
    return done[0]


def _member(transaction: Transaction, attempt: Attempt) -> Member:
    found = members.find(transaction, attempt.organization_id, attempt.user_id)
    if found is None:
        raise AbsentError("there is no such member", "userId")
    return found


def _refusal(context: Context, user_id: str, step: Step, reset: Reset | None) -> Refusal | None:
    giver, now = context.caller.subject, context.clock.seconds()
    if not isinstance(giver, UserSubject):
        return None  # a machine does not get here
    state: FactorState = context.get(members.factors_of, user_id) or _NO_FACTORS
    standing = Standing(
        user_id,
        _roles(context, user_id),
        bool(context.get(members.elsewhere, user_id)),
        state.has_second,
        None if reset is None else reset.asked_by,
        0 if reset is None else reset.asked_at,
    )
    return factor_reset.refusal(step, standing, giver, now, now)


def _waiting(context: Context, user_id: str) -> Reset | None:
    found: Reset | None = context.get(factor_resets.waiting_for, user_id, context.clock.seconds())
    return found


def _roles(context: Context, user_id: str) -> frozenset[Role]:
    return frozenset(context.get(memberships.roles_of, user_id) or ())
