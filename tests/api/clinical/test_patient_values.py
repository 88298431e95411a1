"""Values that no patient has: refused by name, and nothing of them is stored."""

from typing import Any

import pytest

from tests.api.answers import Clinics, errors, patient_ids, the_error, whole_patient
from tests.api.documents import CREATE_PATIENT, UPDATE_PATIENT, ada
from tests.live import Live

ADDRESS = {"street1": "1 Main St", "city": "Austin", "state": "TX", "postalCode": "78701", "country": "US"}
DATES = [
    "",
    "1990-02-30",
    "1990-13-01",
    "2023-02-29",
    "01/05/1990",
    "1990-1-5",
    "19900105",
    "1990-01-05T00:00:00Z",
    " 1990-01-05",
    "yesterday",
    "-1990-01-05",
    "\N{FULLWIDTH DIGIT ONE}990-01-05",
    "1990-01-05\n",
    19900105,
    1990.5,
    True,
    ["1990-01-05"],
    {"year": 1990},
]
BIRTH_DATES = ["1879-12-31", "2026-11-25", "2027-01-01", "9999-12-31", "0001-01-01"]
PHONES = [
    "",
    "call me",
    "123",
    "+1",
    "+0123456789",
    "+12345678901234567",
    "555-0170",
    "+1202555017x",
    "\N{FULLWIDTH DIGIT TWO}025550170",
    "2025550170\n",
    "+1\x002025550170",
    "1" * 10_000,
    2025550170,
    True,
]
EMAILS = [
    "",
    "ada",
    "@example.com",
    "ada@",
    "ada lovelace@example.com",
    "ada@example..com",
    "ada@example.com\n",
    "ada\x00@example.com",
    "ada@-example.com",
    "ada@example.com, eve@example.com",
    "a" * 65 + "@example.com",
    "ada@" + "a" * 10_000 + ".com",
    7,
]
TEXTS = [
    "",
    " ",
    "\t\n",
    "\N{NO-BREAK SPACE}",
    "A\x00B",
    "A\nB",
    "A\x1b[31mB",
    "A\x85B",
    "A\x7fB",
    "x" * 201,
    "x" * 10_000,
]
TEXT_PLACES: dict[str, tuple[str, Any]] = {
    "name.first": ("name", lambda text: {"first": text, "last": "Lovelace"}),
    "name.last": ("name", lambda text: {"first": "Ada", "last": text}),
    "name.middle": ("name", lambda text: {"first": "Ada", "last": "Lovelace", "middle": text}),
    "name.title": ("name", lambda text: {"first": "Ada", "last": "Lovelace", "title": text}),
    "gender": ("gender", lambda text: text),
    "externalId": ("externalId", lambda text: text),
    "address.street1": ("address", lambda text: ADDRESS | {"street1": text}),
    "address.street2": ("address", lambda text: ADDRESS | {"street2": text}),
    "address.city": ("address", lambda text: ADDRESS | {"city": text}),
    "address.state": ("address", lambda text: ADDRESS | {"state": text}),
    "address.postalCode": ("address", lambda text: ADDRESS | {"postalCode": text}),
    "address.country": ("address", lambda text: ADDRESS | {"country": text}),
    "address.name.last": ("address", lambda text: ADDRESS | {"name": {"first": "Ada", "last": text}}),
}
SHAPES: list[tuple[str, Any]] = [
    ("name", "Ada Lovelace"),
    ("name", {"first": "Ada"}),
    ("name", {"first": "Ada", "last": None}),
    ("name", {"first": "Ada", "last": "Lovelace", "nick": "Countess"}),
    ("name", {"first": ["Ada"], "last": "Lovelace"}),
    ("sex", "female"),
    ("sex", "OTHER"),
    ("sex", 1),
    ("gender", ["Woman"]),
    ("gender", 5),
    ("externalId", {"id": "emr"}),
    ("externalId", 1.5),
    ("address", "1 Main St"),
    ("address", {"street1": "1 Main St"}),
    ("allergies", [{"comment": "Rash"}]),
    ("allergies", [{"allergenId": "a", "onset": "soon"}]),
    ("medicationHistory", [{"medicationId": "a"}]),
    ("medicationHistory", [{"medicationId": "a", "active": "yes"}]),
    ("preferredPharmacies", [{"id": "phr"}]),
]
VALUES: list[tuple[str, str, Any]] = [
    *(("dateOfBirth", "dateOfBirth", value) for value in DATES + BIRTH_DATES),
    *(("phone", "phone", value) for value in PHONES),
    *(("email", "email", value) for value in EMAILS),
    *((argument, argument, value) for argument, value in SHAPES),
    *((named, argument, place(text)) for named, (argument, place) in TEXT_PLACES.items() for text in TEXTS),
]


@pytest.fixture
def refusing(clinics: Clinics) -> Live:
    """A server that stores nothing of what these tests send."""
    return clinics.serve("sqlite", "refusing")


@pytest.fixture
def key(refusing: Live) -> str:
    """A token for that server."""
    return refusing.token(refusing.world.alder)


@pytest.mark.parametrize(("named", "argument", "value"), VALUES, ids=lambda value: repr(value)[:40])
def test_a_value_that_no_patient_has_is_refused_by_name(
    refusing: Live, key: str, named: str, argument: str, value: Any
) -> None:
    before = whole_patient(refusing, key, "sample-003")
    everybody = patient_ids(refusing, key)

    created = refusing.graphql(key, CREATE_PATIENT, ada(**{argument: value}))
    updated = refusing.graphql(key, UPDATE_PATIENT, {"id": before["id"], argument: value})

    for answer in (created, updated):
        assert {error["extensions"]["code"] for error in errors(answer)} == {"BAD_USER_INPUT"}
        assert all(named in error["message"] for error in errors(answer))
    assert whole_patient(refusing, key, "sample-003") == before
    assert patient_ids(refusing, key) == everybody


@pytest.mark.parametrize("text", TEXTS[4:])
@pytest.mark.parametrize("kind", ["allergies", "medicationHistory"])
def test_a_comment_that_is_no_text_is_refused(refusing: Live, key: str, kind: str, text: str) -> None:
    everybody = patient_ids(refusing, key)
    allergen = refusing.data(key, "{ allergens { id } }")["allergens"][0]["id"]
    medication = refusing.data(key, "{ medications(first: 1) { id } }")["medications"][0]["id"]
    entry = {"allergenId": allergen} if kind == "allergies" else {"active": True, "medicationId": medication}

    error = the_error(refusing.graphql(key, CREATE_PATIENT, ada(**{kind: [entry | {"comment": text}]})))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f"{kind}.comment" in error["message"]
    assert patient_ids(refusing, key) == everybody


@pytest.mark.parametrize(
    ("argument", "literal"),
    [("dateOfBirth", '"1990-02-30"'), ("phone", '"call me"'), ("email", '"ada"'), ("sex", "OTHER")],
)
def test_a_bad_value_written_in_the_document_is_pointed_at(
    refusing: Live, key: str, argument: str, literal: str
) -> None:
    everybody = patient_ids(refusing, key)
    written = {"dateOfBirth": '"1990-01-05"', "phone": '"+12025550170"', "sex": "MALE", argument: literal}
    arguments = ", ".join(f"{name}: {value}" for name, value in written.items())
    document = f'mutation {{ createPatient(name: {{first: "Ada", last: "B"}}, {arguments}) {{ id }} }}'

    error = the_error(refusing.graphql(key, document))

    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert [place["column"] - 1 for place in error["locations"]] == [document.index(literal)]
    assert patient_ids(refusing, key) == everybody


def test_every_bad_value_of_a_request_is_reported_at_once(refusing: Live, key: str) -> None:
    answer = refusing.graphql(key, CREATE_PATIENT, ada(phone="x", dateOfBirth="x", email="x", sex="x"))

    found = answer.json()["errors"]
    assert {one["extensions"]["code"] for one in found} == {"BAD_USER_INPUT"}
    for name in ("$phone", "$dateOfBirth", "$email", "$sex"):
        assert sum(name in one["message"] for one in found) == 1
