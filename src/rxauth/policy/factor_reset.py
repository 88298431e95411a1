"""Taking somebody's second factors, who lost them: one administrator does it, of a prescriber only two together."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rxauth.policy import giving
from rxauth.policy.authority import FRESH_S, Refusal
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject

LIFETIME_S: Final = 86_400


class Step(StrEnum):
    """What somebody does: reset is done at once, ask and approve are the two halves of it."""

    RESET = "reset"
    ASK = "ask"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose factors they are, and what was asked so far.

    works_elsewhere: other organizations rely on the account too. asked_by None: nothing waits. asked_at: UTC seconds.
    asker_may_ask: whoever asked still could.
    """

    member_id: str
    roles: frozenset[Role]
    works_elsewhere: bool
    has_factors: bool
    asked_by: str | None = None
    asked_at: int = 0
    asker_may_ask: bool = True


def first_step(roles: frozenset[Role]) -> Step:
    """Returns how a reset begins; the role counts, not whether it gives anything yet."""
    return Step.ASK if Role.PRESCRIBER in roles else Step.RESET


def refusal(
    step: Step, standing: Standing, doer: UserSubject, second_factor_at: int | None, now: int
) -> Refusal | None:
    """Says why `doer`, who may give roles, may not do a step at `now` (UTC seconds); None: it may.

    second_factor_at: when two factors were last proven; None: never.
    """
    if doer.user_id == standing.member_id:
        return Refusal("own_factors", "your own second factors are changed on your account's page, or by others")
    refused = giving.first_refusal(doer, standing.roles, now)
    if refused is not None:
        return refused
    if standing.works_elsewhere:
        reason = "this person works for other organizations too, so only the operator may reset their second factors"
        return Refusal("works_elsewhere", reason)
    if not standing.has_factors:
        return Refusal("no_factors", "this person has no second factor")
    if step is Step.APPROVE:
        refused = _of_second(standing, doer, now)
    if refused is None and (second_factor_at is None or not 0 <= now - second_factor_at <= FRESH_S):
        return Refusal("second_factor_not_fresh", "prove who you are with two factors again, and then do this")
    return refused


def _of_second(standing: Standing, doer: UserSubject, now: int) -> Refusal | None:
    if standing.asked_by is None:
        return Refusal("nothing_asked", "nobody asked for this, or somebody did it already: look at it again")
    if now >= standing.asked_at + LIFETIME_S:
        return Refusal("proposal_too_old", "this was asked too long ago: ask again")
    if standing.asked_by == doer.user_id:
        return Refusal("same_person", "whoever asked for it cannot approve it: that takes a second person")
    if not standing.asker_may_ask:
        return Refusal("proposer_lost_permission", "whoever asked for it may no longer do so: ask again")
    return None
