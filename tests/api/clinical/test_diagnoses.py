"""Diagnoses: what prescriptions are for, and how a code is found."""

from typing import Any

import pytest

from tests.api.answers import code, the_error
from tests.api.clinical.test_statements import statements
from tests.live import Live
from tests.prescribing import CREATE_ALL, Practice, writes

READ = "query($id: ID!) { prescription(id: $id) { diagnoses { type code name } } }"
SEARCH = """query diagnoses($name: String, $after: ID, $first: Int) {
  diagnoses(name: $name, after: $after, first: $first) { type code name }
}"""


def read(practice: Practice, prescription_id: str) -> Any:
    """Returns the diagnoses of a prescription."""
    return practice.live.data(practice.token, READ, {"id": prescription_id})["prescription"]["diagnoses"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], []),
        (None, []),
        ([None], []),
        (["I10"], ["I10"]),
        (["i10", "E119", None, " E11.9 "], ["I10", "E11.9"]),
        (["E11"], ["E11"]),
    ],
)
def test_a_prescription_says_what_it_is_for_in_the_order_in_which_it_was_said(
    practice: Practice, given: list[str | None] | None, kept: list[str]
) -> None:
    written = practice.written(diagnoses=given)

    found = read(practice, written["id"])

    assert [one["code"] for one in found] == kept
    assert {one["type"] for one in found} <= {"ICD10"}


def test_the_answer_of_the_mutation_has_the_diagnoses_too(practice: Practice) -> None:
    call = "mutation($one: PrescriptionInput!) { createPrescriptions(prescriptions: [$one]) { diagnoses { name } } }"

    [written] = practice.live.data(practice.token, call, {"one": practice.draft(diagnoses=["I10"])})[
        "createPrescriptions"
    ]

    assert written == {"diagnoses": [{"name": "Essential (primary) hypertension"}]}


@pytest.mark.parametrize(
    ("given", "expected", "field"),
    [
        (["I10", "Z99.99"], "NOT_FOUND", "diagnoses[1]"),
        ([None, "no code"], "NOT_FOUND", "diagnoses[1]"),
        (["I10"] * 13, "BAD_USER_INPUT", "diagnoses"),
        (["I10" * 1_000], "NOT_FOUND", "diagnoses[0]"),
    ],
)
def test_what_is_no_diagnosis_is_refused_with_its_place(
    practice: Practice, given: list[str | None], expected: str, field: str
) -> None:
    answer = practice.create(diagnoses=given)

    assert code(answer) == expected
    assert the_error(answer)["extensions"]["field"] == field
    assert len(the_error(answer)["message"]) < 200


def test_of_several_the_one_with_the_wrong_diagnosis_is_named(practice: Practice) -> None:
    drafts = [practice.draft(diagnoses=["I10"]), practice.draft(diagnoses=["I10", "Z99.99"])]

    answer = practice.live.graphql(practice.token, CREATE_ALL, {"prescriptions": drafts})

    assert the_error(answer)["extensions"] == {"code": "NOT_FOUND", "field": "prescriptions[1].diagnoses[1]"}


def test_diagnoses_cost_a_write_two_statements_however_many_they_are_and_none_without(practice: Practice) -> None:
    practice.written()
    seen = []
    for diagnoses in ([], ["I10"], ["I10", "E11.9", "E78.5"]):
        with writes(practice.live) as sent:
            practice.written(diagnoses=diagnoses)
        seen.append(len(sent))

    assert seen == [seen[0], seen[0] + 2, seen[0] + 2]


def test_several_prescriptions_diagnoses_are_read_in_one_statement(practice: Practice) -> None:
    drafts = [practice.draft(diagnoses=["I10"]) for _ in range(5)]
    practice.live.data(practice.token, CREATE_ALL, {"prescriptions": drafts})
    document = "query($first: Int) { prescriptions(first: $first) { diagnoses { code } } }"
    practice.live.data(practice.token, document, {"first": 1})

    counts: dict[int, int] = {}
    for first in (1, 5) * 3:  # what was remembered of the caller may be read anew meanwhile
        with statements(practice.live) as sent:
            found = practice.live.data(practice.token, document, {"first": first})["prescriptions"]
        assert len(found) == first
        counts[first] = min(counts.get(first, len(sent)), len(sent))

    assert counts[1] == counts[5]


def test_a_diagnosis_is_found_by_code_and_by_name(reading: Live, reader: str) -> None:
    by_code = reading.data(reader, SEARCH, {"name": "e119"})["diagnoses"]
    by_name = reading.data(reader, SEARCH, {"name": "type 2 diab without"})["diagnoses"]

    assert (
        by_code
        == by_name
        == [{"type": "ICD10", "code": "E11.9", "name": "Type 2 diabetes mellitus without complications"}]
    )


def test_diagnoses_come_in_pages_by_code(reading: Live, reader: str) -> None:
    everything = [one["code"] for one in reading.data(reader, SEARCH, {"first": 100})["diagnoses"]]
    rest = reading.data(reader, SEARCH, {"first": 100, "after": everything[2]})["diagnoses"]

    assert everything == sorted(everything)
    assert [one["code"] for one in rest][:97] == everything[3:]


@pytest.mark.parametrize(
    ("asked", "field"), [({"name": "a" * 201}, "name"), ({"first": 0}, "first"), ({"first": -1}, "first")]
)
def test_sizes_that_no_search_has_are_refused(reading: Live, reader: str, asked: dict[str, Any], field: str) -> None:
    answer = reading.graphql(reader, SEARCH, asked)

    assert the_error(answer)["extensions"] == {"code": "BAD_USER_INPUT", "field": field}
