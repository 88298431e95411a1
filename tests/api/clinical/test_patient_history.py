"""Allergies, medications and pharmacies of a patient: added, shown and taken away."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.answers import code, sample_id, the_error, whole_patient
from tests.api.documents import (
    ALLERGENS,
    CREATE_PATIENT,
    MEDICAL_EQUIPMENT,
    MEDICATIONS,
    PHARMACIES,
    REMOVE_ALLERGY,
    REMOVE_PHARMACY,
    UPDATE_PATIENT,
    ada,
)
from tests.live import Live

REMOVE_ALLERGY_BY_ITS_OWN_NAME = """
mutation($id: ID!, $allergenId: ID!) { removePatientAllergy(id: $id, allergenId: $allergenId) { id } }
"""


def make(clinic: Live, token: str) -> str:
    """Creates a patient with no history and returns its identifier."""
    return str(clinic.data(token, CREATE_PATIENT, ada())["createPatient"]["id"])


def references(clinic: Live, token: str) -> tuple[list[str], list[str], list[str]]:
    """Returns the identifiers of all allergens, medications and pharmacies that fit on a page."""
    allergens = clinic.data(token, ALLERGENS, {})["allergens"]
    medications = clinic.data(token, MEDICATIONS, {"first": 100})["medications"]
    pharmacies = clinic.data(token, PHARMACIES, {})["pharmacies"]
    ids = [[str(one["id"]) for one in found] for found in (allergens, medications, pharmacies)]
    return ids[0], ids[1], ids[2]


@pytest.mark.parametrize("document", [REMOVE_ALLERGY, REMOVE_ALLERGY_BY_ITS_OWN_NAME])
def test_an_allergy_is_added_and_taken_away(clinic: Live, token: str, document: str) -> None:
    patient_id = make(clinic, token)
    (first, second, *_), _, _ = references(clinic, token)

    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "allergies": [{"allergenId": first, "comment": "Rash"}]})
    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "allergies": [{"allergenId": second, "onset": "2020-02-29"}]})

    shown = {one["allergen"]["id"]: one for one in whole_patient(clinic, token, patient_id)["allergies"]}
    assert {key: (one["comment"], one["onset"]) for key, one in shown.items()} == {
        first: ("Rash", None),
        second: (None, "2020-02-29"),
    }

    clinic.data(token, document, {"id": patient_id, "allergenId": first})

    left = whole_patient(clinic, token, patient_id)["allergies"]
    assert [one["allergen"]["id"] for one in left] == [second]
    assert code(clinic.graphql(token, document, {"id": patient_id, "allergenId": first})) == "NOT_FOUND"


def test_an_allergy_that_was_taken_away_can_be_added_again_with_another_comment(clinic: Live, token: str) -> None:
    patient_id = make(clinic, token)
    allergen_id = references(clinic, token)[0][0]
    document = """
    mutation($id: ID!, $allergenId: ID!, $allergies: [AllergenInput]) {
      updatePatient(id: $id, allergenId: $allergenId, allergies: $allergies) { allergies { comment } }
    }"""
    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "allergies": [{"allergenId": allergen_id}]})

    replaced = {"id": patient_id, "allergenId": allergen_id, "allergies": [{"allergenId": allergen_id, "comment": "b"}]}
    after = clinic.data(token, document, replaced)["updatePatient"]

    assert after == {"allergies": [{"comment": "b"}]}


@pytest.mark.parametrize("kind", ["allergies", "medicationHistory"])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_a_patient_has_already_is_refused_in_the_words_clients_look_for(
    clinic: Live, token: str, kind: str, at_once: bool
) -> None:
    patient_id = make(clinic, token)
    allergens, medications, _ = references(clinic, token)
    entry: dict[str, Any] = (
        {"allergenId": allergens[0]} if kind == "allergies" else {"active": True, "medicationId": medications[0]}
    )
    if not at_once:
        clinic.data(token, UPDATE_PATIENT, {"id": patient_id, kind: [entry]})
    before = whole_patient(clinic, token, patient_id)

    error = the_error(clinic.graphql(token, UPDATE_PATIENT, {"id": patient_id, kind: [entry] * (1 + at_once)}))

    assert "already exists on patient" in error["message"]
    assert error["extensions"]["code"] == "CONFLICT"
    assert whole_patient(clinic, token, patient_id) == before


def test_of_parallel_additions_of_one_allergy_exactly_one_wins(clinic: Live, token: str) -> None:
    patient_id = make(clinic, token)
    values = {"id": patient_id, "allergies": [{"allergenId": references(clinic, token)[0][0]}]}

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: clinic.graphql(token, UPDATE_PATIENT, values), range(8)))

    refused = [the_error(one) for one in answers if "errors" in one.json()]
    assert len(refused) == 7
    assert all("already exists on patient" in one["message"] for one in refused)
    assert len(whole_patient(clinic, token, patient_id)["allergies"]) == 1


def test_a_medication_is_added_with_what_is_known_of_it(clinic: Live, token: str) -> None:
    patient_id = make(clinic, token)
    _, (first, second, *_), _ = references(clinic, token)
    taken = [
        {"active": True, "medicationId": first, "comment": "At night"},
        {"active": False, "medicationId": second},
    ]

    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "medicationHistory": taken})

    shown = whole_patient(clinic, token, patient_id)["medicationHistory"]
    assert {one["medication"]["id"]: (one["active"], one["comment"], one["prescription"]) for one in shown} == {
        first: (True, "At night", None),
        second: (False, None, None),
    }


def test_equipment_is_kept_and_stays_out_of_a_list_whose_type_is_medications(clinic: Live, token: str) -> None:
    patient_id = make(clinic, token)
    meter = clinic.data(token, MEDICAL_EQUIPMENT, {"name": "glucose meter"})["medicalEquipment"][0]
    values = {"id": patient_id, "medicationHistory": [{"active": True, "medicalEquipmentId": meter["id"]}]}

    clinic.data(token, UPDATE_PATIENT, values)

    assert whole_patient(clinic, token, patient_id)["medicationHistory"] == []
    assert "already exists on patient" in the_error(clinic.graphql(token, UPDATE_PATIENT, values))["message"]


def test_a_medication_taken_shows_the_newest_prescription_for_it(reading: Live, reader: str) -> None:
    document = """{ patient(id: "sample-001") {
      medicationHistory { medication { name } prescription { state treatment { name } patient { externalId } } }
    } }"""

    taken = reading.data(reader, document)["patient"]["medicationHistory"]

    shown = {one["medication"]["name"]: one["prescription"] for one in taken}
    assert shown["prednisone 20 MG Oral Tablet"] is None
    for name in ("albuterol 90 MCG/ACTUAT Metered Dose Inhaler", "montelukast 10 MG Oral Tablet"):
        assert shown[name] == {"state": "ACTIVE", "treatment": {"name": name}, "patient": {"externalId": "sample-001"}}


def test_pharmacies_are_preferred_in_the_order_in_which_they_were_named(clinic: Live, token: str) -> None:
    patient_id = make(clinic, token)
    _, _, (first, second, third, *_) = references(clinic, token)

    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "preferredPharmacies": [third, first]})
    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "preferredPharmacies": [second, third, second]})

    def preferred() -> list[str]:
        return [one["id"] for one in whole_patient(clinic, token, patient_id)["preferredPharmacies"]]

    assert preferred() == [third, first, second]

    clinic.data(token, REMOVE_PHARMACY, {"patientId": patient_id, "pharmacyId": first})
    assert preferred() == [third, second]
    assert code(clinic.graphql(token, REMOVE_PHARMACY, {"patientId": patient_id, "pharmacyId": first})) == "NOT_FOUND"

    clinic.data(token, UPDATE_PATIENT, {"id": patient_id, "preferredPharmacies": [first]})
    assert preferred() == [third, second, first]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"allergies": [{"allergenId": "alg_nothing"}]}, "NOT_FOUND"),
        ({"medicationHistory": [{"active": True, "medicationId": "med_nothing"}]}, "NOT_FOUND"),
        ({"medicationHistory": [{"active": True, "medicalEquipmentId": "dme_nothing"}]}, "NOT_FOUND"),
        ({"preferredPharmacies": ["phr_nothing"]}, "NOT_FOUND"),
        ({"medicationHistory": [{"active": True}]}, "BAD_USER_INPUT"),
        ({"medicationHistory": [{"active": True, "medicationId": "a", "medicalEquipmentId": "b"}]}, "BAD_USER_INPUT"),
        ({"allergies": [{"allergenId": f"alg_{number}"} for number in range(201)]}, "BAD_USER_INPUT"),
        (
            {"medicationHistory": [{"active": True, "medicationId": f"med_{number}"} for number in range(201)]},
            "BAD_USER_INPUT",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_history_that_cannot_be_is_refused_whole(
    clinic: Live, token: str, values: dict[str, list[Any]], expected: str
) -> None:
    allergens, medications, pharmacies = references(clinic, token)
    good: dict[str, Any] = {
        "allergies": {"allergenId": allergens[-1]},
        "medicationHistory": {"active": True, "medicationId": medications[-1]},
        "preferredPharmacies": pharmacies[-1],
    }
    patient_id = sample_id(clinic, token, "sample-014")
    before = whole_patient(clinic, token, patient_id)
    sent = {name: [good[name], *entries] for name, entries in values.items()}

    answer = clinic.graphql(token, UPDATE_PATIENT, {"id": patient_id, "gender": "Other", **sent})

    assert code(answer) == expected
    assert whole_patient(clinic, token, patient_id) == before
