"""What RxNorm becomes: ingredients, the allergens that stand for them, and what medications are called and contain.

Medications are those that other files brought; RxNorm's codes find them by their NDC. A product or drug gets an RxCUI
if all that is sold of it agrees on one. A drug contains what RxNorm says of anything that is sold of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final

from rxauth.domain import allergens, drug_codes, ingredients, treatment_store
from rxauth.domain.ingredients import Ingredient
from rxauth.domain.rxnorm_file import Coded, Concept, Relation
from rxauth.ids import Kind, sample_id
from rxauth.storage.database import Database, Transaction
from rxauth.storage.scratch import Scratch

_MADE_AT_MS: Final = 1_767_225_600_000  # the same everywhere and for ever
_BATCH: Final = 500
_TABLES: Final = (
    "CREATE TABLE concept (rxcui TEXT PRIMARY KEY, type TEXT, name TEXT) WITHOUT ROWID",
    "CREATE TABLE relation (of_ TEXT, how TEXT, to_ TEXT, PRIMARY KEY (of_, how, to_)) WITHOUT ROWID",
    "CREATE TABLE called (treatment TEXT, rxcui TEXT, PRIMARY KEY (treatment, rxcui)) WITHOUT ROWID",
    "CREATE TABLE contains (drug TEXT, rxcui TEXT, PRIMARY KEY (drug, rxcui)) WITHOUT ROWID",
)
# A pack contains drugs, a drug consists of components (or is the brand's name of one that does), each of an ingredient,
# of which a more precise one is a form.
_INGREDIENTS: Final = """
WITH RECURSIVE part(rxcui) AS (
  SELECT ? UNION SELECT concept.rxcui FROM part
  JOIN relation ON relation.of_ = part.rxcui JOIN concept ON concept.rxcui = relation.to_
)
SELECT concept.rxcui, concept.name FROM part JOIN concept USING (rxcui) WHERE concept.type = 'IN'
"""
_GENERIC: Final = """
SELECT rxcui FROM concept WHERE rxcui = ?1 AND type = 'SCD' UNION
SELECT relation.to_ FROM relation JOIN concept ON concept.rxcui = relation.to_ AND concept.type = 'SCD'
WHERE relation.of_ = ?1 AND relation.how = 'tradename_of'
"""


def begin(scratch: Scratch) -> None:
    """Makes what the import remembers."""
    for statement in _TABLES:
        scratch.make(statement)


def remember_concepts(scratch: Scratch, found: Iterable[Concept]) -> None:
    """Remembers concepts; one may have several names of a type, of which the first counts."""
    rows = ((one.rxcui, one.type, one.name) for one in found)
    scratch.add("INSERT OR IGNORE INTO concept VALUES (?, ?, ?)", rows)


def remember_relations(scratch: Scratch, found: Iterable[Relation]) -> None:
    """Remembers what consists of what."""
    scratch.add("INSERT OR IGNORE INTO relation VALUES (?, ?, ?)", ((one.of, one.how, one.to) for one in found))


def keep_ingredients(transaction: Transaction, found: Iterable[Concept]) -> None:
    """Adds ingredients, and for each of them an allergen that stands for it."""
    called = {_allergen(one.rxcui): one for one in found if one.type == "IN"}
    known = {the_id: Ingredient(one.name, one.rxcui) for the_id, one in called.items()}
    ingredients.keep(transaction, known.values())
    rows = [{"id": the_id, "name": one.name, "rxcui": one.rxcui} for the_id, one in called.items()]
    allergens.keep(transaction, rows)
    if known:
        ingredients.keep_of_allergens(transaction, {the_id: [one] for the_id, one in known.items()})


def keep_codes(transaction: Transaction, scratch: Scratch, found: Sequence[Coded]) -> int:
    """Gives packages their RxCUI, and remembers what they are part of; returns how many codes name none."""
    by_code = {drug_codes.plain(one.ndc): one.rxcui for one in found}
    packages = treatment_store.packages_by_code(transaction, list(by_code))
    treatment_store.name_rxcuis(transaction, {one.id: by_code[one.code] for one in packages})
    called, contents = [], []
    for one in packages:
        rxcui = by_code[one.code]
        called.append((one.product_id, rxcui))
        called += [(one.drug_id, generic) for (generic,) in scratch.rows(_GENERIC, (rxcui,)) if one.drug_id]
        contents += [(one.drug_id, part) for part, _ in scratch.rows(_INGREDIENTS, (rxcui,)) if one.drug_id]
    scratch.add("INSERT OR IGNORE INTO called VALUES (?, ?)", called)
    scratch.add("INSERT OR IGNORE INTO contains VALUES (?, ?)", contents)
    return len(found) - len({one.code for one in packages})


def finish(database: Database, scratch: Scratch) -> int:
    """Gives products and drugs what was remembered of them; returns of how many drugs the ingredients are known."""
    agreed = scratch.rows("SELECT treatment, min(rxcui) FROM called GROUP BY treatment HAVING count(*) = 1")
    for batch in _batches(agreed):
        names = dict(batch)
        database.write(lambda tx, names=names: treatment_store.name_rxcuis(tx, names))  # type: ignore[misc]
    parts = scratch.rows(
        "SELECT drug, concept.name, rxcui FROM contains JOIN concept USING (rxcui) ORDER BY drug, concept.name"
    )
    drugs = 0
    for batch in _batches(groupby(parts, itemgetter(0)), take=lambda one: (one[0], list(one[1]))):
        contents: dict[str, list[Ingredient]] = defaultdict(list)
        for drug, found in batch:
            contents[drug] = [Ingredient(name, rxcui) for _, name, rxcui in found]
        database.write(lambda tx, contents=contents: ingredients.keep_of_treatments(tx, contents))  # type: ignore[misc]
        drugs += len(contents)
    return drugs


def _batches(found: Iterator[Any], take: Any = tuple) -> Iterator[list[Any]]:
    taken = map(take, found)
    while batch := list(islice(taken, _BATCH)):
        yield batch


def _allergen(rxcui: str) -> str:
    return sample_id(Kind.ALLERGEN, f"rxnorm {rxcui}", _MADE_AT_MS)
