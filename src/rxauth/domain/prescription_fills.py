"""The fills that prescriptions have left: orders take them, and give them back when they are canceled.

A prescription is DEPLETED from the transaction that orders its last fill until one that gives a fill back.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import bindparam, case, select, update

from rxauth.domain.prescription_states import PrescriptionState
from rxauth.domain.prescriptions import COLUMNS, Prescription
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions as table
from rxauth.storage.tenancy import sql

_MINE = (table.c.organization_id == bindparam("organization_id"), table.c.id.in_(bindparam("ids", expanding=True)))
_THEIRS = (table.c.organization_id == bindparam("owner"), table.c.id.in_(bindparam("the_ids", expanding=True)))
# In the order of their identifiers, so that two orders never wait for each other.
_LOCKED: Final = sql(select(*COLUMNS).where(*_MINE).order_by(table.c.id).with_for_update())
_TAKE: Final = sql(
    update(table)
    .where(*_THEIRS)
    .values(
        fills_remaining=table.c.fills_remaining - 1,
        state=case((table.c.fills_remaining == 1, PrescriptionState.DEPLETED), else_=table.c.state),
    )
)
_GIVE_BACK: Final = sql(
    update(table)
    .where(*_THEIRS)
    .values(
        fills_remaining=table.c.fills_remaining + 1,
        state=case((table.c.state == PrescriptionState.DEPLETED, PrescriptionState.ACTIVE), else_=table.c.state),
    )
)


def lock(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> list[Prescription]:
    """Returns the organization's prescriptions among `ids`; nobody else changes them until the transaction ends."""
    if not ids:
        return []
    return [Prescription(*row) for row in transaction.all(_LOCKED, organization_id=organization_id, ids=ids)]


def take(transaction: Transaction, organization_id: str, locked: Sequence[Prescription]) -> list[Prescription]:
    """Takes one fill of each prescription, all of which have one; returns those that have none left."""
    if locked:
        transaction.run(_TAKE, owner=organization_id, the_ids=[one.id for one in locked])
    return [
        replace(one, fills_remaining=0, state=PrescriptionState.DEPLETED) for one in locked if one.fills_remaining == 1
    ]


def give_back(
    transaction: Transaction, organization_id: str, locked: Sequence[Prescription], today: str
) -> list[Prescription]:
    """Gives one fill back to each prescription; returns those that are active again on the day `today`.

    One that was canceled, or whose last day is over, gets its fill back too, and stays what it is.
    """
    if locked:
        transaction.run(_GIVE_BACK, owner=organization_id, the_ids=[one.id for one in locked])
    again = [
        replace(one, fills_remaining=one.fills_remaining + 1, state=PrescriptionState.ACTIVE)
        for one in locked
        if one.state == PrescriptionState.DEPLETED
    ]
    return [one for one in again if one.state_on(today) == PrescriptionState.ACTIVE]
