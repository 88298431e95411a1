"""The checks of a screening: what is compared, what is found, and that silence means nothing was unknown."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.domain.screening_alerts import (
    Alert,
    AlertType,
    Allergen,
    Drafted,
    Entity,
    EntityKind,
    Existing,
    Facts,
    Severity,
    Substance,
)
from rxauth.domain.screening_checks import screen


def substance(
    name: str, *ingredients: str, drug: str | None = None, form: str | None = None, equipment: bool = False
) -> Substance:
    """Returns what is known of a treatment; drug: of what it is a product."""
    its_id = f"med_{name[::-1]}"  # which does not print the name
    return Substance(its_id, name, drug or its_id, not equipment, form, frozenset(ingredients))


AMOXICILLIN = substance("amoxicillin capsule", "amoxicillin")
AUGMENTIN = substance("augmentin", "amoxicillin", "clavulanate")
PRODUCT = substance("amoxicillin by a maker", "amoxicillin", drug=AMOXICILLIN.id)
LISINOPRIL = substance("lisinopril tablet", "lisinopril")
UNKNOWN = substance("new drug")
STRIPS = substance("test strips", equipment=True)
PENICILLINS = Allergen("alg_pen", "Penicillin", frozenset({"amoxicillin", "ampicillin"}))
CLAVULANATE = Allergen("alg_clavulanate", "Clavulanate", frozenset({"clavulanate", "amoxicillin"}))
PEANUT = Allergen("alg_peanut", "Peanut", frozenset())
ASTHMA = Entity(EntityKind.CONDITION, "J45.909", "Unspecified asthma")

Row = tuple[str, str, tuple[str, ...], tuple[str, ...]]
CASES: dict[str, tuple[Facts, list[Row]]] = {
    "nothing drafted": (Facts([], [Existing("rx_1", UNKNOWN)], [PENICILLINS, PEANUT], [ASTHMA], has_more=True), []),
    "nothing to compare with": (Facts([Drafted(AMOXICILLIN)]), []),
    "one draft that nothing is known of": (Facts([Drafted(UNKNOWN)]), []),
    "an allergy to an ingredient": (
        Facts([Drafted(AMOXICILLIN)], allergens=[PENICILLINS]),
        [("ALLERGEN", "MAJOR", (PENICILLINS.id, AMOXICILLIN.id), ("contains amoxicillin", "allergic to Penicillin"))],
    ),
    "an allergy to two ingredients": (
        Facts([Drafted(AUGMENTIN)], allergens=[CLAVULANATE]),
        [("ALLERGEN", "MAJOR", (CLAVULANATE.id, AUGMENTIN.id), ("contains amoxicillin and clavulanate",))],
    ),
    "an allergy to something else": (Facts([Drafted(LISINOPRIL)], allergens=[PENICILLINS]), []),
    "an allergy of which nothing is known": (
        Facts([Drafted(LISINOPRIL), Drafted(AMOXICILLIN)], allergens=[PEANUT]),
        [
            (
                "ALLERGEN",
                "MINOR",
                (PEANUT.id, AMOXICILLIN.id, LISINOPRIL.id),
                ("Not checked: of Peanut", "Nothing was compared with it"),
            )
        ],
    ),
    "a treatment of which nothing is known": (
        Facts([Drafted(UNKNOWN)], allergens=[PENICILLINS]),
        [("ALLERGEN", "MINOR", (UNKNOWN.id,), ("Not checked: of new drug", "compared with none of the allergies"))],
    ),
    "equipment of which nothing is known": (
        Facts([Drafted(STRIPS)], [Existing("rx_1", LISINOPRIL)], [PENICILLINS]),
        [("ALLERGEN", "MINOR", (STRIPS.id,), ("Not checked: of test strips",))],
    ),
    "the same treatment, active": (
        Facts([Drafted(LISINOPRIL)], [Existing("rx_1", LISINOPRIL)]),
        [("DRUG", "MAJOR", (LISINOPRIL.id, "rx_1"), ("patient has an active prescription for lisinopril tablet.",))],
    ),
    "the same treatment, all filled": (
        Facts([Drafted(LISINOPRIL)], [Existing("rx_1", LISINOPRIL, is_active=False)]),
        [("DRUG", "MAJOR", (LISINOPRIL.id, "rx_1"), ("a prescription whose last fill may still last for lisinopril",))],
    ),
    "a product of the same drug": (
        Facts([Drafted(PRODUCT)], [Existing("rx_1", AMOXICILLIN)]),
        [("DRUG", "MAJOR", (PRODUCT.id, "rx_1"), ("prescription for amoxicillin capsule, which is the same drug",))],
    ),
    "a shared ingredient": (
        Facts([Drafted(AUGMENTIN)], [Existing("rx_1", AMOXICILLIN), Existing("rx_2", LISINOPRIL)]),
        [("DRUG", "MODERATE", (AUGMENTIN.id, "rx_1"), ("for amoxicillin capsule; both contain amoxicillin.",))],
    ),
    "the same equipment": (
        Facts([Drafted(STRIPS)], [Existing("rx_1", STRIPS)]),
        [("DRUG", "MINOR", (STRIPS.id, "rx_1"), ("active prescription for test strips",))],
    ),
    "drafted three times": (
        Facts([Drafted(LISINOPRIL)] * 3),
        [("DRUG", "MAJOR", (LISINOPRIL.id,), ("lisinopril tablet is drafted more than once.",))],
    ),
    "drafted with a product of it": (
        Facts([Drafted(PRODUCT), Drafted(AMOXICILLIN)]),
        [("DRUG", "MAJOR", (PRODUCT.id, AMOXICILLIN.id), ("are drafted together, which is the same drug",))],
    ),
    "drafted with a shared ingredient": (
        Facts([Drafted(AUGMENTIN), Drafted(AMOXICILLIN)]),
        [("DRUG", "MODERATE", (AMOXICILLIN.id, AUGMENTIN.id), ("are drafted together; both contain amoxicillin",))],
    ),
    "a prescription of which nothing is known": (
        Facts([Drafted(LISINOPRIL)], [Existing("rx_1", UNKNOWN), Existing("rx_2", STRIPS)]),
        [("DRUG", "MINOR", ("rx_1", LISINOPRIL.id), ("Not checked: the patient has an active prescription for new",))],
    ),
    "a draft of which nothing is known, and another": (
        Facts([Drafted(UNKNOWN), Drafted(LISINOPRIL)]),
        [("DRUG", "MINOR", (UNKNOWN.id,), ("Not checked: of new drug", "and not by ingredient"))],
    ),
    "more prescriptions than are compared": (
        Facts([Drafted(LISINOPRIL)], has_more=True),
        [("DRUG", "MINOR", (LISINOPRIL.id,), ("Not checked: only the newest",))],
    ),
    "conditions": (
        Facts([Drafted(LISINOPRIL)], conditions=[ASTHMA, ASTHMA]),
        [("CONDITION", "MINOR", (ASTHMA.id, LISINOPRIL.id), ("Not checked", "nothing is known here", "J45.909"))],
    ),
    "the most severe first": (
        Facts([Drafted(AUGMENTIN)], [Existing("rx_1", AMOXICILLIN)], [PEANUT, PENICILLINS]),
        [
            ("ALLERGEN", "MAJOR", (PENICILLINS.id, AUGMENTIN.id), ("contains amoxicillin",)),
            ("DRUG", "MODERATE", (AUGMENTIN.id, "rx_1"), ("both contain",)),
            ("ALLERGEN", "MINOR", (PEANUT.id, AUGMENTIN.id), ("Not checked",)),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_alert_says_what_was_compared(case: str) -> None:
    facts, expected = CASES[case]

    found = screen(facts)

    assert [(one.type, one.severity, tuple(entity.id for entity in one.involved)) for one in found] == [
        (AlertType(kind), Severity(severity), ids) for kind, severity, ids, _ in expected
    ]
    for one, (_, _, _, said) in zip(found, expected, strict=True):
        for words in said:
            assert words in one.description


def test_neither_an_alert_nor_a_fact_prints_what_a_patient_takes() -> None:
    facts, _ = CASES["the most severe first"]

    for secret in ("amoxicillin", "augmentin", "Penicillin", "Peanut"):
        assert secret not in repr(screen(facts))
        assert secret not in repr(facts.drafts) + repr(facts.allergens) + repr(facts.existing)


INGREDIENTS = st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2)
# What an identifier names is always the same.
SUBSTANCES = st.sampled_from(
    [
        Substance(f"med_{number}", f"drug {number}", f"med_{drug}", is_medication, None, frozenset(contents))
        for number, (drug, is_medication, contents) in enumerate(
            [(0, True, "ab"), (0, True, "ab"), (2, True, "b"), (3, True, ""), (4, False, ""), (2, True, "bc")]
        )
    ]
)
DRAFTS = st.lists(st.builds(Drafted, SUBSTANCES), max_size=4)
EXISTING = st.lists(
    st.builds(
        lambda number, one, active: Existing(f"rx_{number}", one, active), st.integers(0, 9), SUBSTANCES, st.booleans()
    ),
    max_size=4,
    unique_by=lambda one: one.id,
)
ALLERGENS = st.lists(
    st.builds(
        lambda number, contents: Allergen(f"alg_{number}", f"allergen {number}", contents),
        st.integers(0, 5),
        INGREDIENTS,
    ),
    max_size=3,
)
FACTS = st.builds(Facts, DRAFTS, EXISTING, ALLERGENS, st.just((ASTHMA,)) | st.just(()), st.booleans())


def kinds(found: Sequence[Alert]) -> set[Alert]:
    """Returns alerts as a set, which must lose none."""
    assert len(set(found)) == len(found)
    return set(found)


@given(FACTS, ALLERGENS)
def test_another_allergy_never_takes_an_alert_away(facts: Facts, more: list[Allergen]) -> None:
    assert kinds(screen(facts)) <= kinds(screen(replace(facts, allergens=[*facts.allergens, *more])))


@given(FACTS, EXISTING)
def test_another_prescription_never_takes_an_alert_away(facts: Facts, more: list[Existing]) -> None:
    assert kinds(screen(facts)) <= kinds(screen(replace(facts, existing=[*facts.existing, *more])))


@given(FACTS, st.randoms())
def test_no_order_matters(facts: Facts, chance: Random) -> None:
    drafts = chance.sample(facts.drafts, len(facts.drafts))
    existing = chance.sample(facts.existing, len(facts.existing))
    allergens = chance.sample(facts.allergens, len(facts.allergens))

    assert screen(replace(facts, drafts=drafts, existing=existing, allergens=allergens)) == screen(facts)


@given(FACTS)
def test_whatever_is_not_known_is_said(facts: Facts) -> None:
    said = [one for one in screen(facts) if one.description.startswith("Not checked")]

    for draft in facts.drafts:
        for allergen in facts.allergens:
            if not (draft.substance.ingredients and allergen.ingredients):
                assert any(one.type is AlertType.ALLERGEN and draft.entity in one.involved for one in said)
        for existing in facts.existing:
            both = (draft.substance, existing.substance)
            if any(one.is_medication and not one.ingredients for one in both):
                assert any(one.type is AlertType.DRUG and draft.entity in one.involved for one in said)


@given(FACTS)
def test_an_alert_is_about_what_was_asked_and_never_severe_without_a_reason(facts: Facts) -> None:
    ours = {one.entity for one in facts.drafts} | {one.entity for one in facts.existing}
    ours |= {one.entity for one in facts.allergens} | set(facts.conditions)

    for one in screen(facts):
        assert set(one.involved) <= ours
        assert {entity.kind for entity in one.involved} & {EntityKind.DRAFTED}
        assert one.severity is Severity.MINOR or not one.description.startswith("Not checked")
