"""The authority to prescribe, step by step: which states it has, and who may move it from one to the next.

Giving it, and giving it back, takes two people (21 CFR 1311.125); taking it away takes one, and acts at once.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

PROPOSAL_LIFETIME_S: Final = 7 * 86_400
OPERATOR: Final = "operator"
FRESH_S: Final = 300  # for so long the second factor of whoever gives authority counts


class State(StrEnum):
    """Where an authority stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    REJECTED = "rejected"
    EXPIRED = "expired"  # never stored: dates say it


class Act(StrEnum):
    """What can be done about an authority."""

    PROPOSE = "propose"
    ASK_CHANGE = "ask_change"  # of the facts that an authority rests on, while it goes on
    ASK_RESTORE = "ask_restore"
    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"
    LIMIT = "limit"  # a licence got worse: less of an authority, never more
    REVOKE = "revoke"


# What is not here cannot be done. Nothing leads out of revoked but a new proposal, which two people decide anew.
TRANSITIONS: Final = MappingProxyType(
    {
        (None, Act.PROPOSE): State.PROPOSED,
        (State.REJECTED, Act.PROPOSE): State.PROPOSED,
        (State.EXPIRED, Act.PROPOSE): State.PROPOSED,
        (State.REVOKED, Act.PROPOSE): State.PROPOSED,
        (State.PROPOSED, Act.APPROVE): State.APPROVED,
        (State.PROPOSED, Act.REJECT): State.REJECTED,
        (State.APPROVED, Act.ASK_CHANGE): State.APPROVED,
        (State.APPROVED, Act.APPROVE): State.APPROVED,
        (State.APPROVED, Act.REJECT): State.APPROVED,
        (State.APPROVED, Act.SUSPEND): State.SUSPENDED,
        (State.APPROVED, Act.LIMIT): State.APPROVED,
        (State.APPROVED, Act.REVOKE): State.REVOKED,
        (State.SUSPENDED, Act.ASK_RESTORE): State.SUSPENDED,
        (State.SUSPENDED, Act.APPROVE): State.APPROVED,
        (State.SUSPENDED, Act.REJECT): State.SUSPENDED,
        (State.SUSPENDED, Act.LIMIT): State.SUSPENDED,
        (State.SUSPENDED, Act.REVOKE): State.REVOKED,
    }
)
PERMISSIONS: Final = MappingProxyType(
    {
        Act.PROPOSE: "propose:provider_authority",
        Act.ASK_CHANGE: "propose:provider_authority",
        Act.ASK_RESTORE: "propose:provider_authority",
        Act.APPROVE: "approve:provider_authority",
        Act.REJECT: "approve:provider_authority",
        Act.SUSPEND: "suspend:provider_authority",
        Act.LIMIT: "suspend:provider_authority",
        Act.REVOKE: "suspend:provider_authority",
    }
)
ASKS: Final = frozenset({Act.PROPOSE, Act.ASK_CHANGE, Act.ASK_RESTORE})
_TWO_PEOPLE: Final = ASKS | {Act.APPROVE}
_WITH_ROLE: Final = frozenset({State.APPROVED, State.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Doer:
    """Who acts: a person (user_id), a machine (client_id) or the platform's operator.

    permissions: those that hold in the organization now. second_factor_at: when two factors were last proven, UTC
    seconds; None: never.
    """

    user_id: str | None
    permissions: frozenset[str] = frozenset()
    second_factor_at: int | None = None
    is_operator: bool = False
    client_id: str | None = None

    @property
    def name(self) -> str:
        """What stands in the record: an identifier, or "operator"."""
        return OPERATOR if self.is_operator else self.user_id or self.client_id or ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An authority before an act.

    state None: there is none yet. asked_by: who proposed what waits for a second person ("operator" for the operator);
    None: nothing waits. asked_at: UTC seconds. members: how many people the organization has. solo: a setting of the
    organization lets a provider be the second person for their own authority. asker_may_ask: whoever proposed it could
    still do so now.
    """

    state: State | None
    provider_id: str
    asked_by: str | None
    asked_at: int | None
    members: int
    solo: bool = False
    asker_may_ask: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act is refused: a code for programs and the audit log, a sentence for people."""

    code: str
    reason: str


def state_at(state: State, asked_at: int | None, effective_until: int | None, now: int) -> State:
    """Returns where an authority stands at `now`: dates end proposals and authorities without anybody's doing."""
    if state is State.PROPOSED and (asked_at is None or now >= asked_at + PROPOSAL_LIFETIME_S):
        return State.EXPIRED
    if state in (State.APPROVED, State.SUSPENDED) and effective_until is not None and now >= effective_until:
        return State.EXPIRED
    return state


def refusal(act: Act, standing: Standing, doer: Doer, now: int) -> Refusal | None:
    """Says why `doer` may not do `act` at `now` (UTC seconds); None: it may. Every act asks here and nowhere else."""
    if (standing.state, act) not in TRANSITIONS:
        return Refusal("wrong_state", f"an authority that is {standing.state or 'not proposed'} cannot have this act")
    return _of_doer(act, doer, now) or _of_second(act, standing, doer, now)


def role_refusal(state: State | None) -> Refusal | None:
    """Says why the Prescriber role may not be given to whom has an authority in this state; None: it may."""
    if state in _WITH_ROLE:
        return None
    return Refusal(
        "prescriber_needs_authority",
        "the Prescriber role comes with the authority to prescribe: have it proposed and approved",
    )


def _of_doer(act: Act, doer: Doer, now: int) -> Refusal | None:
    if doer.is_operator:
        return None
    if PERMISSIONS[act] not in doer.permissions:
        return Refusal("permission_missing", f"this needs the permission {PERMISSIONS[act]}")
    if act not in _TWO_PEOPLE:
        return None
    if doer.user_id is None:
        return Refusal("needs_person", "authority is given by people, never by a machine")
    if doer.second_factor_at is None or not 0 <= now - doer.second_factor_at <= FRESH_S:
        return Refusal("second_factor_not_fresh", "prove who you are with two factors again, and then do this")
    return None


def _of_second(act: Act, standing: Standing, doer: Doer, now: int) -> Refusal | None:
    """Judges the second person: there is a proposal, and it is somebody else's."""
    if act not in (Act.APPROVE, Act.REJECT):
        return None
    if standing.asked_by is None or standing.asked_at is None:
        return Refusal("nothing_asked", "nobody proposed this")
    if now >= standing.asked_at + PROPOSAL_LIFETIME_S:
        return Refusal("proposal_too_old", "the proposal is too old: propose it again")
    if act is Act.REJECT:
        return None
    if standing.asked_by == (OPERATOR if doer.is_operator else doer.user_id):
        return Refusal("same_person", "whoever proposed it cannot approve it: that takes a second person")
    if not standing.asker_may_ask:
        return Refusal("proposer_lost_permission", "whoever proposed it may no longer do so: propose it again")
    if doer.is_operator and standing.members != 1:
        return Refusal(
            "operator_not_alone", "a member approves this: the operator does so only where there is one member"
        )
    if doer.user_id == standing.provider_id and not standing.solo:
        return Refusal("own_authority", "nobody approves their own authority")
    return None
