"""Runs one operation: a document checked once and kept, limits, the guard, and errors with codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute_sync,
    validate,
)
from graphql import parse as parse_document

from rxauth.api import accesses, limits, requests
from rxauth.api.accesses import Operation, Touched
from rxauth.api.context import Context
from rxauth.api.errors import ERRORS_LIMIT, Code, ForbiddenError, LimitExceededError, StepUpError, code_of, formatted
from rxauth.api.schema import paged_fields
from rxauth.clock import Clock
from rxauth.domain.webhooks import Keeper
from rxauth.policy.assurance import Wanted
from rxauth.policy.subjects import Caller
from rxauth.storage.database import Database, DatabaseUnavailableError

DOCUMENTS_LIMIT: Final = 1_000
DOCUMENTS_LIMIT_CHARACTERS: Final = 4_000_000
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, encoded. failure None: the operation ran, though fields of it may have failed.

    forbidden: the fields that asked for a permission which the caller lacks. unexpected: what the log must have.
    step_up: how the person must sign in again, None if it need not. touched: what the access log must have, or None.
    """

    body: bytes
    failure: Failure | None = None
    forbidden: tuple[ForbiddenError, ...] = ()
    unexpected: tuple[Exception, ...] = ()
    step_up: Wanted | None = None
    touched: Touched | None = None


@dataclass(frozen=True, slots=True)
class _Document:
    """A document that fits the schema; operations by name, the only one by the name None too."""

    tree: DocumentNode
    operations: Mapping[str | None, Operation]
    characters: int


class _RefusedError(Exception):
    """A request that is answered without running anything."""

    def __init__(self, failure: Failure, code: Code, *errors: GraphQLError) -> None:
        super().__init__(failure.name)
        self.failure = failure
        self.code = code
        self.errors = errors


@dataclass(slots=True)
class Api:
    """An executable schema on a database. keeper None: no webhook can be made or changed; access_key: see Context."""

    schema: GraphQLSchema
    database: Database
    clock: Clock
    keeper: Keeper | None = None
    access_key: bytes | None = field(default=None, repr=False)
    _documents: dict[str, _Document] = field(default_factory=dict)
    _characters: int = 0
    _paged: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._paged = paged_fields(self.schema)

    def run(self, caller: Caller, body: bytes) -> Outcome:
        """Answers one request of an accepted caller; blocks its thread."""
        try:
            request = _request(body)
            document = self._document(request.query)
            operation = _operation(document, request.operation_name)
        except _RefusedError as refused:
            errors = [formatted(error, refused.code) for error in refused.errors[:ERRORS_LIMIT]]
            return Outcome(_ENCODER.encode({"errors": errors}), refused.failure)
        context = Context(caller, self.clock, self.database, keeper=self.keeper, access_key=self.access_key)
        try:
            if operation.kind is OperationType.QUERY:
                result = self.database.read(lambda tx: self._execute(document, request, context.within(tx)))
            else:
                result = self._execute(document, request, context)
        except DatabaseUnavailableError as error:
            result = ExecutionResult(None, [GraphQLError("", original_error=error)])
        return _outcome(result, operation, context)

    def _execute(self, document: _Document, request: requests.GraphQLRequest, context: Context) -> ExecutionResult:
        return execute_sync(
            self.schema,
            document.tree,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            hide_suggestions=True,
        )

    def _document(self, text: str) -> _Document:
        """Returns a document, checked now or before; only those that fit the schema are kept."""
        known = self._documents.get(text)
        if known is not None:
            return known
        document = self._check(text)
        if len(self._documents) >= DOCUMENTS_LIMIT or self._characters + len(text) > DOCUMENTS_LIMIT_CHARACTERS:
            self._documents = {}
            self._characters = 0
        self._documents[text] = document
        self._characters += len(text)
        return document

    def _check(self, text: str) -> _Document:
        try:
            if len(text) > limits.DOCUMENT_LIMIT_CHARACTERS:
                raise LimitExceededError(f"The document has more than {limits.DOCUMENT_LIMIT_CHARACTERS} characters.")
            tree = parse_document(text, max_tokens=limits.TOKENS_LIMIT)
            limits.check(tree, self._paged)
        except GraphQLError as error:
            raise _RefusedError(Failure.SYNTAX, Code.SYNTAX, error) from None
        except LimitExceededError as error:
            raise _RefusedError(Failure.VALIDATION, Code.LIMIT_EXCEEDED, GraphQLError(str(error))) from None
        except RecursionError:
            nested = GraphQLError(f"The document has more than {limits.DEPTH_LIMIT} levels.")
            raise _RefusedError(Failure.VALIDATION, Code.LIMIT_EXCEEDED, nested) from None
        errors = validate(self.schema, tree, max_errors=ERRORS_LIMIT, hide_suggestions=True)
        if errors:
            raise _RefusedError(Failure.VALIDATION, Code.VALIDATION, *errors)
        return _Document(tree, accesses.operations(self.schema, tree), len(text))


def _request(body: bytes) -> requests.GraphQLRequest:
    try:
        return requests.parse(body)
    except requests.MalformedBodyError as error:
        raise _RefusedError(Failure.MALFORMED, Code.BAD_REQUEST, GraphQLError(str(error))) from None
    except requests.NotARequestError as error:
        raise _RefusedError(Failure.NOT_A_REQUEST, Code.BAD_REQUEST, GraphQLError(str(error))) from None


def _operation(document: _Document, name: str | None) -> Operation:
    found = document.operations.get(name)
    if found is None:
        message = "The document has no operation of that name." if name else "operationName must name one operation."
        raise _RefusedError(Failure.VALIDATION, Code.VALIDATION, GraphQLError(message))
    return found


def _outcome(result: ExecutionResult, operation: Operation, context: Context) -> Outcome:
    errors = result.errors or []
    if not errors:
        touched = accesses.touched(operation, context.patient_ids, result.data, ())
        return Outcome(_ENCODER.encode({"data": result.data}), touched=touched)
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
    body = _ENCODER.encode({"errors": shown, "data": result.data} if errors[0].path else {"errors": shown})
    failure = _failure(result.data, codes, has_path=errors[0].path is not None)
    touched = accesses.touched(operation, context.patient_ids, result.data, codes)
    return Outcome(body, failure, forbidden, unexpected, step_up, touched)


def _failure(data: Mapping[str, Any] | None, codes: set[Code], *, has_path: bool) -> Failure | None:
    if Code.UNAVAILABLE in codes:
        return Failure.UNAVAILABLE
    if not has_path:
        return Failure.VARIABLES
    nothing_ran = data is None or all(value is None for value in data.values())
    if nothing_ran and codes == {Code.STEP_UP}:
        return Failure.STEP_UP
    return Failure.FORBIDDEN if nothing_ran and codes == {Code.FORBIDDEN} else None
