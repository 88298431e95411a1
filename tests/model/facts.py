"""What the model of prescribing is about: one provider's row, who may act, and the questions put to the real policy."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from rxauth.policy import authority, prescribing
from rxauth.policy.authority import FRESH_S, PROPOSAL_LIFETIME_S, Act, Doer, Standing, State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, UserSubject, Wish

DAY = date(2026, 11, 23)
START = int(datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC).timestamp())
# At first; when second factors are stale; when the short licence has ended; when proposals have.
MOMENTS = (START, START + FRESH_S + 1, START + 2 * 86_400, START + PROPOSAL_LIFETIME_S)
NOTHING = -1
LONG, SHORT, LIMITED = range(3)
NAMES = ("long", "short", "limited")
LICENCES = (
    Licence("NY", "123456", LicenceStatus.ACTIVE, DAY + timedelta(365)),
    Licence("NY", "123456", LicenceStatus.ACTIVE, DAY),
    Licence("NY", "123456", LicenceStatus.SUSPENDED, DAY + timedelta(365)),
)
PROVIDER, MACHINE, ADMINISTRATION = "the provider", "a machine", "the administration"
_EVERY = frozenset(authority.PERMISSIONS.values())


@dataclass(frozen=True, slots=True)
class Clinic:
    """An organization: who acts in it, how many members it has, and whether a provider may be the second person."""

    doers: tuple[str, ...] = ("ann", "bob", PROVIDER, MACHINE, authority.OPERATOR)
    members: int = 3
    is_solo: bool = False


class Proposal(NamedTuple):
    """What waits for a second person. at: which of MOMENTS; facts: which of LICENCES; number: its identifier."""

    act: Act
    by: str
    at: int
    facts: int
    number: int


class Row(NamedTuple):
    """What is committed about the provider; facts: those that hold; made: how many proposals there ever were.

    stopped: how many there were when authority was last taken or limited; no table has that, the promises want it.
    """

    state: State | None = None
    facts: int = NOTHING
    proposal: Proposal | None = None
    has_role: bool = False
    made: int = 0
    stopped: int = 0


def proven_at(who: str, moment: int) -> int | None:
    """Returns when a second factor was proven, UTC seconds: bob's at the start, everybody else's just now."""
    return None if who in {MACHINE, authority.OPERATOR} else MOMENTS[0 if who == "bob" else moment]


@cache
def doer(who: str, moment: int) -> Doer:
    """Returns who acts, with every permission there is: what then refuses is the rule itself."""
    if who == authority.OPERATOR:
        return Doer(None, is_operator=True)
    if who == MACHINE:
        return Doer(None, _EVERY, client_id="a-client")
    return Doer(who, _EVERY, proven_at(who, moment))


@cache
def state_at(row: Row, moment: int) -> State | None:
    """Returns where the authority stands at a moment."""
    asked_at = None if row.proposal is None else MOMENTS[row.proposal.at]
    return None if row.state is None else authority.state_at(row.state, asked_at, None, MOMENTS[moment])


@cache
def may_act(act: Act, who: str, row: Row, moment: int, clinic: Clinic) -> bool:
    """Asks whether an act is allowed."""
    asked_by, asked_at = (None, None) if row.proposal is None else (row.proposal.by, MOMENTS[row.proposal.at])
    standing = Standing(state_at(row, moment), PROVIDER, asked_by, asked_at, clinic.members, clinic.is_solo)
    return authority.refusal(act, standing, doer(who, moment), MOMENTS[moment]) is None


@cache
def subject(row: Row) -> UserSubject:
    """Returns the provider as policy judges it."""
    roles = frozenset({Role.PRESCRIBER} if row.has_role else ())
    held = None
    if row.state is not None and row.facts != NOTHING:
        held = ProviderAuthority(row.state, START, None, (LICENCES[row.facts],))
    return UserSubject(PROVIDER, "org_1", roles, held)


@cache
def may_prescribe(who: str, row: Row, moment: int) -> bool:
    """Asks the rule, for a patient in New York. A machine comes with a token that says whatever it likes."""
    permissions = frozenset({"write:prescription"})
    judged = MachineSubject("a-client", "org_1", permissions) if who == MACHINE else subject(row)
    return prescribing.judge(judged, Wish("pat_1", "med_1", "NY", None), MOMENTS[moment]) is None


def would_hold(facts: int, moment: int) -> bool:
    """Asks the rule whether an authority with these facts would be one."""
    return may_prescribe(PROVIDER, Row(State.APPROVED, facts, None, has_role=True), moment)
