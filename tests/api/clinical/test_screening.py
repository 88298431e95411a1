"""The screening of drafts over the API: what the published elements ask, what is found, refused and not shown."""

import re
from typing import Any

import httpx
import pytest

from rxauth.domain.screening import DRAFTS_LIMIT, EXISTING_LIMIT
from tests.api.answers import sample_id, the_error
from tests.api.clinical.test_statements import statements
from tests.api.documents import CREATE_PATIENT
from tests.api.work import run
from tests.live import Live
from tests.prescribing import CREATE_ALL, Practice

# The document of the published elements.
SCREEN = """query ScreenDraftedPrescriptionsQuery(
  $draftedPrescriptions: [DraftedPrescriptionInput!]!, $patientId: ID!, $diagnosisCodes: [DiagnosisCode!]
) {
  prescriptionScreen(
    draftedPrescriptions: $draftedPrescriptions, patientId: $patientId, diagnosisCodes: $diagnosisCodes
  ) {
    alerts { type description severity involvedEntities { id name __typename } __typename }
    __typename
  }
}"""
INVOLVED = "PrescriptionScreeningAlertInvolved"


def treatment(live: Live, token: str, name: str) -> str:
    """Returns the identifier of a drug of the sample data."""
    document = "query($filter: MedicationFilter) { medications(filter: $filter, first: 1) { id } }"
    return str(live.data(token, document, {"filter": {"drug": {"name": name}}})["medications"][0]["id"])


def parts(live: Live, token: str, drug_id: str) -> list[str]:
    """Returns the identifiers of a drug, a product of it and a package of that."""
    found = [drug_id]
    for field in ("medicationProducts", "medicationPackages"):
        document = f"query($id: String!) {{ {field}(id: $id) {{ id }} }}"
        found.append(live.data(token, document, {"id": found[-1]})[field][0]["id"])
    return found


def ask(live: Live, token: str, patient_id: str, *drafts: dict[str, Any], **more: Any) -> httpx.Response:
    """Asks for a screening; returns the answer."""
    return live.graphql(token, SCREEN, {"patientId": patient_id, "draftedPrescriptions": drafts} | more)


def screened(live: Live, token: str, patient_id: str, *treatment_ids: str) -> list[dict[str, Any]]:
    """Returns the alerts of a screening of treatments alone."""
    drafts = [{"treatment": {"id": one}} for one in treatment_ids]
    answer = ask(live, token, patient_id, *drafts).json()
    assert "errors" not in answer, answer
    return list(answer["data"]["prescriptionScreen"]["alerts"])


def allergen(live: Live, token: str, name: str) -> str:
    """Returns the identifier of an allergen of the sample data."""
    document = "query($filter: AllergenFilter) { allergens(filter: $filter) { id } }"
    return str(live.data(token, document, {"filter": {"name": name}})["allergens"][0]["id"])


def patient(live: Live, token: str, *allergen_ids: str, **values: Any) -> str:
    """Makes a patient with allergies; returns the identifier."""
    new = {"name": {"first": "Ada", "last": "Ash"}, "dateOfBirth": "1980-01-01", "sex": "FEMALE"}
    new |= {"phone": "+12025550171", "allergies": [{"allergenId": one} for one in allergen_ids]} | values
    return str(live.data(token, CREATE_PATIENT, new)["createPatient"]["id"])


@pytest.mark.parametrize("part", range(3), ids=["drug", "product", "package"])
def test_an_allergy_to_an_ingredient_is_found(reading: Live, reader: str, part: int) -> None:
    maya = sample_id(reading, reader)  # allergic to penicillin and peanut
    amoxicillin = parts(reading, reader, treatment(reading, reader, "amoxicillin 500 MG"))[part]

    first, *rest = screened(reading, reader, maya, amoxicillin)

    assert (first["type"], first["severity"]) == ("ALLERGEN", "MAJOR")
    assert "contains amoxicillin. The patient is recorded as allergic to Penicillin" in first["description"]
    assert [one["__typename"] for one in first["involvedEntities"]] == [
        f"{INVOLVED}Allergen",
        f"{INVOLVED}DraftedPrescription",
    ]
    assert first["involvedEntities"][1]["id"] == amoxicillin
    assert [one["description"].partition(",")[0] for one in rest] == ["Not checked: of Peanut"]


def test_an_active_prescription_for_the_same_or_a_like_drug_is_found(reading: Live, reader: str) -> None:
    sean = sample_id(reading, reader, "sample-002")  # takes atorvastatin and lisinopril
    taken, other = (treatment(reading, reader, f"atorvastatin {strength} MG") for strength in (40, 20))

    found = [
        one
        for treatment_id in (*parts(reading, reader, taken), other)
        for one in screened(reading, reader, sean, treatment_id)
        if one["type"] == "DRUG"
    ]

    assert [one["severity"] for one in found] == ["MAJOR", "MAJOR", "MAJOR", "MODERATE"]
    for one in found:
        assert one["involvedEntities"][1]["__typename"] == f"{INVOLVED}ExistingPrescription"
        assert one["involvedEntities"][1]["id"].startswith("rx_")
    assert "which is the same drug" in found[1]["description"]
    assert "both contain atorvastatin" in found[3]["description"]


def test_the_whole_draft_of_the_published_elements_is_taken(reading: Live, reader: str) -> None:
    draft = {
        "treatment": {"id": treatment(reading, reader, "lisinopril 20 MG")},
        "id": "rx_none",
        "dispenseAsWritten": False,
        "dispenseQuantity": 900,
        "dispenseUnit": "Tablet",
        "fillsAllowed": 1,
        "fillsRemaining": 1,
        "daysSupply": 30,
        "instructions": "Take one tablet by mouth once daily",
        "notes": "",
        "effectiveDate": "2026-11-23",
        "doNotFillBeforeDate": None,
        "expirationDate": "2027-11-23",
        "writtenAt": "2026-11-23T12:00:00.000Z",
    }
    answer = ask(reading, reader, sample_id(reading, reader, "sample-003"), draft)

    found = answer.json()["data"]["prescriptionScreen"]["alerts"]
    assert [(one["type"], one["severity"]) for one in found] == [("DRUG", "MINOR")] * 2
    assert "900 Tablet in 30 days are 30 a day" in found[0]["description"]
    assert "use 30 in 30 days; the quantity is 900" in found[1]["description"]


def test_a_prescription_that_was_just_written_is_not_compared_with_itself(practice: Practice) -> None:
    token = practice.token
    someone = patient(practice.live, token, address=_address("NY"))
    written = practice.written(patientId=someone)
    draft = {"treatment": {"id": practice.treatment}}

    with_itself = ask(practice.live, token, someone, draft | {"id": written["id"]})
    with_another = ask(practice.live, token, someone, draft)

    assert with_itself.json()["data"]["prescriptionScreen"]["alerts"] == []
    [found] = with_another.json()["data"]["prescriptionScreen"]["alerts"]
    assert found["involvedEntities"][1]["id"] == written["id"]


def test_what_is_over_is_compared_with_nothing(practice: Practice) -> None:
    someone = patient(practice.live, practice.token, address=_address("NY"))
    written = practice.written(patientId=someone)
    cancel = "mutation($id: ID!) { cancelPrescription(id: $id) { id } }"
    practice.live.data(practice.token, cancel, {"id": written["id"]})

    assert screened(practice.live, practice.token, someone, practice.treatment) == []


def test_diagnoses_are_taken_and_said_not_to_be_compared(reading: Live, reader: str) -> None:
    draft = {"treatment": {"id": treatment(reading, reader, "lisinopril 20 MG")}}
    codes = [{"code": one, "type": "ICD10"} for one in ("i10", "I10", "made up")]

    answer = ask(reading, reader, sample_id(reading, reader, "sample-003"), draft, diagnosisCodes=codes)

    [found] = answer.json()["data"]["prescriptionScreen"]["alerts"]
    assert (found["type"], found["severity"]) == ("CONDITION", "MINOR")
    named = [(one["__typename"].removeprefix(INVOLVED), one["id"], one["name"]) for one in found["involvedEntities"]]
    assert named[:2] == [
        ("Condition", "I10", "Essential (primary) hypertension"),
        ("Condition", "made up", "made up"),
    ]
    assert named[2][:2] == ("DraftedPrescription", draft["treatment"]["id"])


def test_a_patient_is_known_by_either_identifier(reading: Live, reader: str) -> None:
    amoxicillin = treatment(reading, reader, "amoxicillin 500 MG")

    assert screened(reading, reader, "sample-001", amoxicillin) == screened(
        reading, reader, sample_id(reading, reader), amoxicillin
    )


def test_the_access_log_has_whom_a_screening_was_about(reading: Live, reader: str) -> None:
    maya = sample_id(reading, reader)
    screen = '{ prescriptionScreen(patientId: "sample-001", draftedPrescriptions: []) { __typename } }'

    found = run(reading, screen).touched

    assert found is not None
    assert found.operation.fields == ("prescriptionScreen",)
    assert found.patient_ids == {maya}


def test_nothing_drafted_is_nothing_found(reading: Live, reader: str) -> None:
    assert screened(reading, reader, "sample-001") == []


def test_another_organizations_patient_is_not_there(clinic: Live, token: str) -> None:
    birch = clinic.token(clinic.world.birch)
    theirs = patient(clinic, birch, allergen(clinic, token, "Penicillin"))
    draft = {"treatment": {"id": treatment(clinic, token, "amoxicillin 500 MG")}}

    answers = [ask(clinic, token, one, draft) for one in (theirs, "pat_nobody", "")]

    for answer in answers:
        error = the_error(answer)
        assert error["extensions"] == {"code": "NOT_FOUND", "field": "patientId"}
        assert error["message"] == "there is no such patient"
        assert answer.json()["data"] is None
    assert screened(clinic, birch, theirs, draft["treatment"]["id"])


def test_another_organizations_prescription_is_no_draft_of_ours(clinic: Live, token: str) -> None:
    birch = clinic.token(clinic.world.birch)
    theirs = clinic.data(birch, "{ prescriptions(first: 1) { id } }")["prescriptions"][0]["id"]
    draft = {"treatment": {"id": treatment(clinic, token, "atorvastatin 40 MG")}}

    plain, named = (ask(clinic, token, "sample-002", draft | more).json() for more in ({}, {"id": theirs}))

    assert plain == named


@pytest.mark.parametrize(
    ("asked", "expected", "field"),
    [
        ({"draftedPrescriptions": [{"treatment": {"id": "m"}}]}, "NOT_FOUND", "draftedPrescriptions[0].treatment.id"),
        ({"draftedPrescriptions": [{"treatment": {"id": "med_x"}}] * 51}, "BAD_USER_INPUT", "draftedPrescriptions"),
        (
            {"draftedPrescriptions": [{"treatment": {"id": "m"}, "instructions": "x" * 1_001}]},
            "BAD_USER_INPUT",
            "draftedPrescriptions[0].instructions",
        ),
        ({"diagnosisCodes": [{"code": "I10", "type": "ICD10"}] * 51}, "BAD_USER_INPUT", "diagnosisCodes"),
        ({"diagnosisCodes": [{"code": "I" * 21, "type": "ICD10"}]}, "BAD_USER_INPUT", "diagnosisCodes[0].code"),
        ({"diagnosisCodes": [{"code": "I10", "type": "SNOMED"}]}, "BAD_USER_INPUT", "diagnosisCodes[0].type"),
        ({"draftedPrescriptions": [{"treatment": "med_x"}]}, "BAD_USER_INPUT", "draftedPrescriptions[0].treatment"),
        (
            {"draftedPrescriptions": [{"treatment": {"id": {"id": 1}}}]},
            "BAD_USER_INPUT",
            "draftedPrescriptions[0].treatment.id",
        ),
        (
            {"draftedPrescriptions": [{"treatment": {"id": "m"}, "dispenseQuantity": "30"}]},
            "BAD_USER_INPUT",
            "draftedPrescriptions[0].dispenseQuantity",
        ),
        (
            {"draftedPrescriptions": [{"treatment": {"id": "m"}, "daysSupply": 2**31}]},
            "BAD_USER_INPUT",
            "draftedPrescriptions[0].daysSupply",
        ),
        ({"draftedPrescriptions": [{}]}, "BAD_USER_INPUT", "draftedPrescriptions[0]"),
        ({"draftedPrescriptions": None}, "BAD_USER_INPUT", "draftedPrescriptions"),
        ({"patientId": ["sample-001"]}, "BAD_USER_INPUT", "patientId"),
    ],
)
def test_sizes_and_types_that_nothing_has_are_refused(
    reading: Live, reader: str, asked: dict[str, Any], expected: str, field: str
) -> None:
    answer = reading.graphql(reader, SCREEN, {"patientId": "sample-001", "draftedPrescriptions": []} | asked)

    assert the_error(answer)["extensions"] == {"code": expected, "field": field}


@pytest.mark.parametrize("lacking", ["read:patient", "read:prescription"])
@pytest.mark.parametrize(
    "document",
    [
        SCREEN,
        SCREEN.replace("  prescriptionScreen(", "  other: prescriptionScreen("),
        re.sub(r"\) \{\n  (prescriptionScreen.*)\}$", r") { ... on Query { \1 } }", SCREEN, flags=re.DOTALL),
    ],
    ids=["plain", "aliased", "fragment"],
)
def test_who_may_not_see_patients_or_prescriptions_gets_no_alert(reading: Live, lacking: str, document: str) -> None:
    both = {"read:patient", "read:prescription"}
    token = reading.token(reading.world.alder, scope=(both - {lacking}).pop())
    whole = reading.token(reading.world.alder)
    draft = {"treatment": {"id": treatment(reading, whole, "amoxicillin 500 MG")}}

    answer = reading.graphql(token, document, {"patientId": "sample-001", "draftedPrescriptions": [draft]})

    expected = {"code": "FORBIDDEN", "requiredPermission": lacking, "reason": "not_in_token"}
    assert the_error(answer)["extensions"] == expected
    assert answer.json()["data"] is None
    assert "Penicillin" not in answer.text


def test_fifty_drafts_and_many_allergies_need_no_more_statements_than_one(clinic: Live, token: str) -> None:
    everything = clinic.data(token, "{ allergens { id } medications(first: 100) { id } }")
    bare = patient(clinic, token)
    full = patient(clinic, token, *(one["id"] for one in everything["allergens"]))
    ids = [one["id"] for one in everything["medications"]][:DRAFTS_LIMIT]
    screened(clinic, token, full, *ids[:1])

    with statements(clinic) as for_one:
        screened(clinic, token, bare, ids[0])
    with statements(clinic) as for_fifty:
        assert len(screened(clinic, token, full, *ids)) > DRAFTS_LIMIT / 2

    assert len(ids) == DRAFTS_LIMIT
    assert len(for_fifty) == len(for_one) <= 10


def test_only_so_many_prescriptions_are_compared_and_that_is_said(practice: Practice) -> None:
    someone = patient(practice.live, practice.token, address=_address("NY"))
    drafts = [practice.draft(patientId=someone)] * 50
    for _ in range(EXISTING_LIMIT // 50):
        practice.live.data(practice.token, CREATE_ALL, {"prescriptions": drafts})
    before = screened(practice.live, practice.token, someone, practice.treatment)
    practice.written(patientId=someone)
    after = screened(practice.live, practice.token, someone, practice.treatment)

    assert len(before) == EXISTING_LIMIT
    assert [one["description"] for one in after if one["severity"] == "MINOR"] == [
        "Not checked: only the newest of the patient's prescriptions were compared, and there are older ones."
    ]


def _address(state: str) -> dict[str, str]:
    return {"street1": "1 Main St", "city": "Town", "state": state, "postalCode": "10001", "country": "US"}
