"""Whether a quantity and a days' supply fit each other, the dose form and the instructions. Pure: facts in, texts out.

The bounds are wide and this project's own. They find slips of the keyboard; they are no reference for doses.
"""

import re
from collections.abc import Iterator
from typing import Final

from rxauth.domain.prescription_drafts import DAYS_SUPPLY_LIMIT, QUANTITY_LIMIT
from rxauth.domain.screening_alerts import Drafted

# The least and the most of a unit that somebody is expected to use a day, and over the time that a supply is for.
_MONTHLY: Final = 1 / 31
_TWICE_A_YEAR: Final = 1 / 200
_A_DAY: Final = {
    "tablet": (_MONTHLY, 24.0),
    "capsule": (_MONTHLY, 24.0),
    "film": (_MONTHLY, 24.0),
    "lozenge": (_MONTHLY, 24.0),
    "troche": (_MONTHLY, 24.0),
    "packet": (_MONTHLY, 24.0),
    "suppository": (_MONTHLY, 6.0),
    "patch": (_MONTHLY, 4.0),
    "inhaler": (_TWICE_A_YEAR, 1.0),
    "ring": (_TWICE_A_YEAR, 1.0),
    "pen": (_TWICE_A_YEAR, 10.0),
    "syringe": (_TWICE_A_YEAR, 10.0),
    "cartridge": (_TWICE_A_YEAR, 10.0),
    "vial": (_TWICE_A_YEAR, 10.0),
    "ampule": (_TWICE_A_YEAR, 10.0),
    "gram": (_TWICE_A_YEAR, 120.0),
    "milliliter": (_TWICE_A_YEAR, 4_000.0),
    "strip": (_MONTHLY, 24.0),
    "lancet": (_MONTHLY, 24.0),
}
_SMALL_FORMS: Final = frozenset({"ophthalmic", "otic", "nasal", "drops", "spray", "pen", "injector"})
_SMALL_FORMS_ML: Final = 10.0
_COUNTED: Final = ("tablet", "capsule")
_MIXED: Final = ("kit", "pack")
_LEAST_PART: Final = 0.8  # of what the instructions use
_MOST_PART: Final = 1.5

_ALL_DIGITS: Final = 1_000
_WORDS: Final = re.compile("[a-z]+")
_NUMBERS: Final = {"1/2": 0.5, "half": 0.5, "one-half": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0}
_TIMES: Final = {"once": 1.0, "twice": 2.0, "two": 2.0, "three": 3.0, "four": 4.0, "2": 2.0, "3": 3.0, "4": 4.0}
_UNITS: Final = {"tablet": "tablet", "capsule": "capsule", "ml": "milliliter", "milliliter": "milliliter"}
# Only what is said in one of these ways is read, and only if nothing is left over: a taper, a range, a second dose or
# "as needed" is not read at all.
_INSTRUCTIONS: Final = re.compile(
    r"""
    (?:take|chew|swallow|give)\ (?P<dose>\d{1,3}(?:\.\d{1,2})?|1/2|one-half|half|one|two|three|four)\ (?:a\ )?
    (?P<unit>tablet|capsule|ml|milliliter)s?
    (?:\ by\ mouth|\ orally)?
    (?:
        (?:\ once)?\ (?:daily|a\ day|per\ day|every\ day|each\ day)
        (?:\ (?:in\ the\ morning|in\ the\ evening|at\ bedtime|before\ breakfast))?
        |\ (?:every\ morning|every\ evening|every\ night|nightly|in\ the\ morning|in\ the\ evening|at\ bedtime)
        |\ (?P<times>twice|(?:two|three|four|[234])\ times)\ (?:daily|a\ day|per\ day|every\ day|each\ day)
        |\ every\ (?P<hours>4|6|8|12|24)\ hours
    )
    (?:\ with\ food|\ with\ meals|\ on\ an\ empty\ stomach)?
    (?:\ for\ (?P<days>\d{1,3})\ days)?
    \.?
    """,
    re.VERBOSE,
)


def implausible(draft: Drafted) -> Iterator[str]:
    """Says what does not fit; nothing where something is not given, or not understood."""
    quantity, days = draft.quantity, draft.days_supply
    if quantity is not None and not 0 < quantity <= QUANTITY_LIMIT:
        yield f"no prescription has the quantity {_written(quantity)}."
        return
    if days is not None and not 1 <= days <= DAYS_SUPPLY_LIMIT:
        yield f"no prescription has a supply of {days} days."
        return
    unit = None if draft.unit is None else draft.unit.strip().casefold()
    form = (draft.substance.form or "").casefold()
    if unit in _COUNTED and form and unit not in form and not any(mixed in form for mixed in _MIXED):
        yield f"the unit is {draft.unit}, and the dose form {draft.substance.form}."
    if quantity is not None and days is not None and unit is not None:
        yield from _a_day(draft, quantity, days, unit, form)
        yield from _as_instructed(draft, quantity, days, unit)


def daily_use(instructions: str, days: int) -> tuple[float, str] | None:
    """Returns how much instructions use a day, and of which unit; None: they are not safely read.

    days: the supply's. Instructions that are for another number of days are not read either.
    """
    found = _INSTRUCTIONS.fullmatch(" ".join(instructions.casefold().split()))
    if found is None or found["days"] not in {None, str(days)}:
        return None
    dose = _NUMBERS.get(found["dose"]) or float(found["dose"])
    if found["hours"] is not None:
        times = 24 / int(found["hours"])
    else:
        times = 1.0 if found["times"] is None else _TIMES[found["times"].partition(" ")[0]]
    return dose * times, _UNITS[found["unit"]]


def _a_day(draft: Drafted, quantity: float, days: int, unit: str, form: str) -> Iterator[str]:
    least, most = _A_DAY.get(unit, (0.0, float("inf")))
    if unit == "milliliter" and not _SMALL_FORMS.isdisjoint(_WORDS.findall(form)):
        most = _SMALL_FORMS_ML
    used = quantity / days
    said = f"{_written(quantity)} {draft.unit} in {days} days are {_written(used)} a day"
    if used > most:
        yield f"{said}; this check expects at most {_written(most)}."
    elif used < least:
        yield f"{said}; this check expects at least one in {round(1 / least)} days."


def _as_instructed(draft: Drafted, quantity: float, days: int, unit: str) -> Iterator[str]:
    read = None if draft.instructions is None else daily_use(draft.instructions, days)
    if read is None or read[1] != unit:
        return
    needed = read[0] * days
    if not _LEAST_PART * needed <= quantity <= _MOST_PART * needed:
        yield (
            f"the instructions, read as {_written(read[0])} {draft.unit} a day, use {_written(needed)} in {days} days; "
            f"the quantity is {_written(quantity)}."
        )


def _written(number: float) -> str:
    """Writes a number with three digits that count, or all that stand before the point."""
    return f"{number:.0f}" if abs(number) >= _ALL_DIGITS or number == int(number) else f"{number:.3g}"
