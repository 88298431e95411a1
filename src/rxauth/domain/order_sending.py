"""Sending: an order is handed to what tells the pharmacy network; it waits for its day, and is judged on it."""

from typing import Final

from rxauth.clock import Clock
from rxauth.domain import dispatches, fills, order_checks, orders
from rxauth.domain.dispatch_answers import Refusal
from rxauth.domain.errors import InvalidError
from rxauth.domain.order_checks import Checked, Refused
from rxauth.domain.orders import Order
from rxauth.storage.database import Transaction

WRITER: Final = "PRESCRIBER_NOT_AUTHORIZED"
PRESCRIPTION: Final = "PRESCRIPTION_NOT_ACTIVE"


def send(transaction: Transaction, organization_id: str, order: Order, checked: Checked) -> None:
    """Has the network told of an order that has a pharmacy; of one that must not be filled yet, on its day."""
    now = checked.now_ms // 1_000
    begins_at = checked.begins_at()
    fills.hold(transaction, organization_id, order.id, [one for one, at in begins_at.items() if at > now])
    not_before = max(begins_at.values(), default=0)
    dispatches.request(transaction, organization_id, order.id, dispatches.PLACE, not_before=not_before, now=now)


def call_back(transaction: Transaction, organization_id: str, order: Order, now: int) -> None:
    """Has the network told that an order is canceled; now: UTC seconds."""
    dispatches.request(transaction, organization_id, order.id, dispatches.CANCEL, not_before=0, now=now)


def refusal(transaction: Transaction, organization_id: str, order_id: str, clock: Clock) -> Refusal | None:
    """Says why the network is not told of an order, which may have waited a year for this; None: it is told.

    It is judged as when it was ordered once more; a refusal leaves audit records, which must be committed.
    """
    order = orders.lock(transaction, organization_id, order_id)
    for_whom = order_checks.whose(transaction, organization_id, order.patient_id)
    try:
        checked = order_checks.check_order(transaction, None, for_whom, order, clock)
    except InvalidError as error:
        return Refusal(PRESCRIPTION, str(error))
    return Refusal(WRITER, checked.refusal.reason) if isinstance(checked, Refused) else None
