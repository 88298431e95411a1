"""Prescriptions: read, searched, and reached from their patients."""

from typing import Any

import pytest

from tests.api.documents import PRESCRIPTION, PRESCRIPTIONS, TREATMENT_KINDS
from tests.live import Live
from tests.prescribing import Practice

STATES = {"DRAFT": 0, "ACTIVE": 25, "DEPLETED": 4, "EXPIRED": 3, "CANCELED": 2}


def search(live: Live, token: str, **criteria: str | None) -> list[dict[str, Any]]:
    """Returns every prescription that a filter finds."""
    found = live.data(token, PRESCRIPTIONS, {"filter": criteria, "first": 100})["prescriptions"]
    return list(found)


def test_a_prescription_shows_what_was_written_and_what_became_of_it(reading: Live, reader: str) -> None:
    listed = next(one for one in search(reading, reader, patientName="maya") if "albuterol" in one["treatment"]["name"])

    found = reading.data(reader, PRESCRIPTION, {"id": listed["id"]})["prescription"]

    assert found == listed
    (fill,) = found["fills"]
    assert found == {
        "id": found["id"],
        "externalId": None,
        "fills": [
            {
                "id": fill["id"],
                "state": "SENT",
                "requestedAt": "2026-09-25T12:00:00.000Z",
                "filledAt": "2026-09-25T12:00:00.000Z",
                "order": {
                    "id": fill["order"]["id"],
                    "createdAt": "2026-09-25T12:00:00.000Z",
                    "state": "COMPLETED",
                    "fulfillment": {"state": "PICKED_UP"},
                    "pharmacy": {
                        "id": fill["order"]["pharmacy"]["id"],
                        "name": "Sample Court Street Apothecary",
                        "address": {
                            "name": None,
                            "city": "Brooklyn",
                            "country": "US",
                            "postalCode": "11201",
                            "state": "NY",
                            "street1": "150 Court St",
                            "street2": None,
                        },
                    },
                },
            }
        ],
        "prescriber": {"id": found["prescriber"]["id"], "name": {"full": "Dr. Sam Sample"}},
        "patient": {"id": found["patient"]["id"], "name": {"full": "Maya Okonkwo-Reyes"}},
        "state": "ACTIVE",
        "treatment": {
            "id": found["treatment"]["id"],
            "name": "albuterol 90 MCG/ACTUAT Metered Dose Inhaler",
        },
        "dispenseAsWritten": False,
        "dispenseQuantity": 1,
        "dispenseUnit": "Inhaler",
        "fillsAllowed": 3,
        "fillsRemaining": 2,
        "daysSupply": 30,
        "instructions": "Inhale two puffs every 4 to 6 hours as needed for wheezing",
        "notes": "Use with a spacer",
        "effectiveDate": "2026-09-24",
        "expirationDate": "2027-09-24",
        "writtenAt": "2026-09-24T12:00:00.000Z",
    }


def test_the_prescriber_shows_how_to_reach_them(reading: Live, reader: str) -> None:
    document = """{ prescriptions(first: 1) {
      prescriber { id name { title first last } email phone NPI } doNotFillBeforeDate
    } }"""

    (found,) = reading.data(reader, document)["prescriptions"]

    prescriber = found["prescriber"]
    assert prescriber.pop("id").startswith("usr_")
    assert prescriber.pop("email").endswith("@example.com")
    name = {"title": "Dr.", "first": "Sam", "last": "Sample"}
    assert found == {
        "prescriber": {"name": name, "phone": "+12125550100", "NPI": None},
        "doNotFillBeforeDate": None,
    }


def test_the_phone_of_a_prescriber_who_has_none_is_empty(practice: Practice) -> None:
    query = "query ($id: ID!) { prescription(id: $id) { prescriber { phone NPI } } }"

    found = practice.live.data(practice.token, query, {"id": practice.written()["id"]})

    assert found["prescription"]["prescriber"] == {"phone": "", "NPI": None}


def test_a_treatment_says_what_kind_it_is(reading: Live, reader: str) -> None:
    identifier = search(reading, reader, patientName="maya")[0]["id"]

    found = reading.data(reader, TREATMENT_KINDS, {"id": identifier})["prescription"]

    assert found["treatment"]["__typename"] == "Medication"
    assert set(found["treatment"]) == {"__typename", "id", "name"}


def test_refills_are_the_fills_after_the_first(reading: Live, reader: str) -> None:
    document = """{ prescriptions(first: 100) {
      fillsAllowed fillsRemaining refillsAllowed refillsRemaining fills { state }
    } }"""

    for one in reading.data(reader, document)["prescriptions"]:
        used = sum(fill["state"] != "CANCELED" for fill in one["fills"])
        assert one["fillsRemaining"] == one["fillsAllowed"] - used
        assert one["refillsAllowed"] == one["fillsAllowed"] - 1
        assert one["refillsRemaining"] == min(one["fillsRemaining"], one["refillsAllowed"])


@pytest.mark.parametrize("state", STATES)
def test_prescriptions_are_filtered_by_state(reading: Live, reader: str, state: str) -> None:
    found = search(reading, reader, state=state)

    assert len(found) == STATES[state]
    assert {one["state"] for one in found} <= {state}


def test_prescriptions_are_filtered_by_patient(reading: Live, reader: str) -> None:
    by_name = search(reading, reader, patientName="diallo")
    by_id = search(reading, reader, patientId=by_name[0]["patient"]["id"])

    assert len(by_name) == 2
    assert by_name == by_id
    assert [one["writtenAt"] for one in by_name] == ["2026-11-22T12:00:00.000Z", "2026-08-15T12:00:00.000Z"]
    assert search(reading, reader, patientName="iallo") == []
    assert search(reading, reader, patientId="pat_nobody") == []


def test_prescriptions_are_filtered_by_prescriber(reading: Live, reader: str) -> None:
    everything = search(reading, reader)
    prescriber_id = everything[0]["prescriber"]["id"]

    assert search(reading, reader, prescriberId=prescriber_id) == everything
    assert search(reading, reader, prescriberId="usr_nobody") == []
    assert len(search(reading, reader, prescriberId=prescriber_id, state="EXPIRED", patientName="fatima")) == 1


def test_a_patient_shows_a_page_of_its_prescriptions(reading: Live, reader: str) -> None:
    document = """
    query($after: ID, $first: Int, $filter: PatientPrescriptionFilter) {
      patient(id: "sample-010") {
        prescriptions(filter: $filter, after: $after, first: $first) { id state prescriber { id } }
      }
    }"""

    def page(**variables: Any) -> list[dict[str, Any]]:
        return list(reading.data(reader, document, variables)["patient"]["prescriptions"])

    whole = page()
    assert [one["state"] for one in whole] == ["ACTIVE", "CANCELED", "ACTIVE"]
    assert page(first=1) == whole[:1]
    assert page(first=2, after=whole[0]["id"]) == whole[1:]
    assert page(filter={"state": "CANCELED"}) == whole[1:2]
    assert page(filter={"prescriberId": whole[0]["prescriber"]["id"]}) == whole
    assert page(filter={"prescriberId": "usr_nobody"}) == []
