"""Sample data for safety checks, written for this project: what drugs and allergens contain, and diagnoses."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from rxauth.domain import diagnoses, ingredients
from rxauth.domain.diagnoses import Diagnosis
from rxauth.domain.ingredients import Ingredient
from rxauth.ids import Kind
from rxauth.storage.database import Transaction


def load(transaction: Transaction, drugs: Sequence[Mapping[str, Any]], id_of: Callable[[Kind, str], str]) -> None:
    """Adds ingredients and diagnoses; says what drugs and allergens that are there contain.

    Of a drug with a part that no ingredient is known for, nothing is said, unless it says itself what it contains.
    id_of: the identifier of what has a key.
    """
    called: dict[str, Ingredient] = {}
    allergens: dict[str, list[Ingredient]] = {}
    for one in _read("ingredients"):
        ingredient = Ingredient(one["name"])
        called.update(dict.fromkeys([one["name"], *one.get("of", [])], ingredient))
        for key in one.get("allergens", []):
            allergens.setdefault(id_of(Kind.ALLERGEN, key), []).append(ingredient)
    for name in (name for one in drugs for name in one.get("contains", [])):
        called.setdefault(name, Ingredient(name))
    ingredients.keep(transaction, called.values())
    ingredients.keep_of_allergens(transaction, allergens)
    parts = {id_of(Kind.MEDICATION, one["key"]): one["genericName"].split(" / ") for one in drugs}
    known = {drug_id: names for drug_id, names in parts.items() if called.keys() >= set(names)}
    ingredients.keep_of_treatments(
        transaction, {drug_id: [called[name] for name in names] for drug_id, names in known.items()}
    )
    diagnoses.keep(transaction, [Diagnosis(**one) for one in _read("diagnoses")])


def _read(name: str) -> Any:
    return json.loads((files("rxauth.sandbox") / "data" / f"{name}.json").read_text())
