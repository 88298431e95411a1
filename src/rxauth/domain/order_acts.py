"""What becomes of an order by somebody's doing: it is routed, rerouted, sent again, canceled.

Each act locks the order's row, and its state decides. What sends an order judges those who wrote its prescriptions once
more, as the order itself did.
"""

from dataclasses import replace

from rxauth.clock import Clock
from rxauth.domain import (
    fills,
    order_checks,
    order_events,
    order_exceptions,
    order_sending,
    orders,
    prescription_events,
    prescription_fills,
    prescriptions,
)
from rxauth.domain.errors import InvalidError
from rxauth.domain.fill_states import FillState
from rxauth.domain.order_checks import Refused
from rxauth.domain.order_states import OrderAct, after
from rxauth.domain.orders import Order
from rxauth.policy.subjects import Caller
from rxauth.storage.database import Transaction


def route(transaction: Transaction, caller: Caller, order_id: str, pharmacy_id: str, clock: Clock) -> Order | Refused:
    """Sends an order to the pharmacy that the patient chose.

    Raises:
        AbsentError: no such order or pharmacy. InvalidError: the order has one already, or may not be sent.
    """
    order = orders.lock(transaction, caller.organization_id, order_id)
    return _send(transaction, caller, _sent(order, OrderAct.ROUTE, pharmacy_id), clock)


def reroute(transaction: Transaction, caller: Caller, order_id: str, pharmacy_id: str, clock: Clock) -> Order | Refused:
    """Takes an order from its pharmacy to another.

    Raises:
        AbsentError: no such order or pharmacy. InvalidError: it is at that pharmacy, or may not be sent.
    """
    order = orders.lock(transaction, caller.organization_id, order_id)
    sent = _sent(order, OrderAct.REROUTE, pharmacy_id)
    if order.pharmacy_id == pharmacy_id:
        raise InvalidError(
            "the order is at this pharmacy already; resendOrder sends one that failed again", "pharmacyId"
        )
    done = _send(transaction, caller, sent, clock)
    if isinstance(done, Order):
        order_events.rerouted(transaction, caller.organization_id, done, clock.milliseconds())
    return done


def resend(transaction: Transaction, caller: Caller, order_id: str, clock: Clock) -> Order | Refused:
    """Sends an order that did not go on to the same pharmacy once more.

    Raises:
        AbsentError: no such order. InvalidError: nothing is wrong with it, or it may not be sent.
    """
    order = orders.lock(transaction, caller.organization_id, order_id)
    return _send(transaction, caller, _sent(order, OrderAct.RESEND, order.pharmacy_id), clock)


def cancel(transaction: Transaction, organization_id: str, order_id: str, reason: str | None, now_ms: int) -> Order:
    """Cancels an order, and gives its fills back to their prescriptions.

    Raises:
        AbsentError: no such order. InvalidError: it is over, or has left the pharmacy; or the reason is no text.
    """
    order = orders.lock(transaction, organization_id, order_id)
    state = after(*order.standing, OrderAct.CANCEL)
    canceled = replace(order, state=state)
    orders.save(transaction, organization_id, canceled)
    if reason is not None:
        orders.set_cancel_reason(transaction, organization_id, order_id, reason)
    order_exceptions.resolve(transaction, organization_id, order_id, now_ms)
    taken = fills.of_orders(transaction, organization_id, [order_id]).get(order_id, [])
    fills.move_all(transaction, organization_id, order_id, FillState.CANCELED)
    ids = [one.prescription_id for one in taken if one.prescription_id and one.state != FillState.CANCELED]
    locked = prescription_fills.lock(transaction, organization_id, ids)
    today = prescriptions.today_anywhere(now_ms // 1_000)
    again = prescription_fills.give_back(transaction, organization_id, locked, today)
    if order.pharmacy_id is not None:
        order_sending.call_back(transaction, organization_id, canceled, now_ms // 1_000)
    order_events.canceled(transaction, organization_id, canceled, now_ms)
    prescription_events.active(transaction, organization_id, again, now_ms)
    return canceled


def _sent(order: Order, act: OrderAct, pharmacy_id: str | None) -> Order:
    return replace(order, state=after(*order.standing, act), pharmacy_id=pharmacy_id, fulfillment=None)


def _send(transaction: Transaction, caller: Caller, sent: Order, clock: Clock) -> Order | Refused:
    organization_id = caller.organization_id
    order_checks.require_pharmacy(transaction, sent.pharmacy_id or "")
    for_whom = order_checks.whose(transaction, organization_id, sent.patient_id)
    checked = order_checks.check_order(transaction, caller, for_whom, sent, clock)
    if isinstance(checked, Refused):
        return checked
    orders.save(transaction, organization_id, sent)
    order_exceptions.resolve(transaction, organization_id, sent.id, checked.now_ms)
    fills.move_all(transaction, organization_id, sent.id, FillState.NEW)
    order_sending.send(transaction, organization_id, sent, checked)
    return sent
