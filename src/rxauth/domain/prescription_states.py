"""Prescription states: which there are, and which follow which. Pure: no database, no clock."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class PrescriptionState(StrEnum):
    """Where a prescription stands. DEPLETED: orders took every fill. EXPIRED: its last day is over everywhere."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    DEPLETED = "DEPLETED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


_S = PrescriptionState
# An order that is canceled gives its fills back: so DEPLETED alone is no end.
MOVES: Final[Mapping[PrescriptionState, frozenset[PrescriptionState]]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.ACTIVE, _S.CANCELED}),
        _S.ACTIVE: frozenset({_S.DEPLETED, _S.EXPIRED, _S.CANCELED}),
        _S.DEPLETED: frozenset({_S.ACTIVE}),
        _S.EXPIRED: frozenset(),
        _S.CANCELED: frozenset(),
    }
)


def before(state: PrescriptionState) -> list[PrescriptionState]:
    """Returns the states from which a prescription may come to another."""
    return [one for one, to in MOVES.items() if state in to]
