"""Patients over HTTP: created with every argument, and read again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxauth.ids import Kind, is_id
from tests.api.answers import Clinics, code, errors, patient_ids, the_error, unique, whole_patient
from tests.api.documents import ALLERGENS, CREATE_PATIENT, MEDICATIONS, PHARMACIES, ada
from tests.live import Live

ADDRESS = {
    "name": {"title": "Ms.", "first": "Augusta", "middle": "K.", "last": "King"},
    "street1": "12 St James's Square",
    "street2": "Floor 2",
    "city": "New York",
    "state": "NY",
    "postalCode": "10011",
    "country": "US",
}


def test_a_patient_is_created_with_every_argument_and_read_by_both_its_names(clinic: Live, token: str) -> None:
    external_id = unique()
    penicillin = clinic.data(token, ALLERGENS, {"filter": {"name": "penicillin"}})["allergens"][0]
    lisinopril = clinic.data(token, MEDICATIONS, {"filter": {"drug": {"name": "lisinopril"}}})["medications"][0]
    chelsea = clinic.data(token, PHARMACIES, {"name": "chelsea"})["pharmacies"][0]
    values = ada(
        name={"title": "Dr.", "first": "Ada", "middle": "King", "last": "Lovelace"},
        externalId=external_id,
        gender="Woman",
        email="ada@example.com",
        address=ADDRESS,
        allergies=[{"allergenId": penicillin["id"], "comment": "Hives", "onset": "1999-05-01"}],
        medicationHistory=[{"active": True, "medicationId": lisinopril["id"], "comment": "Since 2020"}],
        preferredPharmacies=[chelsea["id"]],
    )

    created = clinic.data(token, CREATE_PATIENT, values)["createPatient"]

    found = whole_patient(clinic, token, created["id"])
    assert is_id(Kind.PATIENT, found["id"])
    assert is_id(Kind.ADDRESS, found["address"].pop("id"))
    assert found == {
        "id": created["id"],
        "externalId": external_id,
        "name": values["name"] | {"full": "Dr. Ada King Lovelace"},
        "dateOfBirth": "1985-12-10",
        "sex": "FEMALE",
        "gender": "Woman",
        "email": "ada@example.com",
        "phone": "+12025550170",
        "address": ADDRESS,
        "allergies": [
            {
                "allergen": {"id": penicillin["id"], "name": "Penicillin"},
                "comment": "Hives",
                "onset": "1999-05-01",
            }
        ],
        "medicationHistory": [
            {
                "medication": {"id": lisinopril["id"], "name": lisinopril["name"]},
                "prescription": None,
                "active": True,
                "comment": "Since 2020",
            }
        ],
        "preferredPharmacies": [{"id": chelsea["id"], "name": "Sample Pharmacy Chelsea"}],
    }
    assert whole_patient(clinic, token, external_id)["id"] == created["id"]


def test_a_patient_needs_a_name_a_birth_date_a_sex_and_a_phone_only(clinic: Live, token: str) -> None:

    created = clinic.data(token, CREATE_PATIENT, ada())["createPatient"]

    assert created == {
        "id": created["id"],
        "externalId": None,
        "name": {"full": "Ada Lovelace"},
        "dateOfBirth": "1985-12-10",
        "sex": "FEMALE",
        "gender": None,
        "email": None,
        "phone": "+12025550170",
        "address": None,
    }
    found = whole_patient(clinic, token, created["id"])
    assert (found["allergies"], found["medicationHistory"], found["preferredPharmacies"]) == ([], [], [])


@pytest.mark.parametrize("missing", ["name", "dateOfBirth", "sex", "phone"])
def test_a_patient_without_one_of_them_is_refused(reading: Live, reader: str, missing: str) -> None:
    values = {name: value for name, value in ada().items() if name != missing}

    error = the_error(reading.graphql(reader, CREATE_PATIENT, values))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f"${missing}" in error["message"]


@pytest.mark.parametrize("reference", ["pat_01M844DZG0XYZXYZXYZXYZXYZX", "nobody", "", "pat_", "' OR 1=1 --", "%"])
def test_a_patient_that_is_not_there_is_null(reading: Live, reader: str, reference: str) -> None:
    assert whole_patient(reading, reader, reference) is None


def test_an_identifier_is_read_before_an_external_id_that_looks_like_it(clinic: Live, token: str) -> None:
    first = clinic.data(token, CREATE_PATIENT, ada())["createPatient"]["id"]
    clinic.data(token, CREATE_PATIENT, ada(externalId=first))

    assert whole_patient(clinic, token, first)["id"] == first


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("+12025550170", "+12025550170"),
        ("+1 202-555-0170", "+12025550170"),
        ("(202) 555-0170", "+12025550170"),
        ("202.555.0170", "+12025550170"),
        ("2025550170", "+12025550170"),
        ("12025550170", "+12025550170"),
        ("+442079460958", "+442079460958"),
    ],
)
def test_a_phone_number_is_kept_in_its_international_form(clinic: Live, token: str, sent: str, kept: str) -> None:

    assert clinic.data(token, CREATE_PATIENT, ada(phone=sent))["createPatient"]["phone"] == kept


@pytest.mark.parametrize("day", ["1880-01-01", "2026-11-23", "2026-11-24", "2024-02-29"])
def test_birth_dates_go_from_1880_to_where_the_day_began_already(clinic: Live, token: str, day: str) -> None:

    assert clinic.data(token, CREATE_PATIENT, ada(dateOfBirth=day))["createPatient"]["dateOfBirth"] == day


def test_variables_that_the_document_does_not_declare_are_tolerated(clinic: Live, token: str) -> None:

    answer = clinic.graphql(token, CREATE_PATIENT, ada(fulfillmentType="MAIL_ORDER", diagnoses=[{"a": 1}]))

    assert answer.json()["data"]["createPatient"]["name"] == {"full": "Ada Lovelace"}


def test_each_field_of_a_mutation_is_a_write_of_its_own(clinic: Live, token: str) -> None:
    document = """
    mutation($phone: AWSPhone!, $good: ID, $bad: ID) {
      good: createPatient(
        name: {first: "Good", last: "One"}, dateOfBirth: "1990-01-01", sex: MALE, phone: $phone, externalId: $good
      ) { id }
      bad: createPatient(
        name: {first: " ", last: "Two"}, dateOfBirth: "1990-01-01", sex: MALE, phone: $phone, externalId: $bad
      ) { id }
    }"""

    good, bad = unique(), unique()

    found = errors(clinic.graphql(token, document, {"phone": "+12025550170", "good": good, "bad": bad}))

    assert [one["path"] for one in found] == [["bad"]]
    assert whole_patient(clinic, token, good)["name"]["full"] == "Good One"
    assert whole_patient(clinic, token, bad) is None


def test_a_refused_history_leaves_no_patient_behind(clinic: Live, token: str) -> None:
    before = patient_ids(clinic, token)

    answer = clinic.graphql(token, CREATE_PATIENT, ada(preferredPharmacies=["phr_nowhere"]))

    assert code(answer) == "NOT_FOUND"
    assert patient_ids(clinic, token) == before


@settings(max_examples=30)
@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200).filter(lambda one: one.strip())
)
def test_a_name_comes_back_as_it_was_written(clinics: Clinics, text: str) -> None:

    clinic = clinics.serve("sqlite")
    token = clinic.token(clinic.world.alder)

    created = clinic.data(token, CREATE_PATIENT, ada(name={"first": text, "last": "X"}))["createPatient"]

    assert whole_patient(clinic, token, created["id"])["name"]["first"] == text
