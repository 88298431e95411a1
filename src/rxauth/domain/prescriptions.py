"""Prescriptions: written with the proof that somebody may, canceled, and found again."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, or_, select, update

from rxauth.domain import diagnoses
from rxauth.domain.errors import AbsentError, DomainError, ExistsError, InvalidError
from rxauth.domain.order_states import OrderState
from rxauth.domain.prescription_drafts import Draft, DraftError, dates, require_sound
from rxauth.domain.prescription_states import PrescriptionState, before
from rxauth.ids import Kind, new_id
from rxauth.policy.licences import day_in
from rxauth.policy.subjects import Prescriber
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import fills, orders, prescriptions
from rxauth.storage.tenancy import insert_row, sql

ACTIVE: Final = PrescriptionState.ACTIVE.value
EXPIRED: Final = PrescriptionState.EXPIRED.value
INSERT: Final = insert_row(prescriptions)
_LATEST_ZONE_S: Final = 12 * 3_600  # where a day ends last
COLUMNS: Final = tuple(column for column in prescriptions.c if column.name != "organization_id")
_MINE = prescriptions.c.organization_id == bindparam("organization_id")
_BY_IDS = sql(select(*COLUMNS).where(_MINE, prescriptions.c.id.in_(bindparam("ids", expanding=True))))
_SAME_EXTERNAL_IDS = sql(
    select(prescriptions.c.external_id).where(
        _MINE, prescriptions.c.external_id.in_(bindparam("external_ids", expanding=True))
    )
)
# Time ends a prescription without anybody's doing; the state that says so is stored a little later.
_IS_OVER = prescriptions.c.expiration_date < bindparam("today")
_CANCEL = sql(
    update(prescriptions)
    .where(
        prescriptions.c.organization_id == bindparam("owner"),
        prescriptions.c.id == bindparam("the_id"),
        prescriptions.c.state.in_(before(PrescriptionState.CANCELED)),
        or_(prescriptions.c.state != ACTIVE, ~_IS_OVER),
    )
    .values(state="CANCELED")
    .returning(*COLUMNS)
)
# Of an order that is under way, something may still be dispensed.
_OPEN_ORDER = sql(
    select(orders.c.id)
    .join(fills, (fills.c.organization_id == orders.c.organization_id) & (fills.c.order_id == orders.c.id))
    .where(
        orders.c.organization_id == bindparam("organization_id"),
        fills.c.prescription_id == bindparam("prescription_id"),
        orders.c.state.not_in([OrderState.COMPLETED, OrderState.CANCELED]),
    )
    .order_by(orders.c.id)
    .limit(1)
)


class ProofError(Exception):
    """A prescription was to be written with a proof that was made for something else: a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription. Dates: YYYY-MM-DD. written_at_ms: UTC milliseconds."""

    id: str
    external_id: str | None = field(repr=False)
    state: str
    prescriber_id: str
    patient_id: str
    treatment_id: str = field(repr=False)
    dispense_as_written: bool = field(repr=False)
    dispense_quantity: float = field(repr=False)
    dispense_unit: str = field(repr=False)
    fills_allowed: int = field(repr=False)
    fills_remaining: int = field(repr=False)
    days_supply: int | None = field(repr=False)
    instructions: str = field(repr=False)
    notes: str | None = field(repr=False)
    effective_date: str = field(repr=False)
    do_not_fill_before_date: str | None = field(repr=False)
    expiration_date: str = field(repr=False)
    written_at_ms: int = field(repr=False)

    def state_on(self, today: str) -> str:
        """Returns the state that the prescription shows on a day: time ends it without anybody's doing."""
        return EXPIRED if self.state == ACTIVE and self.expiration_date < today else self.state

    @property
    def refills_allowed(self) -> int:
        """The fills after the first."""
        return self.fills_allowed - 1

    @property
    def refills_remaining(self) -> int:
        """The fills left, not counting the first."""
        return min(self.fills_remaining, self.refills_allowed)


def write(transaction: Transaction, signed: Sequence[tuple[Prescriber, Draft]], now_ms: int) -> list[Prescription]:
    """Makes drafts prescriptions, all of one organization: each was signed by the prescriber beside it.

    Raises:
        ProofError: a proof is of another transaction, patient or treatment.
        DraftError: a value that no prescription has, or an externalId that the organization has already.
    """
    taken = _taken_external_ids(transaction, signed)
    written = []
    for index, (prescriber, draft) in enumerate(signed):
        try:
            written.append(_prescription(transaction, prescriber, draft, now_ms))
            if draft.external_id in taken:
                raise ExistsError("another prescription has this externalId", "externalId")
        except DomainError as error:
            raise DraftError(index, error) from None
        taken |= {draft.external_id} - {None}
    rows = [{name: getattr(one, name) for name in Prescription.__slots__} for one in written]
    transaction.run_many(INSERT, [{"organization_id": signed[0][0].organization_id, **row} for row in rows])
    named = {one.id: draft.diagnoses for one, (_, draft) in zip(written, signed, strict=True) if draft.diagnoses}
    if named:
        diagnoses.add_to_prescriptions(transaction, signed[0][0].organization_id, named)
    return written


def _taken_external_ids(transaction: Transaction, signed: Sequence[tuple[Prescriber, Draft]]) -> set[str | None]:
    external_ids = [draft.external_id for _, draft in signed if draft.external_id is not None]
    if not external_ids:
        return set()
    owner = {"organization_id": signed[0][0].organization_id}
    return {row.external_id for row in transaction.all(_SAME_EXTERNAL_IDS, **owner, external_ids=external_ids)}


def _prescription(transaction: Transaction, prescriber: Prescriber, draft: Draft, now_ms: int) -> Prescription:
    proven = (prescriber.patient_id, prescriber.treatment_id)
    if prescriber.transaction is not transaction or proven != (draft.patient_id, draft.treatment_id):
        raise ProofError
    require_sound(draft)
    days = dates(draft, day_in(prescriber.state, now_ms // 1_000))
    return Prescription(
        id=new_id(Kind.PRESCRIPTION, now_ms),
        external_id=draft.external_id,
        state=ACTIVE,
        prescriber_id=prescriber.user_id,
        patient_id=draft.patient_id,
        treatment_id=draft.treatment_id,
        dispense_as_written=draft.dispense_as_written,
        dispense_quantity=draft.dispense_quantity,
        dispense_unit=draft.dispense_unit,
        fills_allowed=draft.fills_allowed,
        fills_remaining=draft.fills_allowed,
        days_supply=draft.days_supply,
        instructions=draft.instructions,
        notes=draft.notes,
        effective_date=days.effective.isoformat(),
        do_not_fill_before_date=None if days.fill_from is None else days.fill_from.isoformat(),
        expiration_date=days.expires.isoformat(),
        written_at_ms=now_ms,
    )


def cancel(transaction: Transaction, organization_id: str, prescription_id: str, today: str) -> Prescription:
    """Cancels a prescription for good.

    Raises:
        AbsentError: the organization has none of that identifier. InvalidError: it is over, or canceled already; or an
            order of it is under way.
    """
    row = transaction.first(_CANCEL, owner=organization_id, the_id=prescription_id, today=today)
    if row is not None:
        under_way = transaction.first(_OPEN_ORDER, organization_id=organization_id, prescription_id=prescription_id)
        if under_way is not None:
            raise InvalidError(f"order {under_way.id} of this prescription is under way: cancel that first")
        return Prescription(*row)
    found = by_ids(transaction, organization_id, [prescription_id]).get(prescription_id)
    if found is None:
        raise AbsentError("there is no such prescription", "id")
    can = " or ".join(before(PrescriptionState.CANCELED))
    raise InvalidError(f"a prescription that is {found.state_on(today)} cannot be canceled; one that is {can} can")


def today_anywhere(now: int) -> str:
    """Returns the day on which a prescription is over if its last day was before: it has ended everywhere.

    now: UTC seconds.
    """
    return datetime.datetime.fromtimestamp(now - _LATEST_ZONE_S, datetime.UTC).date().isoformat()


def by_ids(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, Prescription]:
    """Returns the organization's prescriptions among `ids`."""
    rows = transaction.all(_BY_IDS, organization_id=organization_id, ids=ids)
    return {row.id: Prescription(*row) for row in rows}
