"""The errors of the API: the codes that clients can rely on, and what is not said."""

from typing import Any

import pytest
from graphql import GraphQLError, build_schema, graphql_sync

from rxauth.api.errors import MEANINGS, Code, ForbiddenError, code_of, formatted
from rxauth.domain.errors import AbsentError, DomainError, ExistsError, InvalidError
from rxauth.policy.authority import Refusal
from rxauth.policy.decide import Insufficient
from rxauth.storage.database import ConflictError, DatabaseUnavailableError


def test_every_code_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Code)


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (AbsentError("there is no such patient"), Code.NOT_FOUND),
        (InvalidError("name.first is blank"), Code.BAD_USER_INPUT),
        (ExistsError("the allergy already exists on patient"), Code.CONFLICT),
        (DomainError("no"), Code.BAD_USER_INPUT),
    ],
)
def test_what_a_noun_refuses_is_said_in_its_words(cause: DomainError, code: Code) -> None:
    error = GraphQLError("wrapped", path=["patient"], original_error=cause)

    assert formatted(error, Code.VALIDATION) == {
        "message": str(cause),
        "extensions": {"code": code},
        "path": ["patient"],
    }


def test_the_value_that_is_refused_is_named() -> None:
    refused = InvalidError("daysSupply is 1 to 999", "daysSupply").within("prescriptions[1]")
    shown = formatted(GraphQLError("", original_error=refused), Code.VALIDATION)

    assert shown["message"] == "prescriptions[1]: daysSupply is 1 to 999"
    assert shown["extensions"] == {"code": Code.BAD_USER_INPUT, "field": "prescriptions[1].daysSupply"}
    assert InvalidError("is null").within("prescriptions[1]").field == "prescriptions[1]"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"a": "x"}, "given.a"),
        ({"a": 1, "b": [{"c": 1}, {"c": "x"}]}, "given.b[1].c"),
        ({"b": [{}]}, "given"),
        (None, "given"),
    ],
)
def test_a_variable_that_does_not_fit_is_named_with_the_place_in_it(value: Any, field: str) -> None:
    schema = build_schema("input I { a: Int!, b: [J] } input J { c: Float! } type Query { f(i: I!): Int }")
    answer = graphql_sync(schema, "query($given: I!) { f(i: $given) }", variable_values={"given": value})

    shown = [formatted(error, Code.BAD_USER_INPUT)["extensions"] for error in answer.errors or ()]

    assert {"code": Code.BAD_USER_INPUT, "field": field} in shown


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (ConflictError("uq_patients_external_id"), Code.CONFLICT),
        (DatabaseUnavailableError("could not connect to 10.0.0.7"), Code.UNAVAILABLE),
        (ValueError("SELECT secret FROM vault"), Code.INTERNAL),
        (KeyError("/srv/rxauth/settings.toml"), Code.INTERNAL),
    ],
)
def test_what_nobody_wrote_for_the_caller_is_not_repeated(cause: Exception, code: Code) -> None:
    shown = formatted(GraphQLError(str(cause), original_error=cause), Code.VALIDATION)

    assert shown["extensions"] == {"code": code}
    assert str(cause) not in str(shown)


def test_a_lacking_permission_is_named() -> None:
    insufficient = Insufficient(
        ("write:patient", "update:patient"), Refusal("not_in_token", "the token was issued without it")
    )
    error = GraphQLError("", original_error=ForbiddenError(insufficient))

    assert formatted(error, Code.VALIDATION) == {
        "message": "Needs write:patient or update:patient: the token was issued without it.",
        "extensions": {"code": Code.FORBIDDEN, "requiredPermission": "write:patient", "reason": "not_in_token"},
    }
    assert code_of(error, Code.VALIDATION) is Code.FORBIDDEN


def test_an_error_of_graphql_itself_has_the_code_of_its_phase() -> None:
    error = GraphQLError("Syntax Error: Unexpected '}'.")

    assert formatted(error, Code.SYNTAX)["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}
    assert code_of(GraphQLError("outer", original_error=error), Code.VALIDATION) is Code.VALIDATION
