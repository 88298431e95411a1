"""What should come of everything that is done about one provider, said without the code that decides it."""

import datetime
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

_FRESH_S = 300
_LIFETIME_S = 7 * 86_400
ZONES = {"NY": ZoneInfo("America/New_York"), "CA": ZoneInfo("America/Los_Angeles")}


class Given(NamedTuple):
    """The licence that a proposal names. days: how many days after today it ends; is_verified: something shows it."""

    state: str
    days: int
    is_verified: bool = True


class Doing(NamedTuple):
    """Somebody who acts. factor_age_s: how long ago two factors were proven; None: never."""

    who: str
    factor_age_s: int | None


@dataclass
class Licence:
    """What the provider is known to hold."""

    state: str
    expires_on: datetime.date
    is_verified: bool
    is_active: bool = True

    def holds(self, now: int) -> bool:
        """Whether one may prescribe with it: through its last day, where it was given."""
        return self.is_active and datetime.datetime.fromtimestamp(now, ZONES[self.state]).date() <= self.expires_on


@dataclass
class Waiting:
    """A proposal."""

    kind: str
    by: str
    at: int
    licence: Licence


@dataclass
class Oracle:
    """One provider in an organization where ann and bob are administrators, and so is the provider."""

    provider: str
    state: str = "none"
    licence: Licence | None = None
    waiting: Waiting | None = None
    has_role: bool = False
    recorded: Counter[str] = field(default_factory=Counter)

    def stands(self, now: int) -> str:
        """Returns the state at a moment."""
        if self.state == "proposed" and (self.waiting is None or now >= self.waiting.at + _LIFETIME_S):
            return "expired"
        return self.state

    def may_prescribe(self, state: str | None, now: int) -> bool:
        """Whether the provider may prescribe for somebody in a state; None: anywhere at all."""
        licence = self.licence
        if self.state != "approved" or not self.has_role or licence is None:
            return False
        return licence.holds(now) and state in {None, licence.state}

    def ask(self, kind: str, doing: Doing, licence: Licence, now: int) -> bool:
        """Proposes; tells whether that should be accepted."""
        possible = {
            "propose": {"none", "rejected", "expired", "revoked"},
            "ask_restore": {"suspended"},
            "ask_change": {"approved"},
        }[kind]
        if self.stands(now) not in possible or not _is_fresh(doing):
            return self._refused()
        self.waiting = Waiting(kind, doing.who, now, licence)
        if kind == "propose":
            self.state = "proposed"
        event = {"propose": "proposed", "ask_restore": "restore_asked", "ask_change": "change_asked"}[kind]
        return self._done(event)

    def approve(self, doing: Doing, *, is_current: bool, now: int) -> bool:
        """Approves what waits, or something older."""
        waiting = self.waiting
        if self.stands(now) not in {"proposed", "suspended", "approved"} or waiting is None or not is_current:
            return self._refused()
        if now >= waiting.at + _LIFETIME_S or doing.who in {waiting.by, self.provider} or not _is_fresh(doing):
            return self._refused()
        if not waiting.licence.is_verified or not waiting.licence.holds(now):
            return self._refused()
        self.state, self.licence, self.waiting, self.has_role = "approved", waiting.licence, None, True
        return self._done({"propose": "approved", "ask_restore": "restored", "ask_change": "changed"}[waiting.kind])

    def reject(self, *, is_current: bool, now: int) -> bool:
        """Rejects what waits."""
        if self.waiting is None or not is_current or now >= self.waiting.at + _LIFETIME_S:
            return self._refused()
        if self.state == "proposed":
            self.state = "rejected"
        self.waiting = None
        return self._done("rejected")

    def suspend(self) -> bool:
        """Takes authority away at once; what was proposed before is over."""
        if self.state != "approved":
            return self._refused()
        self.state, self.waiting = "suspended", None
        return self._done("suspended")

    def revoke(self) -> bool:
        """Ends an authority."""
        if self.state not in {"approved", "suspended"}:
            return self._refused()
        self.state, self.waiting = "revoked", None
        return self._done("revoked")

    def limit(self) -> bool:
        """Has the board suspend the licence."""
        if self.state not in {"approved", "suspended"} or self.licence is None:
            return self._refused()
        self.licence.is_active, self.waiting = False, None
        return self._done("limited")

    def _done(self, event: str) -> bool:
        self.recorded[event] += 1
        return True

    def _refused(self) -> bool:
        self.recorded["refused"] += 1
        return False


def _is_fresh(doing: Doing) -> bool:
    return doing.factor_age_s is not None and 0 <= doing.factor_age_s <= _FRESH_S
