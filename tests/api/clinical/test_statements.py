"""What a query costs the database: one transaction, and as many statements for twenty rows as for one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.api.answers import Clinics
from tests.api.documents import CREATE_PATIENT, ORDERS, PATIENTS, PRESCRIPTIONS, UPDATE_PATIENT, ada
from tests.live import Live

NESTED_ORDERS = """
query($filter: OrderFilter, $first: Int) {
  orders(filter: $filter, first: $first) {
    id
    patient { id name { full } }
    pharmacy { name }
    fills { id treatment { name } prescription { id prescriber { name { full } } treatment { name } patient { id } } }
  }
}"""
NESTED_PRESCRIPTIONS = """
query($filter: PrescriptionFilter, $first: Int) {
  prescriptions(filter: $filter, first: $first) {
    id prescriber { name { full } } treatment { name } patient { id } diagnoses { code name }
    fills { id order { id pharmacy { name } patient { id } } }
  }
}"""
NESTED_PATIENTS = """
query($filter: PatientFilter, $first: Int) {
  patients(filter: $filter, first: $first) {
    id
    prescriptions(first: 5) { id treatment { name } prescriber { name { full } } fills { id order { id } } }
    orders(first: 5) { id pharmacy { name } fills { id treatment { name } prescription { id treatment { name } } } }
  }
}"""
HISTORIES = """
query($filter: PatientFilter, $first: Int) {
  patients(filter: $filter, first: $first) {
    allergies { allergen { name } }
    medicationHistory { medication { name } prescription { id prescriber { name { full } } } }
    preferredPharmacies { name }
  }
}"""
HISTORIES_OF_ORDERS = """
query($filter: OrderFilter, $first: Int) {
  orders(filter: $filter, first: $first) {
    patient { allergies { allergen { name } } medicationHistory { medication { name } } preferredPharmacies { name } }
  }
}"""
THERE_AND_BACK = """
query($filter: OrderFilter, $first: Int) {
  orders(filter: $filter, first: $first) {
    patient { orders(first: 5) { fills { prescription { patient { orders(first: 5) { id } } } } } }
  }
}"""
DOCUMENTS = {
    "sdk orders": ORDERS,
    "sdk patients": PATIENTS,
    "sdk prescriptions": PRESCRIPTIONS,
    "orders": NESTED_ORDERS,
    "prescriptions": NESTED_PRESCRIPTIONS,
    "patients": NESTED_PATIENTS,
    "histories": HISTORIES,
    "histories of orders": HISTORIES_OF_ORDERS,
    "there and back": THERE_AND_BACK,
}


@contextmanager
def statements(live: Live) -> Iterator[list[str]]:
    """Collects the statements that requests send; the change feed's own thread is left out."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread().name.startswith("worker"):
            seen.append(statement)

    engines = {live.server.database.engines.reader, live.server.database.engines.writer}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def counted(clinics: Clinics, engine: str) -> Live:
    """A server on each engine with the sample data only: its patient Maya has a child of every kind."""
    return clinics.serve(engine, "counted")


@pytest.fixture
def key(counted: Live) -> str:
    """A token for that server."""
    return counted.token(counted.world.alder)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_twenty_rows_need_no_more_statements_than_one(counted: Live, key: str, name: str) -> None:
    document = DOCUMENTS[name]
    counted.data(key, document, {"first": 1})  # so that the client and the document are remembered
    whose = {"name": "maya"} if "patients(" in document else {"patientName": "maya"}

    with statements(counted) as for_one:
        (one,) = counted.data(key, document, {"filter": whose, "first": 1}).values()
    with statements(counted) as for_many:
        (many,) = counted.data(key, document, {"first": 20}).values()

    assert (len(one), len(many)) == (1, 20)
    assert len(for_many) <= len(for_one)


def test_a_query_reads_one_unchanging_view_of_the_database(counted: Live, key: str) -> None:
    document = "{ patients { id } orders { id fills { id } } prescriptions { id } pharmacies { id } allergens { id } }"

    with statements(counted) as seen:
        counted.data(key, document)

    assert [one.partition(" ")[0] for one in (seen[0], seen[-1])] == ["BEGIN", "COMMIT"]
    assert sum(one.startswith("BEGIN") for one in seen) == 1


def test_a_document_that_only_names_types_asks_the_database_for_nothing(counted: Live, key: str) -> None:
    with statements(counted) as seen:
        counted.data(key, "{ __typename }")

    assert [one for one in seen if one.startswith("SELECT")] == []


def test_a_full_catalog_needs_no_more_statements_than_a_small_one(counted: Live, key: str) -> None:
    document = "{ catalogs { id treatments { name } templates { id treatment { name } } } }"
    medications = counted.data(key, "{ medications(first: 20) { id } }")["medications"]
    catalog_id = counted.data(key, "{ catalog { id } }")["catalog"]["id"]
    kept = "mutation($c: ID!, $t: ID!) { addToCatalog(catalogId: $c, treatmentId: $t) { id } "
    kept += "createPrescriptionTemplate(catalogId: $c, treatmentId: $t) { id } }"

    sent = []
    for one in medications:
        counted.data(key, kept, {"c": catalog_id, "t": one["id"]})
        with statements(counted) as seen:
            counted.data(key, document)
        sent.append(len(seen))

    [shown] = counted.data(key, document)["catalogs"]
    assert (len(shown["treatments"]), len(shown["templates"])) == (20, 20)
    assert max(sent) <= sent[1]


def test_a_long_history_needs_no_more_statements_than_a_short_one(counted: Live, key: str) -> None:
    found = counted.data(key, "{ allergens { id } medications(first: 40) { id } pharmacies(first: 20) { id } }")

    def history(first: int, last: int) -> dict[str, Any]:
        return {
            "allergies": [{"allergenId": one["id"]} for one in found["allergens"][first:last]],
            "medicationHistory": [
                {"medicationId": one["id"], "active": True} for one in found["medications"][first:last]
            ],
            "preferredPharmacies": [one["id"] for one in found["pharmacies"][first:last]],
        }

    sent = []
    for short_of, long_of in ((1, 2), (1, 7)):
        with statements(counted) as seen:
            made = counted.data(key, CREATE_PATIENT, ada(**history(0, short_of)))["createPatient"]
        created = len(seen)
        with statements(counted) as seen:
            counted.data(key, UPDATE_PATIENT, {"id": made["id"], **history(short_of, long_of)})
        sent.append((created, len(seen)))
    with statements(counted) as seen:
        counted.data(key, CREATE_PATIENT, ada(**history(0, 20)))

    assert sent[0] == sent[1]
    assert len(seen) == sent[0][0]
