"""The execution of one operation: which one runs, and which documents are kept."""

from typing import Any

import pytest

from rxauth.api import execute, limits
from rxauth.api.outcomes import Failure
from tests.api.answers import Clinics
from tests.api.documents import ORDERS
from tests.api.work import calls, run
from tests.live import Live

TWO = 'query A { patient(id: "sample-001") { sex } } query B { patient(id: "sample-001") { dateOfBirth } }'


def post(live: Live, token: str, **body: Any) -> Any:
    """Posts a request and returns the answer's members."""
    return live.http.post("/graphql", json=body, headers={"authorization": token}).json()


@pytest.mark.parametrize(("name", "shown"), [("A", {"sex": "FEMALE"}), ("B", {"dateOfBirth": "1986-03-14"})])
def test_of_two_operations_the_named_one_runs(reading: Live, reader: str, name: str, shown: dict[str, str]) -> None:
    assert post(reading, reader, query=TWO, operationName=name) == {"data": {"patient": shown}}


@pytest.mark.parametrize("name", [None, "C", "a"])
def test_of_two_operations_none_runs_unless_named(reading: Live, reader: str, name: str | None) -> None:
    answer = post(reading, reader, query=TWO, operationName=name)

    assert "data" not in answer
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize(("document", "name"), [("query A { __typename }", None), ("query A { __typename }", "A")])
def test_the_only_operation_runs_named_or_not(reading: Live, reader: str, document: str, name: str | None) -> None:
    assert post(reading, reader, query=document, operationName=name) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("document", "name"), [("{ __typename }", "A"), ("fragment F on Query { __typename }", None), ("", None)]
)
def test_a_document_without_that_operation_runs_nothing(reading: Live, reader: str, document: str, name: str) -> None:
    answer = post(reading, reader, query=document, operationName=name)

    assert "data" not in answer
    assert answer["errors"]


def test_the_operation_that_is_not_named_does_not_run(clinic: Live, token: str) -> None:
    document = """
    query Read { __typename }
    mutation Write {
      createPatient(name: {first: "A", last: "B"}, dateOfBirth: "1990-01-01", sex: MALE, phone: "+12025550170") { id }
    }"""
    before = clinic.data(token, "{ patients(first: 100) { id } }")

    assert post(clinic, token, query=document, operationName="Read") == {"data": {"__typename": "Query"}}
    assert clinic.data(token, "{ patients(first: 100) { id } }") == before


def test_a_document_is_checked_once(reading: Live) -> None:
    run(reading, "{ __typename }")
    document = ORDERS + "# a document that nobody sent before"

    first = calls(lambda: run(reading, document))
    again = calls(lambda: run(reading, document))

    assert again < first * 0.8


def test_the_documents_that_are_kept_are_bounded(clinics: Clinics) -> None:
    live = clinics.serve("sqlite", "remembering")
    padding = "#" * (limits.DOCUMENT_LIMIT_CHARACTERS - 100)
    kept = live.edge.api._documents = dict[str, Any]()  # not what others of this run have sent

    for number in range(execute.DOCUMENTS_LIMIT_CHARACTERS // limits.DOCUMENT_LIMIT_CHARACTERS + 5):
        assert run(live, f"{{ __typename }} # {number} {padding}").failure is None
        kept = live.edge.api._documents
        assert sum(map(len, kept)) <= execute.DOCUMENTS_LIMIT_CHARACTERS
    assert kept

    for number in range(execute.DOCUMENTS_LIMIT + 5):
        assert run(live, f"{{ __typename }} # {number}").failure is None
        assert len(live.edge.api._documents) <= execute.DOCUMENTS_LIMIT


@pytest.mark.parametrize(
    ("document", "failure"),
    [
        ("{ patients { id }", Failure.SYNTAX),
        ("{ patients { nothing } }", Failure.VALIDATION),
        ("{ " + "patients { patient " * 20 + "}" * 21, Failure.VALIDATION),
    ],
)
def test_a_document_that_is_refused_is_not_kept(reading: Live, document: str, failure: Failure) -> None:
    assert run(reading, document).failure is failure
    assert document not in reading.edge.api._documents
