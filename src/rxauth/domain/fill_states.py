"""Fill states: how the fills of an order go along with it. Pure: no database, no clock."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class FillState(StrEnum):
    """How far a fill is. SCHEDULED: its prescription says not before a day. SENT: the order is at the pharmacy."""

    SCHEDULED = "SCHEDULED"
    NEW = "NEW"
    SENT = "SENT"
    CANCELED = "CANCELED"


_S = FillState
# A fill is NEW again when its order goes to another pharmacy, or to the same one once more.
MOVES: Final[Mapping[FillState, frozenset[FillState]]] = MappingProxyType(
    {
        _S.SCHEDULED: frozenset({_S.NEW, _S.SENT, _S.CANCELED}),
        _S.NEW: frozenset({_S.SCHEDULED, _S.SENT, _S.CANCELED}),
        _S.SENT: frozenset({_S.NEW, _S.CANCELED}),
        _S.CANCELED: frozenset(),
    }
)


def before(state: FillState) -> list[FillState]:
    """Returns the states from which a fill may come to another."""
    return [one for one, to in MOVES.items() if state in to]
