"""Sending: an order is handed to what tells the pharmacy network, and its fills wait for their day."""

from rxauth.domain import dispatches, fills
from rxauth.domain.order_checks import Checked
from rxauth.domain.orders import Order
from rxauth.storage.database import Transaction


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
