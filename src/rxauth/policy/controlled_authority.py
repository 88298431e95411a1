"""Who may give the authority to prescribe controlled substances at a location (21 CFR 1311.125): rules for later.

Nothing asks them yet, because nobody prescribes controlled substances here; see `policy.controlled`.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rxauth.policy.authority import FRESH_S, Refusal
from rxauth.policy.licences import LicenceStatus, end_of_day

DESIGNEES_AT_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class DeaRegistration:
    """A registration with the DEA: it holds in one state, for some schedules, through the day `expires_on` there."""

    state: str
    schedules: frozenset[str]
    status: LicenceStatus
    expires_on: datetime.date
    ends_at: int = field(init=False)

    def __post_init__(self) -> None:
        """Computes the end once, so that judging a registration is one comparison."""
        object.__setattr__(self, "ends_at", end_of_day(self.expires_on, self.state))

    def holds(self, now: int) -> bool:
        """Tells whether the registration is good at `now` (UTC seconds)."""
        return self.status is LicenceStatus.ACTIVE and now < self.ends_at

    def covers(self, state: str, schedule: str, now: int) -> bool:
        """Tells whether a substance of a schedule may be prescribed by it for somebody in a state."""
        return self.holds(now) and self.state == state and schedule in self.schedules


@dataclass(frozen=True, slots=True)
class Designee:
    """Somebody whom a location designated to decide who has access. second_factor_at: UTC seconds; None: never."""

    user_id: str
    registrations: tuple[DeaRegistration, ...] = ()
    second_factor_at: int | None = None

    def is_registrant(self, now: int) -> bool:
        """Tells whether a registration with the DEA is theirs, and good."""
        return any(one.holds(now) for one in self.registrations)


def location_refusal(designees: Iterable[Designee], now: int) -> Refusal | None:
    """Says why nobody at a location may hold controlled authority; None: somebody may (1311.125(a))."""
    people = {one.user_id: one for one in designees}
    if len(people) < DESIGNEES_AT_LEAST:
        return Refusal("too_few_designees", f"a location designates at least {DESIGNEES_AT_LEAST} people")
    if not any(one.is_registrant(now) for one in people.values()):
        return Refusal("no_registrant", "one of the designees has a registration with the DEA")
    return None


def approval_refusal(designees: Iterable[Designee], first_id: str, second_id: str, now: int) -> Refusal | None:
    """Says why the second person may not approve what the first entered; None: they may (1311.125(c))."""
    people = {one.user_id: one for one in designees}
    refused = location_refusal(people.values(), now)
    if refused is not None:
        return refused
    second = people.get(second_id)
    if first_id not in people or second is None:
        return Refusal("not_designated", "both are people whom the location designated")
    if first_id == second_id:
        return Refusal("same_person", "whoever entered it cannot approve it: that takes a second person")
    if not second.is_registrant(now):
        return Refusal("second_not_registrant", "the second person has a registration with the DEA that is good")
    if second.second_factor_at is None or not 0 <= now - second.second_factor_at <= FRESH_S:
        return Refusal("second_factor_not_fresh", "prove who you are with two factors again, and then do this")
    return None
