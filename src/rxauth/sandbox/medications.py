"""The medications of the sample data: some written out, and families that differ in strength, or have a brand."""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from rxauth.domain import treatments
from rxauth.domain.medication_terms import Way
from rxauth.ids import Kind, sample_id

MADE_AT_MS: Final = 1_767_225_600_000  # 2026-01-01, so that reference data has the same identifiers everywhere
_MAKER: Final = "Sample Maker"
_CODES: Final = dict.fromkeys(("rxcui", "product_ndc", "package_ndc", "sku", "hcpcs"))
# By a word of the form: the route, and what is sold. The first that is found counts.
_FORMS: Final = (
    ("Disintegrating", "Oral", "30 tablets in 1 bottle"),
    ("Chewable", "Oral", "30 tablets in 1 bottle"),
    ("Sublingual", "Sublingual", "30 tablets in 1 bottle"),
    ("Oral Tablet", "Oral", "30 tablets in 1 bottle"),
    ("Oral Capsule", "Oral", "30 capsules in 1 bottle"),
    ("Oral", "Oral", "150 mL in 1 bottle"),
    ("Patch", "Topical", "30 patches in 1 carton"),
    ("Topical", "Topical", "30 g in 1 tube"),
    ("Shampoo", "Topical", "120 mL in 1 bottle"),
    ("Ophthalmic", "Ophthalmic", "5 mL in 1 bottle"),
    ("Nasal", "Nasal", "1 spray in 1 carton"),
    ("Inhal", "Inhalation", "1 inhaler in 1 carton"),
    ("Pen Injector", "Subcutaneous", "5 pens in 1 carton"),
    ("Injectable", "Subcutaneous", "1 vial in 1 carton"),
)


def read() -> list[Mapping[str, Any]]:
    """Returns every drug of the sample data."""
    return [*_stored("medications"), *(one for family in _stored("medication_families") for one in _members(family))]


def way(drug: Mapping[str, Any]) -> Way:
    """Returns the choices that lead to a drug."""
    return Way(drug["genericName"], drug["strength"], drug["route"])


def rows(drug: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns a drug, a product of it and a package of that; nobody makes either of the two."""
    key = drug["key"]
    row = {
        "id": sample_id(Kind.MEDICATION, key, MADE_AT_MS),
        "kind": treatments.MEDICATION,
        "name": drug["name"],
        "description": drug["description"],
        "codes": _CODES,
        "medication_type": drug["type"],
        "concept": drug["concept"],
        "schedule": drug["schedule"],
        "brand_name": drug["brandName"],
        "generic_name": drug["genericName"],
        "strength": drug["strength"],
        "form": drug["form"],
        "manufacturer": drug["manufacturer"],
        "parent_id": None,
        "route_id": way(drug).ids[-1],
    }
    product = row | {
        "id": sample_id(Kind.MEDICATION, f"{key}-product", MADE_AT_MS),
        "name": f"{drug['name']} ({_MAKER})",
        "concept": treatments.PRODUCT,
        "manufacturer": _MAKER,
        "parent_id": row["id"],
        "route_id": None,
    }
    package = product | {
        "id": sample_id(Kind.MEDICATION, f"{key}-package", MADE_AT_MS),
        "name": f"{product['name']}, {drug['package']}",
        "concept": treatments.PACKAGE,
        "description": drug["package"],
        "parent_id": product["id"],
    }
    return [row, product, package]


def _members(family: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Makes the drugs of a family: one for each strength, and of the first strength the brand's, if there is one."""
    for place, strength in enumerate(family["strengths"]):
        yield _member(family, strength, None)
        if place == 0 and "brand" in family:
            yield _member(family, strength, family["brand"])


def _member(family: Mapping[str, Any], strength: str, brand: str | None) -> Mapping[str, Any]:
    form = family["form"]
    route, package = next((route, package) for word, route, package in _FORMS if word in form)
    called = family.get("salt", family["generic"])
    parts = (f"{name} {amount}" for name, amount in zip(called.split(" / "), strength.split(" / "), strict=True))
    name = f"{' / '.join(parts)} {form}" + ("" if brand is None else f" [{brand}]")
    return {
        "key": "".join(one if one.isalnum() else " " for one in name.lower()).replace(" ", "-"),
        "name": name,
        "description": None,
        "type": family.get("type", "RX"),
        "concept": treatments.DRUG,
        "schedule": family.get("schedule"),
        "brandName": brand,
        "genericName": family["generic"],
        "strength": strength,
        "form": form,
        "manufacturer": None,
        "route": family.get("route", route),
        "package": family.get("package", package),
        "contains": family["generic"].split(" / "),
    }


def _stored(name: str) -> Any:
    return json.loads((files("rxauth.sandbox") / "data" / f"{name}.json").read_text())
