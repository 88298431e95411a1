"""Order states: which acts an order allows from where, and where they lead. Pure: no database, no clock."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rxauth.domain.errors import InvalidError


class OrderState(StrEnum):
    """How far an order is. ROUTING: the patient is to choose a pharmacy; PENDING: the pharmacy has yet to take it."""

    ROUTING = "ROUTING"
    PENDING = "PENDING"
    PLACED = "PLACED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    ERROR = "ERROR"


class OrderAct(StrEnum):
    """What becomes of an order: the first five are asked for, the others are what the pharmacy says."""

    UPDATE = "updated"
    ROUTE = "routed"
    REROUTE = "rerouted"
    RESEND = "resent"
    CANCEL = "canceled"
    PLACE = "placed"
    PROGRESS = "fulfilled"
    COMPLETE = "completed"
    REFUSE = "refused"


Moves = Mapping[OrderAct, OrderState]

SENT: Final = "SENT"
PICK_UP: Final = "PICK_UP"
MAIL_ORDER: Final = "MAIL_ORDER"
# How a pharmacy goes on with an order, by the type of its fulfillment; with the last step the order is complete.
STEPS: Final = MappingProxyType(
    {
        PICK_UP: (SENT, "RECEIVED", "READY", "PICKED_UP"),
        MAIL_ORDER: (SENT, "FILLING", "SHIPPED", "DELIVERED"),
    }
)
# What left the pharmacy: nobody can call it back.
OUT_OF_REACH: Final = frozenset({"PICKED_UP", "SHIPPED", "DELIVERED"})

_S, _A = OrderState, OrderAct
_MOVES: Final[Mapping[OrderState, Moves]] = MappingProxyType(
    {
        _S.ROUTING: {_A.UPDATE: _S.ROUTING, _A.ROUTE: _S.PENDING, _A.CANCEL: _S.CANCELED},
        _S.PENDING: {_A.REROUTE: _S.PENDING, _A.CANCEL: _S.CANCELED, _A.PLACE: _S.PLACED, _A.REFUSE: _S.ERROR},
        _S.PLACED: {
            _A.REROUTE: _S.PENDING,
            _A.CANCEL: _S.CANCELED,
            _A.PROGRESS: _S.PLACED,
            _A.COMPLETE: _S.COMPLETED,
            _A.REFUSE: _S.ERROR,
        },
        _S.ERROR: {_A.REROUTE: _S.PENDING, _A.RESEND: _S.PENDING, _A.CANCEL: _S.CANCELED},
        _S.COMPLETED: {},
        _S.CANCELED: {},
    }
)
_AFTER_IT_LEFT: Final = frozenset({_A.PROGRESS, _A.COMPLETE})


def allowed(state: str, fulfillment_state: str | None) -> Moves:
    """Returns what may become of an order, and where each act leads."""
    moves = _MOVES[OrderState(state)]
    if fulfillment_state in OUT_OF_REACH:
        return {act: to for act, to in moves.items() if act in _AFTER_IT_LEFT}
    return moves


def after(state: str, fulfillment_state: str | None, act: OrderAct) -> OrderState:
    """Returns the state to which an act leads.

    Raises:
        InvalidError: the order does not allow it; the text says what it does allow.
    """
    moves = allowed(state, fulfillment_state)
    if act in moves:
        return moves[act]
    where = f"{state} and {fulfillment_state}" if moves != _MOVES[OrderState(state)] else state
    raise InvalidError(f"an order that is {where} cannot be {act}; {_what_can(moves)}")


def _what_can(moves: Moves) -> str:
    if not moves:
        return "it is over"
    *others, last = sorted(moves)
    return f"it can be {', '.join(others)} or {last}" if others else f"it can be {last}"
