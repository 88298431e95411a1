"""Variables of other types and hostile texts: refused by name or found absent, never an accident."""

from collections.abc import Iterator
from typing import Any

import pytest

from rxauth.domain.webhooks import Keeper
from tests.api.answers import MODERN, Clinics
from tests.api.arguments import Place, document, given, members, root_field, root_fields
from tests.prescribing import Practice
from tests.webhook_receiver import LOOPBACK
from tests.world import Template

CONFUSED: dict[str, list[Any]] = {
    "ID!": [None, 1.5, True, [], ["a"], {}, {"id": "a"}],
    "ID": [1.5, False, [1], {}],
    "Int": [2**31, -(2**31) - 1, 10**30, 1.5, "1", True, [1], {}, "NaN"],
    "Float": ["1.5", True, [1.5], {}, "Infinity"],
    "String": [1, 1.5, True, [], {}, ["a"]],
    "Boolean!": [None, 0, 1, "true", [], {}],
    "AWSDate!": [None, 0, True, [], {}, ["1990-01-01"]],
    "AWSPhone!": [None, 2025550170, True, [], {}],
    "AWSEmail": [1, True, [], {}],
    "SexType!": [None, 0, True, "male", ["MALE"], {}],
    "OrderState": [0, True, "PLACE", [], {}],
    "NameInput!": [None, "Ada", 1, [{"first": "A"}], {}, {"first": "A", "last": "B", "extra": 1}],
    "[ID]": [{}, [[]], [1.5], [{"id": "a"}]],
    "[AllergenInput]": ["a", [["a"]], [{}], [{"allergenId": None}], [{"allergenId": "a", "onset": 1}]],
    "LatLongSearch": ["here", [40.7, -74], {"latitude": "40.7"}, {"latitude": [1]}, {"altitude": 1}],
}
HOSTILE = [
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\uffff",
    "\U0010ffff",
    "%00",
    "../../etc/passwd",
    "'; DROP TABLE patients; --",
    '" OR 1=1 --',
    "${jndi:ldap://x}",
    "{{7*7}}",
    "\\",
    "%",
    " ",
    "a" * 100_000,
    "\N{COMBINING ACUTE ACCENT}" * 10_000,
    "\ufdfa" * 10_000,
]

REFUSALS = {"BAD_USER_INPUT", "NOT_FOUND", "BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED"}
# An organization has one or two of what these make, so that a good text comes too late.
FEW = {"createMachineClient", "createMachineSecret", "createScimToken"}


@pytest.fixture(scope="module")
def clinics(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """The servers of these tests."""
    running = Clinics(templates, tmp_path_factory)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def practices() -> dict[str, Practice]:
    """A provider at work on each engine, made when it is first asked for."""
    return {}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in CONFUSED.items() for value in values])
def test_a_variable_of_another_type_is_422_and_runs_nothing(clinics: Clinics, kind: str, value: Any) -> None:
    """GraphQL over HTTP, §Status Codes; GraphQL, §6.1.2."""
    live = clinics.serve("sqlite")
    document = f"query($confused: {kind}) {{ __typename }}"

    answer = live.graphql(live.token(live.world.alder), document, {"confused": value}, accept=MODERN)

    assert answer.status_code == 422
    assert "data" not in answer.json()
    for error in answer.json()["errors"]:
        assert error["extensions"]["code"] in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "01", "+1", "0x10", "1_000"])
def test_a_number_that_is_none_runs_nothing(clinics: Clinics, number: str) -> None:
    live = clinics.serve("sqlite")
    query = "query($a: Int, $b: LatLongSearch) { patients(first: $a) { id } pharmacies(location: $b) { id } }"
    headers = {"authorization": live.token(live.world.alder), "content-type": "application/json", "accept": MODERN}

    for variables in (f'{{"a": {number}}}', f'{{"b": {{"latitude": {number}, "longitude": 0}}}}'):
        body = f'{{"query": "{query}", "variables": {variables}}}'
        answer = live.http.post("/graphql", content=body, headers=headers)
        assert answer.status_code in {400, 422}
        assert "data" not in answer.json()


PLACES = [
    Place(root, name, path)
    for root, name, field in root_fields()
    for argument_name, argument in field.args.items()
    for path in members(argument_name, argument.type, {"ID", "String"})
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_hostile_text_is_absent_or_refused_and_no_accident(
    clinics: Clinics, practices: dict[str, Practice], engine: str, place: Place
) -> None:
    live = clinics.serve(engine)
    machine = live.token(live.world.alder)
    practices[engine] = practices.get(engine) or Practice(live)
    live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
    token = practices[engine].holders.mighty()
    arguments = root_field(place).args

    codes: dict[str, set[str]] = {}
    for text in HOSTILE:
        variables = given(arguments, place, text)
        answer = live.graphql(token, document(place, variables), variables)
        assert answer.status_code in {200, 400, 422}
        codes[text] = {error["extensions"]["code"] for error in answer.json().get("errors", [])}

    late = place.field in FEW or place.path == ("version",)  # what somebody read before is not there any longer
    allowed = REFUSALS | ({"CONFLICT"} if late else set())
    assert {text[:20]: found for text, found in codes.items() if not found <= allowed} == {}
    assert len(live.data(machine, "{ patients(first: 100) { id } }")["patients"]) >= 24


@pytest.mark.parametrize(
    "document",
    [
        '{ patient(id: "a%sb") { id } }',
        '{ orders(filter: {patientId: "a%sb"}) { id } }',
        '{ patients(after: "a%sb") { id } }',
        '{ pharmacies(name: "a%sb") { id } }',
        'mutation { updatePatient(id: "a%sb") { id } }',
        'mutation { updatePatient(id: "sample-001", allergenId: "a%sb") { id } }',
    ],
)
@pytest.mark.parametrize("escaped", ["\\u0000", "\\u{0}", "\\uFFFF", "\\u{10FFFF}", "\\uD800", "\\u{D800}"])
def test_a_hostile_text_in_the_document_is_no_accident_either(
    clinics: Clinics, engine: str, document: str, escaped: str
) -> None:
    live = clinics.serve(engine)

    answer = live.graphql(live.token(live.world.alder), document % escaped)

    codes = {error["extensions"]["code"] for error in answer.json().get("errors", [])}
    assert codes <= REFUSALS | {"GRAPHQL_PARSE_FAILED"}


def test_the_texts_are_those_of_the_whole_schema() -> None:
    found = [str(place) for place in PLACES]

    assert len(found) == len(set(found)) > 60
    assert {"patient(id)", "patients(filter.name)", "patients(after)", "createPatient(address.name.middle)"} <= set(
        found
    )
