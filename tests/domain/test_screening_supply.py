"""Whether a quantity and a days' supply are plausible: slips are found, and what is not understood is left."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.domain.screening_alerts import Drafted, Substance
from rxauth.domain.screening_supply import daily_use, implausible


def found(
    quantity: float | None = None,
    unit: str | None = None,
    days: int | None = None,
    instructions: str | None = None,
    form: str | None = None,
) -> list[str]:
    """Returns what is said of a draft."""
    substance = Substance("med_1", "drug", "med_1", True, form, frozenset())
    return list(implausible(Drafted(substance, quantity, unit, days, instructions)))


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ((300, "Tablet", 10), "300 Tablet in 10 days are 30 a day; this check expects at most 24"),
        ((1, "Tablet", 90), "are 0.0111 a day; this check expects at least one in 31 days"),
        ((31, "Inhaler", 30), "at most 1"),
        ((10, "Patch", 2), "at most 4"),
        ((60, "Suppository", 5), "at most 6"),
        ((500, "Milliliter", 30, None, "Ophthalmic Solution"), "at most 10"),
        ((300, "Milliliter", 3, None, "Pen Injector"), "at most 10"),
        ((100_000, "milliliter", 10, None, "Oral Suspension"), "are 10000 a day; this check expects at most 4000"),
        ((0, "Tablet", 30), "no prescription has the quantity 0"),
        ((-3, None, None), "no prescription has the quantity -3"),
        ((1e9, "Tablet", 30), "no prescription has the quantity 1000000000"),
        ((30, "Tablet", 0), "no prescription has a supply of 0 days"),
        ((30, "Tablet", 1_000), "no prescription has a supply of 1000 days"),
        ((30, "Tablet", None, None, "Oral Capsule"), "the unit is Tablet, and the dose form Oral Capsule"),
        ((30, " capsule", None, None, "Delayed Release Oral Tablet"), "the dose form Delayed Release Oral Tablet"),
        ((30, "Tablet", 30, "Take one tablet by mouth twice daily"), "read as 2 Tablet a day, use 60 in 30 days"),
        ((200, "Tablet", 30, "Take 2 tablets by mouth every 12 hours."), "use 120 in 30 days; the quantity is 200"),
        ((100, "Milliliter", 10, "Give 10 mL by mouth twice daily for 10 days"), "use 200 in 10 days"),
    ],
)
def test_what_does_not_fit_is_said(given_: tuple[object, ...], said: str) -> None:
    [text] = found(*given_)  # type: ignore[arg-type]  # of the types that it takes

    assert said in text


@pytest.mark.parametrize(
    "given_",
    [
        (),
        (30, "Tablet"),
        (30, None, 30),
        (None, "Tablet", 30),
        (30, "Tablet", 30),
        (4, "Tablet", 28, "Take one tablet by mouth once weekly"),
        (720, "Capsule", 30),
        (1, "Syringe", 90),
        (5_000, "Each", 1),
        (1, "Bottle", 999),
        (21, "Tablet", 28, None, "Kit"),
        (4_000, "Milliliter", 1, None, "Oral Solution"),
        (28, "Tablet", 30, "Take one tablet daily"),
        (90, "Tablet", 30, "Take 1-2 tablets by mouth every 6 hours as needed for pain"),
        (30, "Tablet", 30, "Take one tablet by mouth twice daily as needed"),
        (30, "Tablet", 10, "Take one tablet by mouth twice daily for 10 days, then one daily"),
        (30, "Each", 30, "Take one tablet by mouth twice daily"),
        (12, "Tablet", 30, "Take one tablet by mouth twice daily for 5 days"),
    ],
)
def test_what_fits_or_is_not_understood_is_left(given_: tuple[object, ...]) -> None:
    assert found(*given_) == []  # type: ignore[arg-type]  # of the types that it takes


@pytest.mark.parametrize(
    ("instructions", "read"),
    [
        ("Take one tablet by mouth once daily", (1, "tablet")),
        ("take 1 Tablet  DAILY.", (1, "tablet")),
        ("Take one tablet by mouth once daily in the evening", (1, "tablet")),
        ("Take 0.5 tablets every morning", (0.5, "tablet")),
        ("Take half a tablet at bedtime", (0.5, "tablet")),
        ("Take 1/2 tablet by mouth every day", (0.5, "tablet")),
        ("Take two capsules by mouth three times a day with food", (6, "capsule")),
        ("Take 2 capsules 4 times daily", (8, "capsule")),
        ("Give 5 mL by mouth every 8 hours for 7 days", (15, "milliliter")),
        ("Take one tablet by mouth every 24 hours", (1, "tablet")),
        ("Take one tablet in the morning and one at bedtime", None),
        ("Take one tablet in the morning, at bedtime", None),
        ("Take one tablet every other day", None),
        ("Take one tablet every 4 to 6 hours", None),
        ("Take one tablet twice daily as needed", None),
        ("Take one or two tablets daily", None),
        ("Take one tablet daily for 14 days", None),
        ("Take 10 mg daily", None),
        ("Do not take one tablet daily", None),
        ("Take one tablet daily until gone", None),
        ("Use as directed", None),
        ("", None),
    ],
)
def test_instructions_are_read_only_if_nothing_is_left_over(instructions: str, read: tuple[float, str] | None) -> None:
    assert daily_use(instructions, 7) == read


@given(st.text(max_size=80), st.integers(1, 999))
def test_any_text_is_read_or_left(text: str, days: int) -> None:
    read = daily_use(text, days)

    assert read is None or read[0] >= 0


@given(
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.sampled_from(["Tablet", "Milliliter", "Each", "?"]),
    st.none() | st.integers(-(2**31), 2**31 - 1),
)
def test_any_number_is_judged_or_left(quantity: float | None, unit: str | None, days: int | None) -> None:
    assert all(text.endswith(".") for text in found(quantity, unit, days, "Take one tablet daily", "Oral Tablet"))


def test_the_sample_prescriptions_are_plausible() -> None:
    data = files("rxauth.sandbox") / "data"
    forms = {one["key"]: one["form"] for one in json.loads((data / "medications.json").read_text())}

    for one in json.loads((data / "prescriptions.json").read_text()):
        form = forms.get(one["treatment"])
        said = found(one["dispenseQuantity"], one["dispenseUnit"], one["daysSupply"], one["instructions"], form)
        assert said == [], one["key"]
