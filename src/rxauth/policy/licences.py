"""State licences: which there are, and until which moment one holds."""

import datetime
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_HOUR_S: Final = 3_600
# Hours behind UTC in winter. Of a state in two zones the eastern one: there midnight comes first.
_BEHIND_UTC: Final = {
    -10: "GU MP",
    4: "PR VI",
    5: "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC TN VA VT WV",
    6: "AL AR IA IL KS LA MN MO MS ND NE OK SD TX WI",
    7: "AZ CO ID MT NM OR UT WY",
    8: "CA NV WA",
    9: "AK",
    10: "HI",
    11: "AS",
}
STATES: Final = MappingProxyType({state: hours for hours, states in _BEHIND_UTC.items() for state in states.split()})
_WITHOUT_SUMMER_TIME: Final = frozenset({"AS", "AZ", "GU", "HI", "MP", "PR", "VI"})
_SUNDAY: Final = 7


class LicenceStatus(StrEnum):
    """What a board says of a licence; anything but active keeps its holder from prescribing."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    PROBATION = "probation"
    RESTRICTED = "restricted"
    REVOKED = "revoked"
    SURRENDERED = "surrendered"


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence to practise in one state. ends_at: UTC seconds at which the day `expires_on` is over there."""

    state: str
    number: str
    status: LicenceStatus
    expires_on: datetime.date
    ends_at: int = field(init=False)

    def __post_init__(self) -> None:
        """Computes the end once, so that judging a licence is one comparison."""
        object.__setattr__(self, "ends_at", end_of_day(self.expires_on, self.state))

    def refusal(self, now: int) -> str | None:
        """Says why the licence does not hold at `now` (UTC seconds); None: it does."""
        if self.status is not LicenceStatus.ACTIVE:
            return f"licence {self.state} {self.number} is {self.status}"
        if now >= self.ends_at:
            return f"licence {self.state} {self.number} expired on {self.expires_on.isoformat()}"
        return None


def end_of_day(day: datetime.date, state: str) -> int:
    """Returns the moment (UTC seconds) at which a day is over in a state: its midnight, summer time counted."""
    after = day + datetime.timedelta(days=1)
    hours = STATES[state] - (1 if state not in _WITHOUT_SUMMER_TIME and _is_summer_at_midnight(after) else 0)
    midnight = datetime.datetime(after.year, after.month, after.day, tzinfo=datetime.UTC)
    return int(midnight.timestamp()) + hours * _HOUR_S


def day_in(state: str, now: int) -> datetime.date:
    """Returns which day it is in a state at `now` (UTC seconds)."""
    day = datetime.datetime.fromtimestamp(now, datetime.UTC).date() - datetime.timedelta(days=1)
    while end_of_day(day, state) <= now:
        day += datetime.timedelta(days=1)
    return day


def _is_summer_at_midnight(day: datetime.date) -> bool:
    """Tells whether a day begins in summer time: from the second Sunday of March to the first of November, at 2:00.

    15 U.S.C. 260a.
    """
    return _sunday(day.year, 3, 8) < day <= _sunday(day.year, 11, 1)


def _sunday(year: int, month: int, earliest: int) -> datetime.date:
    first = datetime.date(year, month, earliest)
    return first + datetime.timedelta(days=_SUNDAY - first.isoweekday())
