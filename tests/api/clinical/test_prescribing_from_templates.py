"""Prescriptions from templates: a template says what the provider leaves out, and signs nothing."""

from typing import Any

import pytest

from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.clinical.catalogs import catalog_id
from tests.api.documents import CREATE_TEMPLATE, DELETE_TEMPLATE
from tests.prescribing import Practice, states

WHOLE: dict[str, Any] = {
    "dispenseAsWritten": True,
    "dispenseQuantity": 20.5,
    "dispenseUnit": "Capsule",
    "fillsAllowed": 2,
    "daysSupply": 10,
    "instructions": "Take one capsule\ntwice a day.",
    "notes": "With food.",
}
CREATE = """mutation($one: PrescriptionInput!) {
  createPrescriptions(prescriptions: [$one]) {
    id state treatment { id } dispenseAsWritten dispenseQuantity dispenseUnit fillsAllowed daysSupply instructions notes
  }
}"""


def make(practice: Practice, token: str | None = None, **values: Any) -> str:
    """Makes a template of some treatment; returns its identifier."""
    place = {"catalogId": catalog_id(practice.live, practice.token), "treatmentId": practice.treatment}
    made = practice.live.data(token or practice.token, CREATE_TEMPLATE, place | values)["createPrescriptionTemplate"]
    return str(made["id"])


def prescribe(practice: Practice, token: str | None = None, **values: Any) -> Any:
    """Asks for one prescription from a template; returns the answer."""
    one = {"patientId": practice.patients["NY"]} | values
    return practice.live.graphql(token or practice.token, CREATE, {"one": one})


def test_a_whole_template_needs_a_patient_only(practice: Practice) -> None:
    answer = prescribe(practice, templateId=make(practice, **WHOLE))

    [written] = answer.json()["data"]["createPrescriptions"]
    assert {name: written[name] for name in WHOLE} == WHOLE
    assert written["treatment"]["id"] == practice.treatment
    assert written["state"] == "ACTIVE"


def test_what_the_provider_says_comes_before_what_the_template_says(practice: Practice) -> None:
    said: dict[str, Any] = {
        "dispenseAsWritten": False,
        "dispenseQuantity": 7,
        "dispenseUnit": "Tablet",
        "fillsAllowed": 1,
        "daysSupply": 7,
        "instructions": "Take one",
        "notes": "Otherwise",
    }
    own = prescribe(practice, templateId=make(practice, **WHOLE), treatmentId=practice.treatment, **said)
    refills = prescribe(practice, templateId=make(practice, **WHOLE), refillsAllowed=4)

    assert {name: own.json()["data"]["createPrescriptions"][0][name] for name in said} == said
    assert refills.json()["data"]["createPrescriptions"][0]["fillsAllowed"] == 5


@pytest.mark.parametrize("left_out", ["dispenseQuantity", "dispenseUnit", "instructions"])
def test_what_neither_says_is_missing_by_name(practice: Practice, left_out: str) -> None:
    template_id = make(practice, **{name: value for name, value in WHOLE.items() if name != left_out})

    answer = prescribe(practice, templateId=template_id)

    assert the_error(answer)["extensions"] == {"code": "BAD_USER_INPUT", "field": f"prescriptions[0].{left_out}"}
    assert f"{left_out} is missing" in the_error(answer)["message"]


def test_what_is_said_of_one_treatment_is_not_said_of_another(practice: Practice) -> None:
    answer = prescribe(practice, templateId=make(practice, **WHOLE), treatmentId=practice.controlled)

    assert the_error(answer)["extensions"] == {"code": "BAD_USER_INPUT", "field": "prescriptions[0].treatmentId"}


def test_a_private_template_is_there_for_its_owner_only(practice: Practice) -> None:
    owner_id = practice.holders.person(Role.ADMINISTRATOR)
    owner = practice.holders.tokens(owner_id)["access_token"]
    theirs = make(practice, owner, **WHOLE, isPrivate=True)
    own = make(practice, **WHOLE, isPrivate=True)

    refused = prescribe(practice, templateId=theirs)

    assert the_error(refused)["extensions"] == {"code": "NOT_FOUND", "field": "prescriptions[0].templateId"}
    assert prescribe(practice, templateId=own).json()["data"]["createPrescriptions"]


def test_another_organizations_template_and_a_deleted_one_are_not_there(practice: Practice) -> None:
    birch = practice.live.token(practice.live.world.birch)
    place = {"catalogId": catalog_id(practice.live, birch), "treatmentId": practice.treatment}
    theirs = practice.live.data(birch, CREATE_TEMPLATE, place | WHOLE)["createPrescriptionTemplate"]["id"]
    gone = make(practice, **WHOLE)
    place = {"catalogId": catalog_id(practice.live, practice.token), "templateId": gone}
    practice.live.data(practice.token, DELETE_TEMPLATE, place)

    for template_id in (theirs, gone, "tmp_nothing"):
        refused = the_error(prescribe(practice, templateId=template_id))
        assert refused["extensions"] == {"code": "NOT_FOUND", "field": "prescriptions[0].templateId"}
        assert refused["message"] == "prescriptions[0]: there is no such template"


def test_a_template_gives_nobody_authority(practice: Practice) -> None:
    template_id = make(practice, **WHOLE)
    before = states(practice.live.server.database, practice.organization_id)

    machine = prescribe(practice, practice.live.token(practice.live.world.alder), templateId=template_id)
    elsewhere = prescribe(practice, templateId=template_id, patientId=practice.patients["CA"])
    template_id = make(practice, **WHOLE | {"instructions": "x"}, treatmentId=practice.controlled)
    controlled = prescribe(practice, templateId=template_id)

    assert (code(machine), code(elsewhere), code(controlled)) == ("FORBIDDEN", "FORBIDDEN", "CONTROLLED_SUBSTANCE")
    assert the_error(elsewhere)["extensions"]["reason"] == "licence_missing"
    assert states(practice.live.server.database, practice.organization_id) == before
