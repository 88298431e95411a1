"""Ingredients: kept once under their name, and said of drugs for all that is made of them."""

import pytest

from rxauth.domain import allergens, ingredients, treatment_search, treatments
from rxauth.domain.ingredients import Ingredient
from rxauth.domain.paging import page
from rxauth.domain.treatment_search import MedicationFilter
from rxauth.storage.database import Transaction
from tests.undone import Undone


def drug_of(transaction: Transaction, generic_name: str, concept: str = "DRUG") -> str:
    """Returns a sample drug, or a product or package of it, by its name."""
    wanted = MedicationFilter(concept="DRUG", name=generic_name)
    the_id = treatment_search.medications(transaction, wanted, page(None, 1))[0].id
    for narrower in (treatments.products, treatments.packages)[: ("DRUG", "PRODUCT", "PACKAGE").index(concept)]:
        the_id = narrower(transaction, the_id)[0].id
    return the_id


def allergen(transaction: Transaction, name: str) -> str:
    """Returns a sample allergen by its name."""
    return allergens.search(transaction, name)[0].id


def test_a_name_has_one_identifier_however_it_is_written() -> None:
    assert Ingredient("Amoxicillin").id == Ingredient(" amoxicillin ").id
    assert Ingredient("insulin  glargine").id == Ingredient("Insulin Glargine").id
    assert Ingredient("insulin").id != Ingredient("insulin glargine").id
    assert Ingredient("amoxicillin").id.startswith("ing_")


@pytest.mark.parametrize("concept", ["DRUG", "PRODUCT", "PACKAGE"])
def test_what_a_drug_contains_its_products_and_packages_contain(undone: Undone, concept: str) -> None:
    def work(transaction: Transaction) -> None:
        both = drug_of(transaction, "amoxicillin 875 MG / clavulanate", concept)
        assert ingredients.of_treatments(transaction, [both]) == {both: {"amoxicillin", "clavulanate"}}

    undone.run(work)


def test_a_class_of_allergens_stands_for_all_its_ingredients(undone: Undone) -> None:
    def work(transaction: Transaction) -> None:
        nsaids, peanut = allergen(transaction, "NSAIDs"), allergen(transaction, "Peanut")
        assert ingredients.of_allergens(transaction, [nsaids, peanut]).keys() == {nsaids}
        assert ingredients.of_allergens(transaction, [nsaids])[nsaids] >= {"aspirin", "ibuprofen", "naproxen"}

    undone.run(work)


def test_what_is_said_again_replaces_what_was_said(undone: Undone) -> None:
    def work(transaction: Transaction) -> None:
        drug, nuts = drug_of(transaction, "atorvastatin"), allergen(transaction, "Peanut")
        new = [Ingredient("starch"), Ingredient("Starch"), Ingredient("lactose")]
        for _ in range(2):
            ingredients.keep(transaction, new)
            ingredients.keep_of_treatments(transaction, {drug: new})
            ingredients.keep_of_allergens(transaction, {nuts: new[:1]})
        assert ingredients.of_treatments(transaction, [drug])[drug] == {"Starch", "lactose"}
        assert ingredients.of_allergens(transaction, [nuts])[nuts] == {"Starch"}
        ingredients.keep_of_treatments(transaction, {drug: []})
        assert ingredients.of_treatments(transaction, [drug]) == {}

    undone.run(work)


def test_an_ingredient_learns_its_code_and_does_not_forget_it(undone: Undone) -> None:
    def work(transaction: Transaction) -> None:
        for one in (Ingredient("amoxicillin", "723"), Ingredient("amoxicillin"), Ingredient("new one", "99")):
            ingredients.keep(transaction, [one])
        asked = [Ingredient("Amoxicillin").id, Ingredient("new one").id, Ingredient("nothing").id]
        found = ingredients.by_ids(transaction, asked)
        assert list(found.values()) == [Ingredient("amoxicillin", "723"), Ingredient("new one", "99")]

    undone.run(work)
