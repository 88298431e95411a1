"""What the pharmacy network answers, and what it reports later: applied to the order, with the end of its dispatch."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from rxauth.domain import dispatches, fulfillment, orders
from rxauth.domain.dispatches import OUTBOX, PATIENCE, PLACE, REFUSED, TAKEN, Dispatch
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.fulfillment import Accepted, Refused, Report
from rxauth.domain.leases import DEAD, Result
from rxauth.storage.database import Transaction

UNREACHABLE: Final = "NETWORK_UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the network does not take something. reason: a code. message: for people, None: nothing was said."""

    reason: str
    message: str | None = field(default=None, repr=False)


def settle(transaction: Transaction, dispatch: Dispatch, result: Result, refusal: Refusal | None, now_ms: int) -> str:
    """Notes what came of an attempt, and what it means for the order; returns the state of the dispatch.

    refusal: what the network said, if the result is final.
    """
    orders.lock(transaction, dispatch.organization_id, dispatch.order_id)
    state = OUTBOX.state_after(dispatch, result, TAKEN, REFUSED)
    if OUTBOX.settle(transaction, dispatch, result, state) and dispatch.act == PLACE:
        said = _said(dispatch, state, result, refusal)
        if said is not None:
            # The network may have reported more than its answer says, before the answer arrived.
            with suppress(InvalidError):
                fulfillment.report(transaction, dispatch.organization_id, dispatch.order_id, said, now_ms)
    return state


def hear(transaction: Transaction, said: Report, now_ms: int) -> bool:
    """Applies what the network reports; tells whether that was new.

    Raises:
        AbsentError: there is no such dispatch. InvalidError: the order does not allow it; the text says what it allows.
    """
    found = dispatches.owner(transaction, said.dispatch_id)
    if found is None:
        raise AbsentError("there is no such dispatch")
    return fulfillment.report(transaction, *found, said, now_ms)


def _said(dispatch: Dispatch, state: str, result: Result, refusal: Refusal | None) -> Report | None:
    if state == TAKEN:
        return Accepted(dispatch.id)
    if state == REFUSED and refusal is not None:
        return Refused(dispatch.id, refusal.reason, refusal.message)
    if state == DEAD:
        hours = PATIENCE.given_up_after_s // 3_600
        told = f"the pharmacy network did not take the order within {hours} hours; the last attempt ended with "
        return Refused(dispatch.id, UNREACHABLE, told + result.outcome)
    return None
