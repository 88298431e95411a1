"""Grounds: what the database has of that which a draft names, in one statement: each costs every prescription."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain.names import Address, read_address
from rxauth.domain.prescription_drafts import Draft
from rxauth.policy.subjects import Wish
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.catalog import dispense_units, treatments
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tenancy import sql

_GROUNDS: Final = sql(
    select(
        organizations.c.home_state,
        organizations.c.signing_max_age_s,
        patients.c.id.label("patient_id"),
        patients.c.address,
        treatments.c.id.label("treatment_id"),
        treatments.c.schedule,
        dispense_units.c.name.label("unit"),
    )
    .select_from(organizations)
    .outerjoin(
        patients,
        (patients.c.organization_id == bindparam("organization_id")) & (patients.c.id == bindparam("patient")),
    )
    .outerjoin(treatments, treatments.c.id == bindparam("treatment"))
    .outerjoin(dispense_units, dispense_units.c.name == bindparam("dispensed"))
    .where(organizations.c.id == bindparam("organization_id"))
)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known of a draft. signing_max_age_s: as the organization's setting of that name."""

    wish: Wish
    has_patient: bool
    has_treatment: bool
    has_unit: bool
    signing_max_age_s: int | None


def read(transaction: Transaction, organization_id: str, draft: Draft) -> Grounds:
    """Reads what decides about a draft."""
    row = transaction.first(
        _GROUNDS,
        organization_id=organization_id,
        patient=draft.patient_id,
        treatment=draft.treatment_id,
        dispensed=draft.dispense_unit,
    )
    has_patient = row.patient_id is not None
    state = _state(read_address(row.address), row.home_state) if has_patient else None
    wish = Wish(draft.patient_id, draft.treatment_id, state, row.schedule)
    return Grounds(wish, has_patient, row.treatment_id is not None, row.unit is not None, row.signing_max_age_s)


def _state(address: Address | None, home_state: str | None) -> str | None:
    """Returns the state that a licence must cover: the address's; without an address, the organization's own."""
    return home_state if address is None else address.us_state
