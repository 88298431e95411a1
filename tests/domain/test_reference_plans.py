"""No list of reference data reads a whole table, on either engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import event

from rxauth.domain import allergens, diagnoses, ingredients, medication_terms, pharmacy_search, places, treatment_search
from rxauth.domain.paging import page
from rxauth.domain.treatment_search import MedicationFilter
from rxauth.storage.database import Database, Transaction
from tests.domain.reference_size import fill
from tests.world import World

NEW_YORK = places.circle(40.7, -74, 100)
SIZES = {"drugs": 2_000, "products": 2_000, "equipment": 500, "concepts": 500, "allergens": 1_000, "pharmacies": 2_000}


def medications(**wanted: Any) -> Callable[[Transaction], Any]:
    """Returns a list of medications."""
    return lambda tx: treatment_search.medications(tx, MedicationFilter(**wanted), page(None, None))


def pharmacies(**wanted: Any) -> Callable[[Transaction], Any]:
    """Returns a list of pharmacies."""
    given = {"name": None, "around": None, "fulfillment_type": None, **wanted}
    return lambda tx: pharmacy_search.search(tx, **given, offset=0, rows=25)


LISTS: dict[str, Callable[[Transaction], Any]] = {
    "medications": medications(),
    "drugs": medications(concept="DRUG"),
    "drugs by a word": medications(concept="DRUG", name="ceba"),
    "drugs by words": medications(concept="DRUG", name="ceba oral"),
    "drugs by code": medications(concept="DRUG", code="9000001"),
    "drugs by words and code": medications(concept="DRUG", name="ba", code="9000001"),
    "products": medications(concept="PRODUCT", drug="med_size_drug_0000001"),
    "products by a word": medications(concept="PRODUCT", drug="med_size_drug_0000001", name="labeler"),
    "equipment": lambda tx: treatment_search.equipment(tx, None, page(None, None)),
    "equipment by a word": lambda tx: treatment_search.equipment(tx, "meter", page(None, None)),
    "concepts": lambda tx: medication_terms.concepts(tx, "ceba"),
    "allergens": lambda tx: allergens.search(tx, None),
    "allergens by a word": lambda tx: allergens.search(tx, "ceba"),
    "pharmacies": pharmacies(),
    "pharmacies by a word": pharmacies(name="ceba"),
    "pharmacies by words": pharmacies(name="ceba drug"),
    "pharmacies by what they do": pharmacies(fulfillment_type="MAIL_ORDER"),
    "pharmacies by words and what they do": pharmacies(name="pharm", fulfillment_type="MAIL_ORDER"),
    "the nearest pharmacies": pharmacies(around=NEW_YORK),
    "the nearest pharmacies by words": pharmacies(around=NEW_YORK, name="pharm"),
    "the nearest pharmacies by what they do": pharmacies(around=NEW_YORK, fulfillment_type="PICK_UP"),
}
LISTS |= {
    "diagnoses": lambda tx: diagnoses.search(tx, None, None, 25),
    "diagnoses by code": lambda tx: diagnoses.search(tx, "e11", "E11.2", 25),
    "diagnoses by words": lambda tx: diagnoses.search(tx, "type diab", None, 25),
    "what packages contain": lambda tx: ingredients.of_treatments(tx, _samples(tx)),
    "what allergens stand for": lambda tx: ingredients.of_allergens(tx, [one.id for one in allergens.search(tx, "p")]),
}


def _samples(transaction: Transaction) -> list[str]:
    """Returns the packages of a sample drug."""
    [drug, *_] = medications(concept="DRUG", name="amoxicillin")(transaction)
    [product] = medications(concept="PRODUCT", drug=drug.id)(transaction)
    return [one.id for one in medications(concept="PACKAGE", product=product.id)(transaction)]


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """Collects the plan of each statement that is run, but of inserts."""
    seen: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("SELECT", "WITH", "DELETE", "UPDATE")):
            return
        how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        cursor = connection.connection.cursor()
        cursor.execute(f"{how} {statement}", parameters)
        seen.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

    engines = (database.engines.reader, database.engines.writer)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", explain)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", explain)


def test_every_list_goes_by_an_index(world: World) -> None:
    database = world.open()
    fill(database, SIZES)
    is_sqlite = database.engines.reader.dialect.name == "sqlite"

    def look(transaction: Transaction, found: Callable[[Transaction], Any]) -> int:
        if not is_sqlite:  # the tables of a test are so small that reading them whole would be right
            transaction.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return len(found(transaction))

    for name, found in LISTS.items():
        with plans(database) as seen:
            assert database.read(partial(look, found=found)) > 0, name
        assert seen, name
        for plan in seen:
            assert "Seq Scan" not in plan, f"{name}: {plan}"
            assert all("USING" in line for line in plan.splitlines() if line.startswith("SCAN")), f"{name}: {plan}"
    database.close()
