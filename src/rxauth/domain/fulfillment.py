"""Fulfillment: what the pharmacy network says of an order is applied to it, in the transaction that tells webhooks."""

from dataclasses import dataclass, field, replace
from typing import Final

from rxauth.domain import dispatches, fills, order_events, order_exceptions, orders, pharmacies
from rxauth.domain.errors import InvalidError
from rxauth.domain.fill_states import FillState
from rxauth.domain.names import require_text
from rxauth.domain.order_exceptions import OrderException
from rxauth.domain.order_states import MAIL_ORDER, PICK_UP, SENT, STEPS, OrderAct, OrderState, after
from rxauth.domain.orders import Fulfillment, Order
from rxauth.storage.database import Transaction

MESSAGE_LIMIT_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """The pharmacy has the order. dispatch_id: what it answers."""

    dispatch_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The pharmacy does not fill the order. reason: a code. message: for people, None: nothing was said."""

    dispatch_id: str
    reason: str
    message: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """The pharmacy went on: one of the steps of `order_states.STEPS`. carrier, tracking_number None: nothing new."""

    dispatch_id: str
    state: str
    carrier: str | None = None
    tracking_number: str | None = field(default=None, repr=False)


Report = Accepted | Refused | Progress


def report(transaction: Transaction, organization_id: str, order_id: str, said: Report, now_ms: int) -> bool:
    """Applies what the network says of an order; tells whether that was new.

    The same may be said twice, and a step may come after a later one: then nothing changes. A step that comes first
    says too that the pharmacy has the order.

    Raises:
        AbsentError: no such order. InvalidError: the order is not at this pharmacy any more, or does not allow it; the
            text says what it allows. Or a text is none.
    """
    order = orders.lock(transaction, organization_id, order_id)
    if said.dispatch_id != dispatches.current(transaction, organization_id, order_id):
        raise InvalidError("the order was taken from this pharmacy, or sent to it anew: only its last dispatch counts")
    one = _Reported(transaction, organization_id, now_ms)
    if isinstance(said, Accepted):
        return one.accept(order) is not None
    if isinstance(said, Refused):
        return one.refuse(order, said)
    return one.go_on(order, said)


@dataclass(frozen=True, slots=True)
class _Reported:
    """Where and when something was said."""

    transaction: Transaction
    organization_id: str
    now_ms: int

    def accept(self, order: Order) -> Order | None:
        """Returns the order as its pharmacy took it; None: it did before."""
        if order.state in {OrderState.PLACED, OrderState.COMPLETED}:
            return None
        state = after(order.state, None, OrderAct.PLACE)
        placed = replace(order, state=state, fulfillment=Fulfillment(self._types(order)[0], SENT, None, None))
        orders.save(self.transaction, self.organization_id, placed)
        fills.move_all(self.transaction, self.organization_id, order.id, FillState.SENT)
        order_events.placed(self.transaction, self.organization_id, placed, self.now_ms)
        return placed

    def refuse(self, order: Order, said: Refused) -> bool:
        """Notes that the pharmacy does not fill the order."""
        if order.state == OrderState.ERROR:
            return False
        require_text(said.reason, "reason")
        require_text(said.message, "message", MESSAGE_LIMIT_CHARACTERS)
        refused = replace(order, state=after(*order.standing, OrderAct.REFUSE), fulfillment=None)
        orders.save(self.transaction, self.organization_id, refused)
        exception = OrderException(order.id, said.reason, said.message, self.now_ms, None)
        order_exceptions.add(self.transaction, self.organization_id, exception)
        order_events.failed(self.transaction, self.organization_id, refused, said.reason, self.now_ms)
        return True

    def go_on(self, order: Order, said: Progress) -> bool:
        """Notes a step, and that the order is complete with the last one."""
        require_text(said.carrier, "carrier")
        require_text(said.tracking_number, "trackingNumber")
        placed = (self.accept(order) or order) if order.state == OrderState.PENDING else order
        done = placed.fulfillment
        if placed.state not in {OrderState.PLACED, OrderState.COMPLETED} or done is None:
            after(placed.state, None, OrderAct.PROGRESS)
            raise InvalidError("an order without a fulfillment does not go on")
        now = self._next(placed, done, said)
        if now == done:
            return placed is not order
        last = STEPS[now.type][-1]
        act = OrderAct.COMPLETE if now.state == last else OrderAct.PROGRESS
        gone_on = replace(placed, state=after(placed.state, done.state, act), fulfillment=now)
        orders.save(self.transaction, self.organization_id, gone_on)
        order_events.fulfillment(self.transaction, self.organization_id, gone_on, now, self.now_ms)
        if act is OrderAct.COMPLETE:
            fills.note_filled(self.transaction, self.organization_id, order.id, self.now_ms)
            order_events.completed(self.transaction, self.organization_id, gone_on, self.now_ms)
        return True

    def _next(self, order: Order, done: Fulfillment, said: Progress) -> Fulfillment:
        """Returns where the fulfillment is after a step: it never goes back, and nothing that was known is lost."""
        kind = done.type
        if said.state not in STEPS[kind] and done.state == SENT:
            kind = next((one for one in self._types(order) if said.state in STEPS[one]), kind)
        steps = STEPS[kind]
        if said.state not in steps:
            raise InvalidError(f"state: with {kind} it is one of {', '.join(steps)}")
        if order.state == OrderState.COMPLETED or steps.index(said.state) < steps.index(done.state):
            return done
        carrier, tracking_number = said.carrier or done.carrier, said.tracking_number or done.tracking_number
        return Fulfillment(kind, said.state, carrier, tracking_number)

    def _types(self, order: Order) -> list[str]:
        """Returns how the order's pharmacy fills, what it does first first."""
        found = pharmacies.by_ids(self.transaction, "", [order.pharmacy_id or ""])
        does = found[order.pharmacy_id or ""].fulfillment_types
        return [one for one in (PICK_UP, MAIL_ORDER) if one in does] or [PICK_UP]
