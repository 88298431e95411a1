"""Checks of drafted prescriptions against allergies and other prescriptions. Pure: facts in, alerts out.

What is not known is said: a comparison that nothing was known for has found nothing, and is not good news.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final

from rxauth.domain.screening_alerts import (
    Alert,
    AlertType,
    Facts,
    Severity,
    Substance,
    in_order,
    listed,
)
from rxauth.domain.screening_supply import implausible

_NOT_KNOWN: Final = "no ingredients are known here"


def screen(facts: Facts) -> list[Alert]:
    """Returns all that the checks find, the most severe first."""
    return in_order(alert for check in CHECKS for alert in check(facts))


def _allergies(facts: Facts) -> Iterator[Alert]:
    for draft in facts.drafts:
        for allergen in facts.allergens:
            shared = draft.substance.ingredients & allergen.ingredients
            if shared:
                yield Alert(
                    AlertType.ALLERGEN,
                    Severity.MAJOR,
                    f"{draft.substance.name} contains {listed(shared)}. The patient is recorded as allergic to "
                    f"{allergen.name}, which stands for {'it' if len(shared) == 1 else 'them'}.",
                    (allergen.entity, draft.entity),
                )


def _allergies_not_compared(facts: Facts) -> Iterator[Alert]:
    for allergen in facts.allergens if facts.drafts else ():
        if not allergen.ingredients:
            yield Alert(
                AlertType.ALLERGEN,
                Severity.MINOR,
                f"Not checked: of {allergen.name}, a recorded allergy, {_NOT_KNOWN}. Nothing was compared with it.",
                (allergen.entity, *facts.drafted),
            )
    for draft in facts.drafts if facts.allergens else ():
        if not draft.substance.ingredients:
            yield Alert(
                AlertType.ALLERGEN,
                Severity.MINOR,
                f"Not checked: of {draft.substance.name} {_NOT_KNOWN}. It was compared with none of the allergies.",
                (draft.entity,),
            )


def _existing_therapy(facts: Facts) -> Iterator[Alert]:
    for draft in facts.drafts:
        for existing in facts.existing:
            found = _duplicate(draft.substance, existing.substance)
            if found is not None:
                severity, why = found
                text = f"{draft.substance.name}: the patient has {existing.said}{why}."
                yield Alert(AlertType.DRUG, severity, text, (draft.entity, existing.entity))


def _drafted_therapy(facts: Facts) -> Iterator[Alert]:
    ordered = sorted(facts.drafts, key=lambda one: (one.substance.name, one.substance.id))
    for one, other in combinations(ordered, 2):
        found = _duplicate(one.substance, other.substance)
        if found is not None:
            severity, why = found
            is_twice = one.entity == other.entity
            what = "is drafted more than once" if is_twice else f"and {other.substance.name} are drafted together{why}"
            involved = (one.entity,) if is_twice else (one.entity, other.entity)
            yield Alert(AlertType.DRUG, severity, f"{one.substance.name} {what}.", involved)


def _duplicate(one: Substance, other: Substance) -> tuple[Severity, str] | None:
    """Returns how severe it is to have both, and why; None: nothing that is known here speaks against it."""
    if one.drug_id == other.drug_id:
        severity = Severity.MAJOR if one.is_medication else Severity.MINOR
        return severity, "" if one.id == other.id else ", which is the same drug"
    shared = one.ingredients & other.ingredients
    return (Severity.MODERATE, f"; both contain {listed(shared)}") if shared else None


def _therapy_not_compared(facts: Facts) -> Iterator[Alert]:
    how = "It was compared with other prescriptions as a treatment, and not by ingredient."
    if facts.existing or len(facts.drafts) > 1:
        for draft in facts.drafts:
            if _is_unknown(draft.substance):
                text = f"Not checked: of {draft.substance.name} {_NOT_KNOWN}. {how}"
                yield Alert(AlertType.DRUG, Severity.MINOR, text, (draft.entity,))
    for existing in facts.existing if facts.drafts else ():
        if _is_unknown(existing.substance):
            text = f"Not checked: the patient has {existing.said}, of which {_NOT_KNOWN}. {how}"
            yield Alert(AlertType.DRUG, Severity.MINOR, text, (existing.entity, *facts.drafted))
    if facts.has_more and facts.drafts:
        text = "Not checked: only the newest of the patient's prescriptions were compared, and there are older ones."
        yield Alert(AlertType.DRUG, Severity.MINOR, text, facts.drafted)


def _is_unknown(substance: Substance) -> bool:
    return substance.is_medication and not substance.ingredients


def _conditions_not_compared(facts: Facts) -> Iterator[Alert]:
    if facts.conditions and facts.drafts:
        codes = listed({one.id for one in facts.conditions})
        text = f"Not checked: of what speaks against a drug in a condition, nothing is known here. Given were {codes}."
        conditions = sorted(set(facts.conditions), key=lambda one: one.id)
        yield Alert(AlertType.CONDITION, Severity.MINOR, text, (*conditions, *facts.drafted))


def _supply(facts: Facts) -> Iterator[Alert]:
    for draft in facts.drafts:
        for text in implausible(draft):
            yield Alert(AlertType.DRUG, Severity.MINOR, f"{draft.substance.name}: {text}", (draft.entity,))


CHECKS: Final[tuple[Callable[[Facts], Iterator[Alert]], ...]] = (
    _allergies,
    _allergies_not_compared,
    _existing_therapy,
    _drafted_therapy,
    _therapy_not_compared,
    _conditions_not_compared,
    _supply,
)
