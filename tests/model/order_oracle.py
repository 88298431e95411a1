"""What orders and prescriptions should do, written a second time and in another way: nothing is stored that follows.

A prescription's fills are those it allows less the orders that have it and are not canceled; its state follows from
that and the day; an order is a short list of facts.
"""

import datetime
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

STEPS = {"shop": ["SENT", "RECEIVED", "READY", "PICKED_UP"], "mail": ["SENT", "FILLING", "SHIPPED", "DELIVERED"]}
GONE = {"PICKED_UP", "SHIPPED", "DELIVERED"}
NEW_YORK = ZoneInfo("America/New_York")
LAST_ZONE = datetime.timezone(datetime.timedelta(hours=-12))


@dataclass
class Written:
    """A prescription: how many fills, through which day, and from which day one may fill it."""

    fills: int
    last_day: datetime.date
    from_day: datetime.date | None = None
    is_canceled: bool = False


@dataclass
class Ordered:
    """An order: of which prescriptions, where, and how far. waits: what was not to be filled yet when it was last sent.

    pharmacy None: the patient has yet to choose. step: of the pharmacy, None: it has not taken the order.
    """

    of: list[int]
    pharmacy: str | None
    waits: set[int]
    step: str | None = None
    is_refused: bool = False
    is_canceled: bool = False
    refusals: int = 0

    @property
    def state(self) -> str:
        """The state that the API shows."""
        if self.is_canceled:
            return "CANCELED"
        if self.pharmacy is None:
            return "ROUTING"
        if self.is_refused:
            return "ERROR"
        if self.step is None:
            return "PENDING"
        return "COMPLETED" if self.step in {"PICKED_UP", "DELIVERED"} else "PLACED"

    @property
    def may_be_stopped(self) -> bool:
        """Whether it is still in reach."""
        return not self.is_canceled and self.step not in GONE

    def fill(self, one: int) -> str:
        """Returns the state of the fill of a prescription."""
        if self.is_canceled:
            return "CANCELED"
        if self.step is not None:
            return "SENT"
        return "SCHEDULED" if one in self.waits else "NEW"


@dataclass
class OrderOracle:
    """One patient in New York, one provider."""

    written: list[Written] = field(default_factory=list)
    ordered: list[Ordered] = field(default_factory=list)
    may_prescribe: bool = True

    def left(self, one: int) -> int:
        """Counts the fills that a prescription has left."""
        return self.written[one].fills - sum(one in order.of and not order.is_canceled for order in self.ordered)

    def state(self, one: int, now: int) -> str:
        """Returns the state that a prescription shows."""
        if self.written[one].is_canceled:
            return "CANCELED"
        if self.left(one) == 0:
            return "DEPLETED"
        return "EXPIRED" if self._is_over(one, now) else "ACTIVE"

    def order(self, wanted: list[int], pharmacy: str | None, now: int) -> bool:
        """Makes an order; tells whether that should be accepted."""
        if not self._may_order(wanted, now):
            return False
        self.ordered.append(Ordered(list(wanted), pharmacy, self._waiting(wanted, now)))
        return True

    def add(self, number: int, wanted: list[int], now: int) -> bool:
        """Adds fills."""
        order = self.ordered[number]
        new = [one for one in wanted if one not in order.of]
        if order.state != "ROUTING" or len(set(wanted)) < len(wanted) or (new and not self._may_order(new, now)):
            return False
        order.waits |= self._waiting(new, now)
        order.of += new
        return True

    def send(self, act: str, number: int, pharmacy: str, now: int) -> bool:
        """Routes, reroutes or resends."""
        order = self.ordered[number]
        if act == "route":
            possible = order.state == "ROUTING"
        elif act == "resend":
            possible, pharmacy = order.state == "ERROR", order.pharmacy or pharmacy
        else:
            possible = order.state in {"PENDING", "PLACED", "ERROR"} and order.may_be_stopped
            possible = possible and order.pharmacy != pharmacy
        ended = any(self.written[one].is_canceled or self._is_over(one, now) for one in order.of)
        if not possible or ended or not self.may_prescribe:
            return False
        order.pharmacy, order.step, order.is_refused = pharmacy, None, False
        order.waits = self._waiting(order.of, now)
        return True

    def cancel(self, number: int) -> bool:
        """Cancels an order."""
        order = self.ordered[number]
        if not order.may_be_stopped:
            return False
        order.is_canceled = True
        return True

    def cancel_prescription(self, one: int, now: int) -> bool:
        """Cancels a prescription, of which no order is under way."""
        under_way = any(one in order.of and order.state not in {"COMPLETED", "CANCELED"} for order in self.ordered)
        if under_way or self.state(one, now) != "ACTIVE":
            return False
        self.written[one].is_canceled = True
        return True

    def accept(self, number: int) -> bool | None:
        """The pharmacy takes an order: whether that is new; None: it cannot."""
        order = self.ordered[number]
        if order.state in {"PLACED", "COMPLETED"}:
            return False
        if order.state != "PENDING":
            return None
        order.step = "SENT"
        return True

    def refuse(self, number: int) -> bool | None:
        """The pharmacy refuses an order."""
        order = self.ordered[number]
        if order.state == "ERROR":
            return False
        if order.state not in {"PENDING", "PLACED"} or not order.may_be_stopped:
            return None
        order.is_refused, order.refusals = True, order.refusals + 1
        return True

    def go_on(self, number: int, step: str) -> bool | None:
        """The pharmacy takes a step."""
        order = self.ordered[number]
        if order.state not in {"PENDING", "PLACED", "COMPLETED"} or order.pharmacy is None:
            return None
        steps = STEPS[order.pharmacy.partition(" ")[0]]
        if step not in steps:
            return None
        before, order.step = order.step, max(order.step or "SENT", step, key=steps.index)
        return before != order.step

    def _may_order(self, wanted: list[int], now: int) -> bool:
        is_once = len(set(wanted)) == len(wanted) > 0
        return is_once and self.may_prescribe and all(self.state(one, now) == "ACTIVE" for one in wanted)

    def _is_over(self, one: int, now: int) -> bool:
        return datetime.datetime.fromtimestamp(now, LAST_ZONE).date() > self.written[one].last_day

    def _waiting(self, wanted: list[int], now: int) -> set[int]:
        today = datetime.datetime.fromtimestamp(now, NEW_YORK).date()
        return {one for one in wanted if (self.written[one].from_day or today) > today}
