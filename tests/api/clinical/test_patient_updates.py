"""updatePatient: what is not named stays, null takes away, and a refusal changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rxauth.domain import clients, organizations
from rxauth.storage.database import Transaction
from tests.api.answers import code, the_error, unique, whole_patient
from tests.api.documents import ALLERGENS, CREATE_PATIENT, PATIENTS, PHARMACIES, UPDATE_PATIENT, ada
from tests.live import Live
from tests.world import NOW, Tenant

ADDRESS = {"street1": "1 New St", "city": "Austin", "state": "TX", "postalCode": "78701", "country": "US"}
EVERYTHING = {
    "name": {"title": "Dr.", "first": "Ada", "middle": "King", "last": "Lovelace"},
    "gender": "Woman",
    "email": "ada@example.com",
    "address": ADDRESS,
}


def make(clinic: Live, token: str, **changes: Any) -> Any:
    """Creates a patient that has every optional value, and returns everything known of it."""
    created = clinic.data(token, CREATE_PATIENT, ada(externalId=unique(), **EVERYTHING) | changes)["createPatient"]
    return whole_patient(clinic, token, created["id"])


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("dateOfBirth", "1985-12-11", "1985-12-11"),
        ("sex", "UNKNOWN", "UNKNOWN"),
        ("gender", "Non-binary", "Non-binary"),
        ("email", "lovelace@example.com", "lovelace@example.com"),
        ("phone", "202-555-0199", "+12025550199"),
        (
            "name",
            {"first": "Augusta", "last": "King"},
            {"title": None, "first": "Augusta", "middle": None, "last": "King", "full": "Augusta King"},
        ),
    ],
)
def test_one_value_changes_and_all_others_stay(clinic: Live, token: str, name: str, value: Any, shown: Any) -> None:
    before = make(clinic, token)

    clinic.data(token, UPDATE_PATIENT, {"id": before["id"], name: value})

    assert whole_patient(clinic, token, before["id"]) == before | {name: shown}


def test_nothing_named_changes_nothing(clinic: Live, token: str) -> None:
    before = make(clinic, token)

    clinic.data(token, UPDATE_PATIENT, {"id": before["id"]})

    assert whole_patient(clinic, token, before["id"]) == before


@pytest.mark.parametrize("name", ["externalId", "gender", "email", "address"])
def test_null_takes_an_optional_value_away(clinic: Live, token: str, name: str) -> None:
    before = make(clinic, token)

    clinic.data(token, UPDATE_PATIENT, {"id": before["id"], name: None})

    assert whole_patient(clinic, token, before["id"]) == before | {name: None}


@pytest.mark.parametrize("name", ["name", "dateOfBirth", "sex", "phone"])
def test_null_does_not_take_a_required_value_away(clinic: Live, token: str, name: str) -> None:
    before = make(clinic, token)

    error = the_error(clinic.graphql(token, UPDATE_PATIENT, {"id": before["id"], name: None, "gender": "Other"}))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert name in error["message"]
    assert whole_patient(clinic, token, before["id"]) == before


@pytest.mark.parametrize("name", ["allergies", "medicationHistory", "preferredPharmacies"])
@pytest.mark.parametrize("value", [None, []])
def test_an_empty_history_adds_nothing_and_takes_nothing_away(clinic: Live, token: str, name: str, value: Any) -> None:
    before = whole_patient(clinic, token, "sample-001")
    assert before[name]

    clinic.data(token, UPDATE_PATIENT, {"id": before["id"], name: value})

    assert whole_patient(clinic, token, "sample-001") == before


def test_a_new_address_replaces_the_whole_one_and_keeps_its_identifier(clinic: Live, token: str) -> None:
    patient = make(clinic, token, address=ADDRESS | {"street2": "Floor 2", "name": {"first": "A", "last": "K"}})

    sent = ADDRESS | {"id": "adr_of_somebody_else", "city": "Dallas"}
    clinic.data(token, UPDATE_PATIENT, {"id": patient["id"], "address": sent})

    after = whole_patient(clinic, token, patient["id"])["address"]
    assert after == sent | {"id": patient["address"]["id"], "street2": None, "name": None}


def test_a_renamed_patient_is_found_by_the_new_name_only(clinic: Live, token: str) -> None:
    old, new = unique("Q").replace("-", ""), unique("Q").replace("-", "")
    patient_id = make(clinic, token, name={"first": "Ada", "last": old})["id"]

    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "name": {"first": "Ada", "last": new}})

    def found(name: str) -> list[str]:
        return [one["id"] for one in clinic.data(token, PATIENTS, {"filter": {"name": name}})["patients"]]

    assert found(new) == [patient_id]
    assert found(old) == []


@pytest.mark.parametrize("patient_id", ["pat_01M844DZG0XYZXYZXYZXYZXYZX", "sample-001", "", "nobody"])
def test_a_patient_is_updated_by_identifier_only(reading: Live, reader: str, patient_id: str) -> None:
    assert code(reading.graphql(reader, UPDATE_PATIENT, {"id": patient_id, "gender": "Other"})) == "NOT_FOUND"


def test_a_refused_part_undoes_the_whole_update(clinic: Live, token: str) -> None:
    before = whole_patient(clinic, token, "sample-001")
    again = [{"allergenId": before["allergies"][0]["allergen"]["id"]}]

    answer = clinic.graphql(token, UPDATE_PATIENT, {"id": before["id"], "gender": "Other", "allergies": again})

    assert code(answer) == "CONFLICT"
    assert whole_patient(clinic, token, "sample-001") == before


def test_parallel_updates_lose_nothing(clinic: Live, token: str) -> None:
    patient_id = make(clinic, token)["id"]
    allergens = clinic.data(token, ALLERGENS, {})["allergens"][:4]
    pharmacies = clinic.data(token, PHARMACIES, {})["pharmacies"][:4]
    external_id = unique()
    changes: list[dict[str, Any]] = [
        {"externalId": external_id},
        {"gender": "Other"},
        {"email": "new@example.com"},
        {"phone": "+12025550111"},
        *({"allergies": [{"allergenId": one["id"]}]} for one in allergens),
        *({"preferredPharmacies": [one["id"]]} for one in pharmacies),
    ]

    with ThreadPoolExecutor(len(changes)) as threads:
        done = threads.map(lambda one: clinic.data(token, UPDATE_PATIENT, {"id": patient_id} | one), changes)
        assert len(list(done)) == len(changes)

    after = whole_patient(clinic, token, patient_id)
    assert (after["externalId"], after["gender"]) == (external_id, "Other")
    assert (after["email"], after["phone"]) == ("new@example.com", "+12025550111")
    assert {one["allergen"]["id"] for one in after["allergies"]} == {one["id"] for one in allergens}
    assert {one["id"] for one in after["preferredPharmacies"]} == {one["id"] for one in pharmacies}


def test_a_token_with_update_patient_updates_and_does_not_create(clinic: Live, token: str) -> None:
    def add(transaction: Transaction) -> Tenant:
        organization = organizations.create(transaction, "Cedar Clinic", NOW)
        granted = ("read:patient", "write:patient", "update:patient")
        secret = clients.create_machine_client(transaction, organization.id, "Cedar backend", granted, NOW)
        return Tenant(organization.id, secret.client_id, secret.id, secret.text)

    cedar = clinic.server.database.write(add)
    patient_id = make(clinic, clinic.token(cedar))["id"]
    token = clinic.token(cedar, scope="update:patient")

    updated = clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "gender": "Other"})["updatePatient"]

    assert updated["gender"] == "Other"
    assert code(clinic.graphql(token, CREATE_PATIENT, ada())) == "FORBIDDEN"
