"""Reference data of any size, made up: medications, equipment, allergens and pharmacies as importers make them."""

from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from typing import Any

from rxauth.domain import allergens, medication_terms, pharmacies, treatment_store, treatments
from rxauth.domain.medication_terms import Way
from rxauth.storage.database import Database

_SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "je",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "qui",
    "ro",
    "su",
    "ta",
    "ve",
    "wi",
)
_FORMS = ("Oral Tablet", "Oral Capsule", "Topical Cream", "Extended Release Oral Tablet", "Injectable Solution")
_BATCH = 2_000


def fill(database: Database, sizes: dict[str, int]) -> None:
    """Adds so many of each kind: drugs, products, equipment, allergens, pharmacies."""
    kinds = {"drugs": _drug, "products": _product, "equipment": _equipment}
    for kind, make in kinds.items():
        _keep(database, treatment_store.keep, (make(number) for number in range(sizes.get(kind, 0))))
    ways = (Way(word(number), "5 MG", "Oral") for number in range(sizes.get("concepts", 0)))
    _keep(database, medication_terms.keep, ways)
    _keep(database, allergens.keep, (_allergen(number) for number in range(sizes.get("allergens", 0))))
    _keep(database, pharmacies.keep, (_pharmacy(number) for number in range(sizes.get("pharmacies", 0))))


def word(number: int) -> str:
    """Returns a made-up word, another for each number."""
    letters, rest = "", number + len(_SYLLABLES) ** 2
    while rest:
        rest, place = divmod(rest, len(_SYLLABLES))
        letters += _SYLLABLES[place]
    return letters + "in"


def _keep(database: Database, keep: Any, rows: Iterator[Any]) -> None:
    for _ in count():
        batch = list(islice(rows, _BATCH))
        if not batch:
            return
        database.write(partial(keep, **{"ways" if keep is medication_terms.keep else "rows": batch}))


def treatment(**values: Any) -> dict[str, Any]:
    """Returns the row of a treatment, of which what is not given is not known."""
    empty = dict.fromkeys(
        ("description", "schedule", "brand_name", "generic_name", "strength", "form", "manufacturer", "parent_id")
    )
    codes = dict.fromkeys(("rxcui", "product_ndc", "package_ndc", "sku", "hcpcs"))
    return {
        "kind": treatments.MEDICATION,
        "medication_type": "RX",
        "concept": treatments.DRUG,
        "route_id": None,
        **empty,
        **values,
        "codes": codes | values.get("codes", {}),
    }


def _drug(number: int) -> dict[str, Any]:
    name = f"{word(number // 5)} {number % 9 * 5 + 5} MG {_FORMS[number % 5]}"
    return treatment(id=f"med_size_drug_{number:07}", name=name, codes={"rxcui": str(9_000_000 + number)})


def _product(number: int) -> dict[str, Any]:
    ndc = f"9{number % 10_000:04}-{number // 10_000:03}"
    return treatment(
        id=f"med_size_product_{number:07}",
        name=f"{word(number // 5)} (Labeler {number})",
        concept=treatments.PRODUCT,
        codes={"product_ndc": ndc},
        parent_id=f"med_size_drug_{number // 50:07}",
    )


def _equipment(number: int) -> dict[str, Any]:
    return treatment(
        id=f"dme_size_{number:07}",
        kind=treatments.MEDICAL_EQUIPMENT,
        name=f"{word(number)} meter",
        concept=None,
        medication_type=None,
    )


def _allergen(number: int) -> dict[str, Any]:
    return {"id": f"alg_size_{number:07}", "name": word(number), "rxcui": str(number)}


def pharmacy(key: str, name: str, spot: tuple[float | None, float | None], kind: str = "PICK_UP") -> dict[str, Any]:
    """Returns the row of a pharmacy. spot: latitude and longitude."""
    nothing = dict.fromkeys(("npi", "ncpdp", "phone", "fax", "address"))
    spots = {"latitude": spot[0], "longitude": spot[1]}
    return {"id": f"phr_{key}", "name": name, "fulfillment_types": [kind], **spots, **nothing}


def _pharmacy(number: int) -> dict[str, Any]:
    name = f"{word(number % 7_000)} {('Pharmacy', 'Drugs', 'Apothecary')[number % 3]}"
    spot = (25 + number * 7_919 % 20_000 / 1_000, -120 + number * 104_729 % 45_000 / 1_000)
    return pharmacy(f"size_{number:07}", name, spot, "PICK_UP" if number % 7 else "MAIL_ORDER")
