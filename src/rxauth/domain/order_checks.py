"""What is checked, and locked, before anything of an order is dispensed.

The order of locks is the same everywhere: the order's row, the authorities of those who wrote its prescriptions, the
prescriptions.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.clock import Clock
from rxauth.domain import (
    audit,
    fills,
    patients,
    pharmacies,
    prescription_fills,
    prescriptions,
    signing,
    treatments,
    writers,
)
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.orders import Order
from rxauth.domain.patients import Patient
from rxauth.domain.prescription_states import PrescriptionState
from rxauth.domain.prescriptions import Prescription
from rxauth.policy import decide
from rxauth.policy.authority import Refusal
from rxauth.policy.licences import end_of_day
from rxauth.policy.subjects import Caller, Wish
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tenancy import sql

_HOME_STATE: Final = sql(select(organizations.c.home_state).where(organizations.c.id == bindparam("organization_id")))
_DAY: Final = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom an order is for. state: where the patient is, two letters; None: nobody knows."""

    organization_id: str
    patient: Patient = field(repr=False)
    state: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Who wrote a prescription may not have it dispensed any more. where: the fill of it, as an error names it."""

    refusal: Refusal
    where: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Prescriptions of one patient that are locked, with writers who may have them dispensed. now_ms: when that was."""

    whose: Whose
    prescriptions: Sequence[Prescription]
    now_ms: int

    @property
    def today(self) -> str:
        """The day on which prescriptions are judged."""
        return prescriptions.today_anywhere(self.now_ms // 1_000)

    def begins_at(self) -> Mapping[str, int]:
        """Returns from when (UTC seconds) each prescription that says not before a day may be filled."""
        found = {}
        for one in self.prescriptions:
            if one.do_not_fill_before_date is not None and self.whose.state is not None:
                day = datetime.date.fromisoformat(one.do_not_fill_before_date)
                found[one.id] = end_of_day(day - _DAY, self.whose.state)
        return found


def whose(transaction: Transaction, organization_id: str, patient_id: str) -> Whose:
    """Returns whom an order is for.

    Raises:
        AbsentError: the organization has no such patient.
    """
    patient = patients.by_ids(transaction, organization_id, [patient_id]).get(patient_id)
    if patient is None:
        raise AbsentError("there is no such patient", "patientId")
    home = transaction.first(_HOME_STATE, organization_id=organization_id)
    return Whose(organization_id, patient, home.home_state if patient.address is None else patient.address.us_state)


def require_pharmacy(transaction: Transaction, pharmacy_id: str) -> None:
    """Wants a pharmacy that there is.

    Raises:
        AbsentError: there is none of that identifier.
    """
    if pharmacy_id not in pharmacies.by_ids(transaction, "", [pharmacy_id]):
        raise AbsentError("there is no such pharmacy", "pharmacyId")


def check(
    transaction: Transaction, caller: Caller | None, for_whom: Whose, named: Mapping[str, str], clock: Clock
) -> Checked | Refused:
    """Locks prescriptions after the authorities of those who wrote them, and judges these (decision 24).

    named: the prescriptions of the order, by identifier: how an error names the fill of each. The caller needs no
    authority; None: the server itself, which sends what waited. A refusal leaves audit records, which must be
    committed: hence Refused.

    Raises:
        AbsentError: the organization has no such prescription. InvalidError: it is another patient's.
    """
    organization_id = for_whom.organization_id
    found = prescriptions.by_ids(transaction, organization_id, list(named)) if named else {}
    for one_id, where in named.items():
        if one_id not in found:
            raise AbsentError("there is no such prescription", "prescriptionId").within(where)
        if found[one_id].patient_id != for_whom.patient.id:
            raise InvalidError("the prescription is another patient's", "prescriptionId").within(where)
    known = treatments.by_ids(transaction, "", [one.treatment_id for one in found.values()]) if found else {}
    standing = writers.standings(transaction, organization_id, [one.prescriber_id for one in found.values()])
    locked = prescription_fills.lock(transaction, organization_id, list(found))
    now_ms = clock.milliseconds()
    refused = []
    for one in locked:
        wish = Wish(one.patient_id, one.treatment_id, for_whom.state, known[one.treatment_id].schedule)
        refusal = decide.of_writer(standing.get(one.prescriber_id), wish, now_ms // 1_000)
        if refusal is not None:
            refused.append((one.id, refusal))
    if refused:
        acts = [_act(caller, organization_id, one, refusal) for one, refusal in refused]
        audit.record_each(transaction, acts, now_ms * 1_000)
        return Refused(refused[0][1], named[refused[0][0]])
    return Checked(for_whom, locked, now_ms)


def check_order(
    transaction: Transaction, caller: Caller | None, for_whom: Whose, order: Order, clock: Clock
) -> Checked | Refused:
    """Does what `check` does with the prescriptions of an order, of which it has a fill already.

    Raises:
        InvalidError: one of them is over, or was canceled.
    """
    there = fills.of_orders(transaction, for_whom.organization_id, [order.id]).get(order.id, [])
    named = {one.prescription_id: f"fills[{index}]" for index, one in enumerate(there) if one.prescription_id}
    checked = check(transaction, caller, for_whom, named, clock)
    if isinstance(checked, Checked):
        _require_in_force(checked, named)
    return checked


def require_fills(checked: Checked, named: Mapping[str, str]) -> None:
    """Wants a fill left of every prescription.

    Raises:
        InvalidError: naming the fill, and the state of its prescription.
    """
    for one in checked.prescriptions:
        state = one.state_on(checked.today)
        if state != PrescriptionState.ACTIVE or one.fills_remaining < 1:
            wanted = PrescriptionState.ACTIVE
            text = f"the prescription is {state}; one that is {wanted} can be ordered"
            raise InvalidError(text, "prescriptionId").within(named[one.id])


def _act(caller: Caller | None, organization_id: str, prescription_id: str, refusal: Refusal) -> audit.Act:
    if caller is not None:
        return signing.act(caller, audit.Event.PRESCRIPTION_REFUSED, prescription_id, refusal.code)
    event = audit.Event.PRESCRIPTION_REFUSED
    return audit.Act(event, audit.SERVER, organization_id, prescription_id, refusal.code)


def _require_in_force(checked: Checked, named: Mapping[str, str]) -> None:
    for one in checked.prescriptions:
        is_over = one.expiration_date < checked.today
        if is_over or one.state not in {PrescriptionState.ACTIVE, PrescriptionState.DEPLETED}:
            state = PrescriptionState.EXPIRED if is_over else one.state
            raise InvalidError(f"the prescription is {state}; cancel the order").within(named[one.id])
