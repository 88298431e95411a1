"""What an error says: a code from the list, and nothing of the server's inside."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from rxauth.api.errors import ERRORS_LIMIT, MEANINGS
from rxauth.storage.database import Transaction
from tests.api.answers import Clinics, sample_id
from tests.api.documents import CREATE_PATIENT, UPDATE_PATIENT, ada
from tests.live import Live
from tests.world import Template, see_everything

INSIDE = (
    "Traceback",
    'File "',
    ".py",
    "line ",
    "rxauth",
    "graphql.",
    "msgspec",
    "sqlite",
    "psycopg",
    "sqlalchemy",
    "SELECT",
    "INSERT",
    "UPDATE",
    "organization_id",
    "Did you mean",
    "Error(",
    "<function",
    "object at 0x",
)
PROVOCATIONS: list[tuple[str, dict[str, Any]]] = [
    ("{ patient { id } }", {}),
    ("{ patientz { id } }", {}),
    ("{ patients { idd nam } }", {}),
    ("{ patients(firts: 1) { id } }", {}),
    ("{ orders(filter: {stat: PLACED}) { id } }", {}),
    ("{ orders(filter: {state: PLACE}) { id } }", {}),
    ("mutation { createPatien { id } }", {}),
    ("subscription { patients { id } }", {}),
    ("{ patients { ... on Pateint { id } } }", {}),
    ("{ patients { id @skp(if: true) } }", {}),
    ("query($a: Strng) { patients { id } }", {}),
    ("{ __type(name: 1) { name } }", {}),
    ('mutation { createPatient(name: {frist: "A"}, dateOfBirth: "1990-01-01", sex: MAL, phone: "x") { id } }', {}),
    (CREATE_PATIENT, ada(sex="FEMAL")),
    (CREATE_PATIENT, ada(dateOfBirth={"day": object.__name__})),
    (CREATE_PATIENT, ada(name={"first": "A", "last": "B", "lasst": "C"})),
    (CREATE_PATIENT, ada(preferredPharmacies=["phr_nothing"])),
    (UPDATE_PATIENT, {"id": "pat_nothing"}),
    ("query($first: Int) { patients(first: $first) { id } }", {"first": -1}),
    ("query($first: Int) { patients(first: $first) { id } }", {"first": 2**31}),
]


@pytest.fixture(scope="module")
def clinics(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """The servers of these tests."""
    running = Clinics(templates, tmp_path_factory)
    yield running
    running.stop()


@pytest.fixture
def served(clinics: Clinics, engine: str) -> Live:
    """A server on each engine whose data no test changes."""
    return clinics.serve(engine)


@pytest.mark.parametrize(("query", "variables"), PROVOCATIONS)
def test_an_error_has_a_code_of_the_list_and_nothing_of_the_inside(
    served: Live, query: str, variables: dict[str, Any]
) -> None:
    answer = served.graphql(served.token(served.world.alder), query, variables)

    assert answer.json()["errors"]
    for error in answer.json()["errors"]:
        assert error["extensions"]["code"] in MEANINGS
        assert error.keys() <= {"message", "extensions", "locations", "path"}
        assert not [word for word in INSIDE if word.lower() in error["message"].lower()]


def test_an_unexpected_error_says_nothing_of_what_happened(clinics: Clinics, engine: str) -> None:
    """The fault is a stored address that is none, as a restored backup could have."""
    live = clinics.serve(engine, "broken")
    token = live.token(live.world.alder)
    patient_id = sample_id(live, token)
    secret = "Ashley Confidential"

    def spoil(transaction: Transaction) -> None:
        see_everything(transaction)
        broken = text("UPDATE patients SET address = :address WHERE id = :id")
        transaction.connection.execute(broken, {"address": json.dumps({"street1": [secret]}), "id": patient_id})

    live.server.database.write(spoil)

    answer = live.graphql(token, "query($id: ID!) { patient(id: $id) { id } allergens { id } }", {"id": patient_id})

    assert answer.status_code == 200
    assert answer.json()["data"]["patient"] is None
    assert len(answer.json()["data"]["allergens"]) == 63
    (error,) = answer.json()["errors"]
    assert error["message"] == "Something unexpected happened."
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert secret not in answer.text
    assert live.data(token, "{ pharmacies { id } }")["pharmacies"]


def test_the_number_of_errors_is_capped_where_fields_fail(served: Live) -> None:
    token = served.token(served.world.alder, scope="read:patient")
    fields = " ".join(f"a{number}: orders {{ id }}" for number in range(10))

    answer = served.graphql(token, f"{{ patients {{ id {fields} }} }}")

    assert len(answer.json()["errors"]) == ERRORS_LIMIT
    assert len(answer.json()["data"]["patients"]) == 24


def test_the_number_of_errors_is_capped_where_fields_are_unknown(served: Live) -> None:
    names = " ".join(f"unknown{number}" for number in range(900))

    answer = served.graphql(served.token(served.world.alder), f"{{ patients {{ {names} }} }}")

    assert 0 < len(answer.json()["errors"]) <= ERRORS_LIMIT


def test_the_number_of_errors_is_capped_where_values_are_wrong(served: Live) -> None:
    wrong = [{"allergenId": [number]} for number in range(5_000)]

    answer = served.graphql(served.token(served.world.alder), CREATE_PATIENT, ada(allergies=wrong))

    assert 0 < len(answer.json()["errors"]) <= ERRORS_LIMIT
    assert len(answer.content) < 30_000
