"""Drafts of prescriptions: what is acceptable, and from when until when a prescription holds."""

import datetime
from dataclasses import replace
from typing import Any

import pytest

from rxauth.domain.errors import InvalidError
from rxauth.domain.prescription_drafts import Draft, dates, require_sound

TODAY = datetime.date(2026, 11, 23)
GOOD = Draft("pat_1", "med_1", 30, "Tablet", "Take one tablet by mouth daily")

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no quantity": ({"dispense_quantity": 0}, "dispenseQuantity"),
    "less than none": ({"dispense_quantity": -1.0}, "dispenseQuantity"),
    "more than there is": ({"dispense_quantity": 1e300}, "dispenseQuantity"),
    "no fill": ({"fills_allowed": 0}, "fillsAllowed"),
    "too many fills": ({"fills_allowed": 101}, "fillsAllowed"),
    "for no day": ({"days_supply": 0}, "daysSupply"),
    "for too many days": ({"days_supply": 1000}, "daysSupply"),
    "blank instructions": ({"instructions": " \n "}, "instructions"),
    "instructions without end": ({"instructions": "x" * 1001}, "instructions"),
    "instructions that ring": ({"instructions": "a\x07"}, "instructions"),
    "blank notes": ({"notes": ""}, "notes"),
    "a blank externalId": ({"external_id": " "}, "externalId"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_draft_that_nobody_could_dispense_is_refused_without_repeating_what_it_says(case: str) -> None:
    changes, member = WRONG[case]

    with pytest.raises(InvalidError, match=f"^{member} ") as refused:
        require_sound(replace(GOOD, **changes))

    assert "x" * 50 not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dispense_quantity": 0.5},
        {"fills_allowed": 100, "days_supply": 999},
        {"notes": "first line\nsecond line", "instructions": "y" * 1000},
        {"external_id": "emr-1"},
    ],
    ids=["plain", "half", "most", "lines", "externalId"],
)
def test_a_draft_that_says_enough_is_accepted(changes: dict[str, Any]) -> None:
    require_sound(replace(GOOD, **changes))


@pytest.mark.parametrize(
    ("effective", "fill_from", "expected"),
    [
        (None, None, ("2026-11-23", None, "2027-11-23")),
        ("2026-12-01", None, ("2026-12-01", None, "2027-12-01")),
        ("2025-11-23", None, ("2025-11-23", None, "2026-11-23")),
        (None, "2026-11-23", ("2026-11-23", "2026-11-23", "2027-11-23")),
        (None, "2027-11-23", ("2026-11-23", "2027-11-23", "2027-11-23")),
    ],
)
def test_a_prescription_holds_for_a_year(
    effective: str | None, fill_from: str | None, expected: tuple[str, str | None, str]
) -> None:
    found = dates(replace(GOOD, effective_date=effective, do_not_fill_before_date=fill_from), TODAY)

    shown = (found.effective, found.fill_from, found.expires)
    assert tuple(None if day is None else day.isoformat() for day in shown) == expected


def test_a_prescription_of_a_leap_day_holds_until_the_end_of_february() -> None:
    leap_day = datetime.date(2028, 2, 29)

    assert dates(GOOD, leap_day).expires == datetime.date(2029, 2, 28)


@pytest.mark.parametrize(
    ("effective", "fill_from", "member"),
    [
        ("2025-11-22", None, "effectiveDate"),
        ("2027-11-24", None, "effectiveDate"),
        (None, "2026-11-22", "doNotFillBeforeDate"),
        ("2026-12-01", "2026-11-30", "doNotFillBeforeDate"),
        (None, "2027-11-24", "doNotFillBeforeDate"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused(effective: str | None, fill_from: str | None, member: str) -> None:
    with pytest.raises(InvalidError, match=f"^{member} "):
        dates(replace(GOOD, effective_date=effective, do_not_fill_before_date=fill_from), TODAY)


def test_a_draft_does_not_print_what_is_prescribed() -> None:
    assert repr(GOOD) == "Draft(patient_id='pat_1')"
