"""Prescriptions that are written: what the contract's mutations take, keep, refuse and answer."""

from typing import Any

import pytest

from rxauth.domain.audit import Event
from tests.api.answers import code, the_error, unique
from tests.api.documents import CREATE_PRESCRIPTION, PRESCRIPTION
from tests.domain.test_audit import entries
from tests.prescribing import CANCEL, CREATE_ALL, Practice, states

TODAY = "2026-11-23"


def stored(practice: Practice) -> dict[str, str]:
    """Returns the states of all prescriptions of the clinic."""
    return states(practice.live.server.database, practice.organization_id)


def test_a_prescription_is_active_as_soon_as_the_provider_asks_for_it(practice: Practice) -> None:
    found = practice.written()

    assert found.pop("id").startswith("rx_")
    assert found.pop("writtenAt") == "2026-11-23T12:00:00.000Z"
    assert found == {
        "externalId": None,
        "state": "ACTIVE",
        "dispenseAsWritten": False,
        "dispenseQuantity": 30,
        "dispenseUnit": "Tablet",
        "fillsAllowed": 1,
        "fillsRemaining": 1,
        "refillsAllowed": 0,
        "refillsRemaining": 0,
        "daysSupply": None,
        "instructions": "Take one tablet by mouth daily",
        "notes": None,
        "effectiveDate": TODAY,
        "doNotFillBeforeDate": None,
        "expirationDate": "2027-11-23",
        "treatment": {"id": practice.treatment},
        "prescriber": {"id": practice.provider_id, "name": {"full": "Ada Marsh"}},
        "fills": [],
    }


def test_the_published_client_reads_what_it_wrote(practice: Practice) -> None:
    external_id = unique()
    asked = practice.draft(
        externalId=external_id,
        dispenseAsWritten=True,
        dispenseQuantity=0.5,
        fillsAllowed=3,
        daysSupply=30,
        notes="first line\nsecond line",
        effectiveDate="2026-12-01",
        doNotFillBeforeDate="2026-12-02",
        diagnoses=[],
    )
    made = practice.live.data(practice.token, CREATE_PRESCRIPTION, asked)["createPrescription"]

    assert practice.live.data(practice.token, PRESCRIPTION, {"id": made["id"]})["prescription"] == made
    assert {name: made[name] for name in ("externalId", "dispenseAsWritten", "notes", "effectiveDate")} == {
        "externalId": external_id,
        "dispenseAsWritten": True,
        "notes": "first line\nsecond line",
        "effectiveDate": "2026-12-01",
    }
    assert (made["fillsAllowed"], made["fillsRemaining"], made["expirationDate"]) == (3, 3, "2027-12-01")
    assert made["patient"]["id"] == practice.patients["NY"]


@pytest.mark.parametrize(
    ("asked", "fills"),
    [
        ({}, 1),
        ({"refillsAllowed": 0}, 1),
        ({"refillsAllowed": 5}, 6),
        ({"fillsAllowed": 6}, 6),
        ({"fillsAllowed": 6, "refillsAllowed": 5}, 6),
    ],
    ids=["neither", "no refill", "refills", "fills", "both"],
)
def test_refills_and_fills_are_two_ways_to_say_one_number(
    practice: Practice, asked: dict[str, Any], fills: int
) -> None:
    found = practice.written(**asked)

    assert (found["fillsAllowed"], found["refillsAllowed"]) == (fills, fills - 1)


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "fills that contradict refills": ({"fillsAllowed": 5, "refillsAllowed": 5}, "BAD_USER_INPUT", "fillsAllowed"),
    "less than no refill": ({"refillsAllowed": -1}, "BAD_USER_INPUT", "fillsAllowed"),
    "nothing to dispense": ({"dispenseQuantity": 0}, "BAD_USER_INPUT", "dispenseQuantity"),
    "a unit that nobody knows": ({"dispenseUnit": "Furlong"}, "BAD_USER_INPUT", "dispenseUnit"),
    "blank instructions": ({"instructions": " "}, "BAD_USER_INPUT", "instructions"),
    "no day's supply": ({"daysSupply": 0}, "BAD_USER_INPUT", "daysSupply"),
    "a first fill before it begins": (
        {"effectiveDate": "2026-12-02", "doNotFillBeforeDate": "2026-12-01"},
        "BAD_USER_INPUT",
        "doNotFillBeforeDate",
    ),
    "a beginning long ago": ({"effectiveDate": "2020-01-01"}, "BAD_USER_INPUT", "effectiveDate"),
    "a treatment that nobody knows": ({"treatmentId": "med_nothing"}, "NOT_FOUND", "treatment"),
    "a diagnosis that nobody knows": ({"diagnoses": ["Z99.99"]}, "NOT_FOUND", "diagnosis"),
    "a patient whom nobody knows": ({"patientId": "pat_nobody"}, "NOT_FOUND", "patient"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_prescription_is_refused_and_the_error_says_what_is_wrong(practice: Practice, case: str) -> None:
    changes, expected, named = WRONG[case]
    before = stored(practice)

    answer = practice.create(**changes)

    assert code(answer) == expected
    assert named in the_error(answer)["message"]
    assert stored(practice) == before


def test_an_external_id_names_one_prescription(practice: Practice) -> None:
    external_id = unique()
    practice.written(externalId=external_id)

    answer = practice.create(externalId=external_id)

    assert code(answer) == "CONFLICT"
    assert "externalId" in the_error(answer)["message"]


def test_several_are_written_together(practice: Practice) -> None:
    drafts = [practice.draft(instructions=f"Take {number}") for number in range(3)]

    made = practice.live.data(practice.token, CREATE_ALL, {"prescriptions": drafts})["createPrescriptions"]

    assert [one["instructions"] for one in made] == ["Take 0", "Take 1", "Take 2"]
    assert {stored(practice)[one["id"]] for one in made} == {"ACTIVE"}
    assert practice.live.data(practice.token, CREATE_ALL, {"prescriptions": []})["createPrescriptions"] == []


def several(practice: Practice) -> dict[str, tuple[Any, str]]:
    """Returns what may stand second of three, and the code that it is refused with."""
    taken = unique()
    practice.written(externalId=taken)
    return {
        "null": (None, "BAD_USER_INPUT"),
        "a bad value": (practice.draft(dispenseUnit="Furlong"), "BAD_USER_INPUT"),
        "something is missing": (practice.draft(instructions=None), "BAD_USER_INPUT"),
        "a template that nobody knows": (practice.draft(templateId="tmp_1", treatmentId=None), "NOT_FOUND"),
        "a diagnosis that nobody knows": (practice.draft(diagnoses=["I10", "Z99.99"]), "NOT_FOUND"),
        "an externalId that is taken": (practice.draft(externalId=taken), "CONFLICT"),
        "a patient whom nobody knows": (practice.draft(patientId="pat_nobody"), "NOT_FOUND"),
        "a treatment that nobody knows": (practice.draft(treatmentId="med_nothing"), "NOT_FOUND"),
        "a patient elsewhere": (practice.draft(patientId=practice.patients["CA"]), "FORBIDDEN"),
        "a controlled substance": (practice.draft(treatmentId=practice.controlled), "CONTROLLED_SUBSTANCE"),
    }


def test_of_several_all_are_written_or_none_and_the_error_names_the_one(practice: Practice) -> None:
    for case, (second, expected) in several(practice).items():
        before = stored(practice)
        drafts = [practice.draft(), second, practice.draft()]

        answer = practice.live.graphql(practice.token, CREATE_ALL, {"prescriptions": drafts})

        assert code(answer) == expected, case
        assert the_error(answer)["message"].startswith("prescriptions[1]: "), case
        assert the_error(answer)["extensions"]["field"].startswith("prescriptions[1]"), case
        assert stored(practice) == before, case


def test_two_of_several_cannot_share_an_external_id(practice: Practice) -> None:
    drafts = [practice.draft(externalId=unique("same"))] * 2

    answer = practice.live.graphql(practice.token, CREATE_ALL, {"prescriptions": drafts})

    assert code(answer) == "CONFLICT"
    assert the_error(answer)["message"].startswith("prescriptions[1]: ")


def test_more_than_fifty_at_once_are_refused(practice: Practice) -> None:
    answer = practice.live.graphql(practice.token, CREATE_ALL, {"prescriptions": [practice.draft()] * 51})

    assert code(answer) == "BAD_USER_INPUT"


def test_a_prescription_is_canceled_once_by_whoever_may(practice: Practice) -> None:
    written = practice.written()

    canceled = practice.live.data(practice.token, CANCEL, {"id": written["id"]})["cancelPrescription"]

    assert canceled == {"id": written["id"], "state": "CANCELED"}
    again = practice.live.graphql(practice.token, CANCEL, {"id": written["id"]})
    assert code(again) == "BAD_USER_INPUT"
    message = the_error(again)["message"]
    assert message == "a prescription that is CANCELED cannot be canceled; one that is DRAFT or ACTIVE can"
    acts = [one for one in entries(practice.live.world) if one["target"] == written["id"]]
    assert sorted((one["event"], one["actor"]["id"], one["outcome"]) for one in acts) == [
        ("prescription.canceled", practice.provider_id, "success"),
        ("prescription.written", practice.provider_id, "success"),
    ]


def test_another_organizations_prescription_is_not_there_to_be_canceled(practice: Practice) -> None:
    reader = practice.live.token(practice.live.world.birch)
    theirs = practice.live.data(reader, "{ prescriptions(first: 1) { id } }")["prescriptions"][0]["id"]

    assert code(practice.live.graphql(practice.token, CANCEL, {"id": theirs})) == "NOT_FOUND"


def test_a_machine_cancels_only_if_it_was_given_that(practice: Practice) -> None:
    written = practice.written()

    answer = practice.live.graphql(practice.live.token(practice.live.world.alder), CANCEL, {"id": written["id"]})

    assert the_error(answer)["extensions"]["requiredPermission"] == "update:prescription"
    assert stored(practice)[written["id"]] == "ACTIVE"


def test_a_permission_to_write_shows_the_prescription_and_not_the_patient_behind_it(practice: Practice) -> None:
    narrow = practice.token_of(practice.provider_id, scope="openid write:prescription")
    call = "mutation($one: PrescriptionInput!) { createPrescriptions(prescriptions: [$one]) { id state %s } }"

    [shown] = practice.live.data(narrow, call % "instructions", {"one": practice.draft()})["createPrescriptions"]
    answer = practice.live.graphql(narrow, call % "patient { id }", {"one": practice.draft()})

    assert shown["state"] == "ACTIVE"
    assert the_error(answer)["extensions"]["requiredPermission"] == "read:patient"
    assert practice.patients["NY"] not in answer.text


def test_the_record_of_a_prescription_names_neither_patient_nor_drug(practice: Practice) -> None:
    written = practice.written(notes="canary in the notes")

    [entry] = [
        one for one in entries(practice.live.world, Event.PRESCRIPTION_WRITTEN) if one["target"] == written["id"]
    ]

    assert entry["actor"] == {"kind": "person", "id": practice.provider_id}
    assert entry["organization_id"] == practice.organization_id
    assert entry["client_id"] == practice.holders.spa.client_id
    text = str(entry)
    for secret in (practice.patients["NY"], practice.treatment, "canary", "Take one"):
        assert secret not in text
