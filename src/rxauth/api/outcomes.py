"""What came of an operation: the answer as bytes, why it failed, and what others must know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import msgspec
from graphql import ExecutionResult, GraphQLError

from rxauth.api import accesses
from rxauth.api.accesses import Operation, Touched
from rxauth.api.context import Context
from rxauth.api.errors import ERRORS_LIMIT, Code, ForbiddenError, StepUpError, code_of, formatted
from rxauth.domain.sessions import Ended
from rxauth.policy.assurance import Wanted
from rxauth.policy.decide import Insufficient

_ENCODER: Final = msgspec.json.Encoder()


class Failure(Enum):
    """Why an operation did not run as asked; the edge gives each a status."""

    MALFORMED = auto()
    NOT_A_REQUEST = auto()
    SYNTAX = auto()
    VALIDATION = auto()
    VARIABLES = auto()
    FORBIDDEN = auto()
    STEP_UP = auto()
    UNAVAILABLE = auto()
    KEY_REUSED = auto()
    KEY_IN_USE = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, encoded. failure None: the operation ran, though fields of it may have failed.

    forbidden: the fields that asked for a permission which the caller lacks. unexpected: what the log must have.
    step_up: how the person must sign in again, None if it need not. touched: what the access log must have, or None.
    ended: sessions whose clients are to hear that they ended. kind: of the operation; `none` if none came to run.
    """

    body: bytes
    failure: Failure | None = None
    forbidden: tuple[ForbiddenError, ...] = ()
    unexpected: tuple[Exception, ...] = ()
    step_up: Wanted | None = None
    touched: Touched | None = None
    ended: tuple[Ended, ...] = ()
    kind: str = "none"


def encode(content: Any) -> bytes:
    """Returns an answer's bytes."""
    return _ENCODER.encode(content)


def refused(failure: Failure | None, code: Code, message: str, reason: str | None = None) -> Outcome:
    """Returns the answer to a request that was not run; reason: a code that says more."""
    extensions = {"code": code} if reason is None else {"code": code, "reason": reason}
    return Outcome(encode({"errors": [{"message": message, "extensions": extensions}]}), failure)


def forbidden(insufficient: Insufficient, operation: Operation) -> Outcome:
    """Returns the answer to whoever lacks a permission for the whole of an answer."""
    lacking = ForbiddenError(insufficient)
    shown = formatted(GraphQLError("", original_error=lacking), Code.FORBIDDEN)
    touched = accesses.touched(operation, (), None, (Code.FORBIDDEN,))
    body = encode({"errors": [shown], "data": None})
    return Outcome(body, Failure.FORBIDDEN, (lacking,), touched=touched, kind=operation.kind.value)


def has_effect(result: ExecutionResult, operation: Operation, context: Context) -> bool:
    """Tells whether an operation did something, or may have; a root field that was refused left its record at most."""
    refused_fields = {
        error.path[0]
        for error in result.errors or ()
        if error.path is not None and len(error.path) == 1 and code_of(error, Code.VALIDATION) is not Code.INTERNAL
    }
    return context.has_written and len(refused_fields) < operation.roots


def of_result(result: ExecutionResult, operation: Operation, context: Context) -> Outcome:
    """Returns what came of an operation that ran."""
    errors, kind = result.errors or [], operation.kind.value
    if not errors:
        touched = accesses.touched(operation, context.patient_ids, result.data, ())
        return Outcome(encode({"data": result.data}), touched=touched, ended=tuple(context.ended_sessions), kind=kind)
    default = Code.BAD_USER_INPUT if result.data is None and errors[0].path is None else Code.VALIDATION
    shown = [formatted(error, default) for error in errors[:ERRORS_LIMIT]]
    codes = {code_of(error, default) for error in errors}
    unexpected = tuple(
        error.original_error
        for error in errors
        if error.original_error is not None and code_of(error, default) is Code.INTERNAL
    )
    forbidden = tuple(error.original_error for error in errors if isinstance(error.original_error, ForbiddenError))
    step_up = next((one.original_error.wanted for one in errors if isinstance(one.original_error, StepUpError)), None)
    body = encode({"errors": shown, "data": result.data} if errors[0].path else {"errors": shown})
    failure = _failure(result.data, codes, has_path=errors[0].path is not None)
    touched = accesses.touched(operation, context.patient_ids, result.data, codes)
    return Outcome(body, failure, forbidden, unexpected, step_up, touched, tuple(context.ended_sessions), kind)


def _failure(data: Mapping[str, Any] | None, codes: set[Code], *, has_path: bool) -> Failure | None:
    if Code.UNAVAILABLE in codes:
        return Failure.UNAVAILABLE
    if not has_path:
        return Failure.VARIABLES
    nothing_ran = data is None or all(value is None for value in data.values())
    if nothing_ran and codes == {Code.STEP_UP}:
        return Failure.STEP_UP
    return Failure.FORBIDDEN if nothing_ran and codes == {Code.FORBIDDEN} else None
