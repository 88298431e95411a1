"""Drafts: what somebody asks to have prescribed, and what every prescription must be."""

import datetime
from dataclasses import dataclass, field
from typing import Final

from rxauth.domain.diagnoses import Named
from rxauth.domain.errors import DomainError, InvalidError
from rxauth.domain.names import require_text

SIG_LIMIT_CHARACTERS: Final = 1_000  # of instructions, and of notes
FILLS_LIMIT: Final = 100  # the first, and 99 refills (NCPDP SCRIPT, NumberOfRefills)
DAYS_SUPPLY_LIMIT: Final = 999
QUANTITY_LIMIT: Final = 1_000_000.0
_YEAR: Final = 365


class DraftError(Exception):
    """A draft is none that anybody could sign. index: its place among the others."""

    def __init__(self, index: int, error: DomainError) -> None:
        super().__init__(type(error).__name__)
        self.index = index
        self.error = error


@dataclass(frozen=True, slots=True)
class Draft:
    """A prescription that nobody signed. Dates: YYYY-MM-DD. effective_date None: the day on which it is signed."""

    patient_id: str
    treatment_id: str = field(repr=False)
    dispense_quantity: float = field(repr=False)
    dispense_unit: str = field(repr=False)
    instructions: str = field(repr=False)
    fills_allowed: int = field(default=1, repr=False)
    dispense_as_written: bool = field(default=False, repr=False)
    days_supply: int | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)
    effective_date: str | None = field(default=None, repr=False)
    do_not_fill_before_date: str | None = field(default=None, repr=False)
    external_id: str | None = field(default=None, repr=False)
    diagnoses: tuple[Named, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Dates:
    """When a prescription begins, may be filled first (None: at once), and ends; that last day counts."""

    effective: datetime.date
    fill_from: datetime.date | None
    expires: datetime.date


def require_sound(draft: Draft) -> None:
    """Checks everything that needs neither the day nor the database.

    Raises:
        InvalidError: naming the member; the value is not repeated.
    """
    if not 0 < draft.dispense_quantity <= QUANTITY_LIMIT:
        raise InvalidError(f"dispenseQuantity is more than 0, and at most {QUANTITY_LIMIT:.0f}", "dispenseQuantity")
    if not 1 <= draft.fills_allowed <= FILLS_LIMIT:
        raise InvalidError(f"fillsAllowed is 1 to {FILLS_LIMIT}; refillsAllowed is one less", "fillsAllowed")
    if draft.days_supply is not None and not 1 <= draft.days_supply <= DAYS_SUPPLY_LIMIT:
        raise InvalidError(f"daysSupply is 1 to {DAYS_SUPPLY_LIMIT}", "daysSupply")
    for what, value in (("instructions", draft.instructions), ("notes", draft.notes)):
        if value is not None:
            require_text(value.replace("\n", " "), what, SIG_LIMIT_CHARACTERS)
    require_text(draft.external_id, "externalId")


def dates(draft: Draft, today: datetime.date) -> Dates:
    """Returns when the prescription holds: for a year; today: where the patient is.

    Raises:
        InvalidError: a day that it cannot begin at, or be filled from.
    """
    effective = today if draft.effective_date is None else datetime.date.fromisoformat(draft.effective_date)
    if abs((effective - today).days) > _YEAR:
        raise InvalidError("effectiveDate is more than a year away from today", "effectiveDate")
    expires = _a_year_after(effective)
    fill_from = None
    if draft.do_not_fill_before_date is not None:
        fill_from = datetime.date.fromisoformat(draft.do_not_fill_before_date)
        if not effective <= fill_from <= expires:
            raise InvalidError(
                "doNotFillBeforeDate is before effectiveDate, or after the prescription is over", "doNotFillBeforeDate"
            )
    return Dates(effective, fill_from, expires)


def _a_year_after(day: datetime.date) -> datetime.date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + 1, day=28)
