"""The errors of the API: the codes that clients can rely on, and what is not said."""

import pytest
from graphql import GraphQLError

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
