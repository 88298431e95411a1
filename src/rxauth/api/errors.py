"""The API's errors: the codes that clients can rely on, and what becomes of an exception."""

import re
from enum import StrEnum
from typing import Any, Final

from graphql import GraphQLError

from rxauth.domain.audit import Event
from rxauth.domain.errors import AbsentError, DomainError, ExistsError, InvalidError, RefusedError, StaleError
from rxauth.domain.providers import AuthorityRefusedError
from rxauth.policy import prescribing
from rxauth.policy.assurance import Wanted
from rxauth.policy.authority import Refusal
from rxauth.policy.decide import Insufficient
from rxauth.policy.subjects import NoOrganizationError, NotAPersonError
from rxauth.storage.database import ConflictError, DatabaseUnavailableError, OutcomeUnknownError, UnacceptableValueError

ERRORS_LIMIT: Final = 50


class Code(StrEnum):
    """`extensions.code` of an error."""

    BAD_REQUEST = "BAD_REQUEST"
    EMPTY_AUTHORIZATION_HEADER = "EMPTY_AUTHORIZATION_HEADER"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105
    FORBIDDEN = "FORBIDDEN"
    STEP_UP = "INSUFFICIENT_USER_AUTHENTICATION"
    SYNTAX = "GRAPHQL_PARSE_FAILED"
    VALIDATION = "GRAPHQL_VALIDATION_FAILED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    PATIENT_STATE_UNKNOWN = "PATIENT_STATE_UNKNOWN"
    CONTROLLED_SUBSTANCE = "CONTROLLED_SUBSTANCE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_KEY_IN_USE = "IDEMPOTENCY_KEY_IN_USE"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL_SERVER_ERROR"


MEANINGS: Final = {
    Code.BAD_REQUEST: "The request is not one that this endpoint reads. The message says what is wrong with it.",
    Code.EMPTY_AUTHORIZATION_HEADER: "No token was sent. Get one from /oauth/token and send it in Authorization.",
    Code.INVALID_TOKEN: "The token is malformed, expired, revoked or for another API. Get a new one.",
    Code.FORBIDDEN: "`requiredPermission` is lacking, and `reason` says why; where none is named, an organization is.",
    Code.STEP_UP: "The person must sign in again, with the `acr_values` and `max_age` that the error names.",
    Code.SYNTAX: "The document is not GraphQL.",
    Code.VALIDATION: "The document does not fit the schema.",
    Code.LIMIT_EXCEEDED: "The document asks for too much at once. Ask for less, or in several requests.",
    Code.BAD_USER_INPUT: "A value is not acceptable. `field` says which, and the message what is allowed.",
    Code.NOT_FOUND: "There is no such thing in this organization. `field` names the argument that asked for it.",
    Code.CONFLICT: "It is there already: change `field`. Or what there is does not allow it now: `reason` says why.",
    Code.PATIENT_STATE_UNKNOWN: "The patient's address names no state, so nobody can say which licence it takes.",
    Code.CONTROLLED_SUBSTANCE: "The treatment has a DEA schedule, and controlled substances are not prescribed here.",
    Code.IDEMPOTENCY_KEY_REUSED: "The `Idempotency-Key` was used for another request. Take a new one.",
    Code.IDEMPOTENCY_KEY_IN_USE: "A request with the `Idempotency-Key` is under way. Try again after `Retry-After`.",
    Code.TOO_MANY_REQUESTS: "A quota of this minute is used up. Nothing was done; try again after `Retry-After`.",
    Code.UNAVAILABLE: "The server cannot reach its database. Nothing was done, unless it says that nobody knows.",
    Code.INTERNAL: "Something unexpected happened; the server's log has it.",
}

_AWAY: Final = "The server cannot reach its database. Nothing was done; try again."
_UNKNOWN: Final = "The connection to the database broke at the last moment: nobody knows whether anything was done."
_DOMAIN_CODES: Final[dict[type[DomainError], Code]] = {
    AbsentError: Code.NOT_FOUND,
    InvalidError: Code.BAD_USER_INPUT,
    ExistsError: Code.CONFLICT,
    StaleError: Code.CONFLICT,
}

# Why an act on an authority or a member is refused: for where it stands, or for who acts.
_NOT_NOW: Final = frozenset(
    {"wrong_state", "nothing_asked", "proposal_too_old", "proposal_stale", "proposer_lost_permission"}
)
_NOT_YOU: Final = frozenset(
    {
        *("permission_missing", "needs_person", "same_person", "own_authority", "operator_not_alone"),
        *("role_exceeds", "works_elsewhere", "own_factors"),
    }
)
# The library quotes a whole input in which a member is missing, and personal data with it.
_VALUES: Final = re.compile(r", found: \{.*", re.DOTALL)
# Which variable the library refuses, and where in it: Variable '$prescriptions' has invalid value at [1].notes: ...
_VARIABLE: Final = re.compile(r"Variable '\$(?P<name>\w+)' has invalid value(?: at \.?(?P<path>[\w.\[\]]+))?:")
_REFUSAL_CODES: Final = {
    "patient_absent": Code.NOT_FOUND,
    "patient_state_unknown": Code.PATIENT_STATE_UNKNOWN,
    "controlled_substance": Code.CONTROLLED_SUBSTANCE,
}
# What of a prescription a refusal is about, where it is not who asks.
_REFUSED_FIELDS: Final = {
    "patient_absent": "patientId",
    "patient_state_unknown": "patientId",
    "controlled_substance": "treatmentId",
}


class ForbiddenError(Exception):
    """A field asks for a permission that the caller does not have. event: what is recorded of it, if no rule says."""

    def __init__(self, insufficient: Insufficient, event: Event | None = None) -> None:
        self.permissions = insufficient.wanted
        self.event = event
        self.reason = insufficient.refusal.code
        super().__init__(f"Needs {' or '.join(insufficient.wanted)}: {insufficient.refusal.reason}.")


class StepUpError(Exception):
    """An act wants to be surer of who is there than the token can make it (RFC 9470 §3)."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        super().__init__("Sign in again, and prove a second factor, to do this.")


class ThirdPartyError(Exception):
    """An application of somebody else asks for what only the person and the organization's own applications see."""


class PrescriptionRefusedError(Exception):
    """The caller may not write a prescription. index: its place among several; None: it was the only one."""

    def __init__(self, refusal: Refusal, index: int | None) -> None:
        self.refusal = refusal
        refused = InvalidError(refusal.reason, _REFUSED_FIELDS.get(refusal.code))
        if index is not None:
            refused = refused.within(f"prescriptions[{index}]")
        self.field = refused.field
        super().__init__(str(refused))

    @property
    def code(self) -> Code:
        """The code for clients: what is no matter of permission has one of its own."""
        return _REFUSAL_CODES.get(self.refusal.code, Code.FORBIDDEN)


class WriterRefusedError(Exception):
    """Who wrote a prescription may not have it dispensed any more. where: the fill of it."""

    def __init__(self, refusal: Refusal, where: str) -> None:
        self.refusal = refusal
        super().__init__(f"{where}: who wrote the prescription may not any more: {refusal.reason}")

    @property
    def code(self) -> Code:
        """The code for clients: whoever asks lacks nothing, so it is never FORBIDDEN."""
        return _REFUSAL_CODES.get(self.refusal.code, Code.CONFLICT)


class LimitExceededError(Exception):
    """A document asks for more than a request may."""


# What no permission would open.
_NOT_FOR_THEM: Final[dict[type[Exception], str]] = {
    NoOrganizationError: "Needs an organization: sign in to one of yours.",
    NotAPersonError: "Needs a person who signed in: a machine works for one organization.",
    ThirdPartyError: "Needs an application of the organization itself: this one was only agreed to.",
}


def formatted(error: GraphQLError, default: Code) -> dict[str, Any]:
    """Returns one error as clients read it; what nobody expected keeps its text to itself."""
    code, message, extra = _classified(error, default)
    shown: dict[str, Any] = {"message": message, "extensions": {"code": code, **extra}}
    if error.locations:
        shown["locations"] = [location.formatted for location in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def code_of(error: GraphQLError, default: Code) -> Code:
    """Returns the code that `formatted` gives an error."""
    return _classified(error, default)[0]


def _classified(error: GraphQLError, default: Code) -> tuple[Code, str, dict[str, Any]]:
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return default, _VALUES.sub(".", error.message), _of_variable(error.message)
    if isinstance(cause, ForbiddenError):
        return Code.FORBIDDEN, str(cause), {"requiredPermission": cause.permissions[0], "reason": cause.reason}
    if isinstance(cause, PrescriptionRefusedError):
        return cause.code, str(cause), _why(cause)
    if isinstance(cause, WriterRefusedError):
        return cause.code, str(cause), {"reason": cause.refusal.code}
    if isinstance(cause, StepUpError):
        wanted = cause.wanted
        return Code.STEP_UP, str(cause), {"acr_values": wanted.acr, "max_age": wanted.max_age_s}
    if type(cause) in _NOT_FOR_THEM:
        return Code.FORBIDDEN, _NOT_FOR_THEM[type(cause)], {}
    if isinstance(cause, AuthorityRefusedError):
        return _of_authority(cause), str(cause), {"reason": cause.code}
    if isinstance(cause, RefusedError):
        return Code.FORBIDDEN if cause.code in _NOT_YOU else Code.CONFLICT, str(cause), {"reason": cause.code}
    if isinstance(cause, DomainError):
        return _DOMAIN_CODES.get(type(cause), Code.BAD_USER_INPUT), str(cause), _of_domain(cause)
    if isinstance(cause, UnacceptableValueError):
        return Code.BAD_USER_INPUT, "A text has characters that no text has, such as a NUL.", {}
    if isinstance(cause, ConflictError):
        return Code.CONFLICT, "Something like it is there already.", {}
    if isinstance(cause, DatabaseUnavailableError):
        return Code.UNAVAILABLE, _UNKNOWN if isinstance(cause, OutcomeUnknownError) else _AWAY, {}
    return Code.INTERNAL, "Something unexpected happened.", {}


def _of_domain(cause: DomainError) -> dict[str, Any]:
    return {"reason": "changed_meanwhile"} if isinstance(cause, StaleError) else _at(cause.field)


def _at(field: str | None) -> dict[str, Any]:
    """Says where the refused value stands, if one value is refused."""
    return {} if field is None else {"field": field}


def _of_variable(message: str) -> dict[str, Any]:
    found = _VARIABLE.match(message)
    if found is None:
        return {}
    name, path = found["name"], found["path"]
    return _at(name if path is None else f"{name}{'' if path.startswith('[') else '.'}{path}")


def _why(cause: PrescriptionRefusedError) -> dict[str, Any]:
    reason = {"reason": cause.refusal.code, **_at(cause.field)}
    return {"requiredPermission": prescribing.PERMISSION, **reason} if cause.code is Code.FORBIDDEN else reason


def _of_authority(cause: AuthorityRefusedError) -> Code:
    """Returns the code of a refused act on an authority; what is wrong with the facts is the caller's input."""
    if cause.code in _NOT_YOU:
        return Code.FORBIDDEN
    return Code.CONFLICT if cause.code in _NOT_NOW else Code.BAD_USER_INPUT
