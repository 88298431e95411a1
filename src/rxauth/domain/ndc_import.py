"""What the directory of drug codes becomes: products under drugs that terms lead to, and packages under products.

Identifiers are made of the codes, so that a table that is imported again changes what is there and adds nothing twice.
Nothing is taken away: prescriptions may refer to what the directory no longer lists.
"""

from collections.abc import Iterable
from typing import Any, Final

from rxauth.domain import medication_terms, treatment_store, treatments
from rxauth.domain.medication_terms import Way
from rxauth.domain.ndc_file import Package, Product
from rxauth.domain.treatments import Treatment
from rxauth.ids import Kind, sample_id
from rxauth.storage.database import Transaction

_MADE_AT_MS: Final = 1_767_225_600_000  # the same everywhere and for ever


def keep_products(transaction: Transaction, found: Iterable[Product]) -> None:
    """Adds products, their drugs, and the terms that lead there; what is there already is brought up to date."""
    products = list(found)
    medication_terms.keep(transaction, (_way(one) for one in products))
    drugs = {row["id"]: row for row in map(_drug, products)}
    made = {row["id"]: row for row in map(_product, products)}
    treatment_store.keep(transaction, [*drugs.values(), *made.values()])


def keep_packages(transaction: Transaction, found: Iterable[Package]) -> int:
    """Adds the packages of products that are there; returns how many were of others."""
    packages = list(found)
    product_ids = {one.product_ndc: _id("product", one.product_ndc) for one in packages}
    known = treatments.by_ids(transaction, "", list(product_ids.values()))
    rows = {}
    for one in packages:
        product = known.get(product_ids[one.product_ndc])
        if product is not None:
            row = _package(one, product)
            rows[row["id"]] = row
    treatment_store.keep(transaction, list(rows.values()))
    return sum(product_ids[one.product_ndc] not in known for one in packages)


def _way(product: Product) -> Way:
    return Way(product.generic_name, product.strength, product.route)


def _drug_name(product: Product) -> str:
    parts = (product.generic_name, product.strength, product.route, product.form)
    return " ".join(part for part in parts if part)


def _drug(product: Product) -> dict[str, Any]:
    """Returns the row of the drug that a product is made of.

    Products of one name may differ in schedule, or in whether they need a prescription: they are different drugs, lest
    one that is controlled pass for the other.
    """
    row = _row(product, "drug", _drug_key(product), treatments.DRUG)
    return row | {"name": _drug_name(product), "route_id": _way(product).ids[-1]}


def _drug_key(product: Product) -> str:
    return "\t".join((_drug_name(product).casefold(), product.schedule or "", product.type or ""))


def _product(product: Product) -> dict[str, Any]:
    called = " ".join(part for part in (product.brand_name or product.generic_name, product.strength) if part)
    of_whom = f" ({product.labeler})" if product.labeler else ""
    return _row(product, "product", product.ndc, treatments.PRODUCT) | {
        "name": f"{called} {product.form or ''}".strip() + of_whom,
        "codes": _codes(product_ndc=product.ndc),
        "brand_name": product.brand_name,
        "manufacturer": product.labeler,
        "parent_id": _id("drug", _drug_key(product)),
    }


def _package(package: Package, product: Treatment) -> dict[str, Any]:
    return {
        "id": _id("package", package.ndc),
        "kind": treatments.MEDICATION,
        "name": f"{product.name}, {package.description}",
        "description": package.description,
        "codes": _codes(product_ndc=package.product_ndc, package_ndc=package.ndc),
        "medication_type": product.type,
        "concept": treatments.PACKAGE,
        "schedule": product.schedule,
        "brand_name": product.brand_name,
        "generic_name": product.generic_name,
        "strength": product.strength,
        "form": product.form,
        "manufacturer": product.manufacturer,
        "parent_id": product.id,
        "route_id": None,
    }


def _row(product: Product, what: str, key: str, concept: str) -> dict[str, Any]:
    return {
        "id": _id(what, key),
        "kind": treatments.MEDICATION,
        "description": None,
        "codes": _codes(),
        "medication_type": product.type,
        "concept": concept,
        "schedule": product.schedule,
        "brand_name": None,
        "generic_name": product.generic_name,
        "strength": product.strength,
        "form": product.form,
        "manufacturer": None,
        "parent_id": None,
        "route_id": None,
    }


def _codes(**known: str) -> dict[str, str | None]:
    return dict.fromkeys(("rxcui", "product_ndc", "package_ndc", "sku", "hcpcs")) | known


def _id(what: str, key: str) -> str:
    return sample_id(Kind.MEDICATION, f"ndc {what} {key}", _MADE_AT_MS)
