"""Runs one operation: a document checked once and kept, limits, the guard, and errors with codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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

from rxauth.api import accesses, idempotency, limits, outcomes, requests
from rxauth.api.accesses import Operation
from rxauth.api.context import Context, ReadMetadata, Terms
from rxauth.api.errors import ERRORS_LIMIT, Code, LimitExceededError, formatted
from rxauth.api.idempotency import Repeats
from rxauth.api.outcomes import Failure, Outcome
from rxauth.api.schema import paged_fields
from rxauth.clock import Clock
from rxauth.domain.access_records import patients_key
from rxauth.domain.domain_proofs import Look
from rxauth.domain.mails import Outbox
from rxauth.domain.sessions import LONGEST, Limits
from rxauth.domain.webhooks import Keeper
from rxauth.policy.subjects import Caller, NoOrganizationError
from rxauth.storage.database import Database, DatabaseUnavailableError, Origin, Transaction, TryAgainError

DOCUMENTS_LIMIT: Final = 1_000
DOCUMENTS_LIMIT_CHARACTERS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class _Document:
    """A document that fits the schema; operations by name, the only one by the name None too."""

    tree: DocumentNode
    operations: Mapping[str | None, Operation]
    characters: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """One operation, and all that it takes to run it."""

    request: requests.GraphQLRequest
    tree: DocumentNode
    operation: Operation


@dataclass(frozen=True, slots=True)
class Expected:
    """What a mutation rests on. body: a query, as a request; holds: whether its data is still what it was."""

    body: bytes
    holds: Callable[[Mapping[str, Any]], bool]


class _RefusedError(Exception):
    """A request that is answered without running anything."""

    def __init__(self, failure: Failure, code: Code, *errors: GraphQLError) -> None:
        super().__init__(failure.name)
        self.failure = failure
        self.code = code
        self.errors = errors


@dataclass(slots=True)
class Api:
    """An executable schema on a database. keeper None: no webhook can be made or changed.

    terms: what is said of the server's tokens; None: nothing.
    sealing_key None: nothing that takes one is done: no access log is read, and an Idempotency-Key is not heeded.
    session_limits: where an organization sets no stricter ones. outbox None: nothing is done that writes a letter.
    metadata_reader None: no SAML connection is made.
    text_records None: DNS is not asked.
    """

    schema: GraphQLSchema
    database: Database
    clock: Clock
    keeper: Keeper | None = None
    sealing_key: bytes | None = field(default=None, repr=False)
    session_limits: Limits = LONGEST
    terms: Terms | None = None
    outbox: Outbox | None = None
    metadata_reader: ReadMetadata | None = None
    text_records: Look | None = None
    _documents: dict[str, _Document] = field(default_factory=dict)
    _characters: int = 0
    _paged: frozenset[str] = field(init=False)
    _access_key: bytes | None = field(default=None, init=False, repr=False)
    _repeats: Repeats | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._paged = paged_fields(self.schema)
        if self.sealing_key is not None:
            self._access_key = patients_key(self.sealing_key)
            self._repeats = Repeats(self.database, self.clock, self.sealing_key)

    def run(
        self,
        caller: Caller,
        body: bytes,
        idempotency_keys: Sequence[str] = (),
        *,
        expected: Expected | None = None,
        origin: Origin | None = None,
    ) -> Outcome:
        """Answers one request of an accepted caller; blocks its thread.

        idempotency_keys: the headers of that name. expected: what a mutation with a key is not done without. origin:
        what records say of the request.
        """
        try:
            asked = self._asked(body)
        except _RefusedError as refused:
            errors = [formatted(error, refused.code) for error in refused.errors[:ERRORS_LIMIT]]
            return Outcome(outcomes.encode({"errors": errors}), refused.failure)
        if asked.operation.kind is OperationType.MUTATION and idempotency_keys and self._repeats is not None:
            return self._run_once(self._repeats, caller, asked, idempotency_keys, expected=expected, origin=origin)
        context = self._context(caller, origin)
        try:
            if asked.operation.kind is OperationType.QUERY:
                whose = caller.subject.organization_id
                result = self.database.read(lambda tx: self._execute(asked, context.within(tx)), organization_id=whose)
            else:
                result = self._execute(asked, context)
        except DatabaseUnavailableError as error:
            result = ExecutionResult(None, [GraphQLError("", original_error=error)])
        return outcomes.of_result(result, asked.operation, context)

    def _run_once(
        self,
        repeats: Repeats,
        caller: Caller,
        asked: _Asked,
        idempotency_keys: Sequence[str],
        *,
        expected: Expected | None,
        origin: Origin | None,
    ) -> Outcome:
        """Runs a mutation in one transaction, with the record that its key was used."""
        try:
            key = idempotency.read_key(idempotency_keys)
        except idempotency.MalformedKeyError as error:
            return outcomes.refused(Failure.MALFORMED, Code.BAD_REQUEST, str(error))

        def execute(transaction: Transaction) -> tuple[Outcome, bool]:
            context = self._context(caller, origin).within(transaction)
            if expected is not None:
                there = self._execute(self._asked(expected.body), context).data
                if there is None or not expected.holds(there):
                    return _CHANGED, False
            result = self._execute(asked, context)
            for error in result.errors or ():
                if isinstance(error.original_error, (DatabaseUnavailableError, TryAgainError)):
                    raise error.original_error  # all of it is undone
            has_effect = outcomes.has_effect(result, asked.operation, context)
            return outcomes.of_result(result, asked.operation, context), has_effect

        try:
            return repeats.run(caller, key, asked.request, asked.operation, execute, origin=origin)
        except (DatabaseUnavailableError, NoOrganizationError) as error:
            result = ExecutionResult(None, [GraphQLError("", original_error=error)])
            return outcomes.of_result(result, asked.operation, self._context(caller, origin))

    def _context(self, caller: Caller, origin: Origin | None) -> Context:
        return Context(
            caller,
            self.clock,
            self.database,
            keeper=self.keeper,
            access_key=self._access_key,
            origin=origin,
            session_limits=self.session_limits,
            terms=self.terms,
            outbox=self.outbox,
            metadata_reader=self.metadata_reader,
            text_records=self.text_records,
        )

    def _execute(self, asked: _Asked, context: Context) -> ExecutionResult:
        return execute_sync(
            self.schema,
            asked.tree,
            context_value=context,
            variable_values=asked.request.variables,
            operation_name=asked.request.operation_name,
            hide_suggestions=True,
        )

    def _asked(self, body: bytes) -> _Asked:
        request = _request(body)
        document = self._document(request.query)
        return _Asked(request, document.tree, _operation(document, request.operation_name))

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


_CHANGED: Final = outcomes.refused(
    None, Code.CONFLICT, "What this rests on was changed meanwhile. Look at it again.", "changed_meanwhile"
)


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
