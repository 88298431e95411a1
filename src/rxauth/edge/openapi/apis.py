"""Descriptions of the GraphQL API and of the pharmacy network's reports."""

from typing import Final

from rxauth.api.errors import Code
from rxauth.edge.errors import UnsupportedMediaTypeError
from rxauth.edge.http_pharmacy_network import SIGNATURE, TIMESTAMP
from rxauth.edge.openapi.parts import (
    FLAG,
    JSON,
    OF_ALL,
    OF_BODIES,
    OF_JSON,
    SHARED,
    TEXT,
    Json,
    answer,
    codes_of,
    named,
    objects,
    parameters,
    refusals,
)
from rxauth.edge.pharmacy_network import MalformedReportError, UnprovenReportError
from rxauth.oauth.errors import InsufficientScopeError, InsufficientUserAuthenticationError, InvalidTokenError

GRAPHQL_JSON: Final = "application/graphql-response+json"
_BOTH: Final = (JSON, GRAPHQL_JSON)
# Which codes an answer with each status has; with 200 the document was answered, and parts of it may have failed.
_STATUSES: Final = {
    "400": ("The request, or its document, cannot be read.", (Code.BAD_REQUEST, Code.SYNTAX)),
    "401": (
        "No token, one that is not accepted, or the person must sign in again.",
        (Code.EMPTY_AUTHORIZATION_HEADER, Code.INVALID_TOKEN, Code.STEP_UP),
    ),
    "403": ("No field could run for lack of a permission.", (Code.FORBIDDEN,)),
    "408": ("The body did not arrive in time.", (Code.BAD_REQUEST,)),
    "409": ("A request with this Idempotency-Key is under way.", (Code.IDEMPOTENCY_KEY_IN_USE,)),
    "413": ("The body is too large.", (Code.BAD_REQUEST,)),
    "415": ("The body is not application/json.", (Code.BAD_REQUEST,)),
    "422": (
        "The document does not fit the schema, or the Idempotency-Key was used for another request.",
        (Code.BAD_REQUEST, Code.VALIDATION, Code.LIMIT_EXCEEDED, Code.BAD_USER_INPUT, Code.IDEMPOTENCY_KEY_REUSED),
    ),
    "429": ("A quota of this minute is used up. Nothing was done.", (Code.TOO_MANY_REQUESTS,)),
    "500": ("Something unexpected happened; the log has it.", (Code.INTERNAL,)),
    "503": ("The database cannot be reached. Nothing was done, unless it says that nobody knows.", (Code.UNAVAILABLE,)),
}
_OF_CHALLENGES: Final = (InvalidTokenError, InsufficientScopeError, InsufficientUserAuthenticationError)


def _errors(codes: tuple[Code, ...]) -> Json:
    extensions = objects({"code": {"enum": [str(one) for one in codes]}}, more=True)
    error = objects({"message": TEXT}, {"extensions": extensions, "path": {"type": "array"}}, more=True)
    return {"type": "array", "items": error, "minItems": 1}


SCHEMAS: Final[Json] = {
    "GraphQLRequest": {
        **objects(
            {
                "query": {
                    **TEXT,
                    "description": "A GraphQL document. Its types are in the .graphql files and the reference.",
                }
            },
            {
                "variables": {"type": ["object", "null"]},
                "operationName": {"type": ["string", "null"]},
                "extensions": {"type": ["object", "null"]},
            },
            more=True,
        ),
    },
    "GraphQLAnswer": objects({}, {"data": {"type": ["object", "null"]}, "errors": _errors(tuple(Code))}),
    "Report": objects(
        {
            "dispatchId": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,64}$"},
            "state": {
                "enum": ["ACCEPTED", "REFUSED", "RECEIVED", "READY", "PICKED_UP", "FILLING", "SHIPPED", "DELIVERED"]
            },
        },
        {
            "reason": {"type": "string", "description": "A code; a report of REFUSED has one."},
            "message": TEXT,
            "carrier": TEXT,
            "trackingNumber": TEXT,
        },
        more=True,
    ),
}


def graphql() -> Json:
    """Describes the API."""
    asked = {
        "Accept": f"{GRAPHQL_JSON}: a status that says what happened. Anything else: 200 for every document.",
        "Idempotency-Key": "Up to 255 characters; the same request with it is done once.",
    }
    answers = {}
    for status, (meaning, codes) in _STATUSES.items():
        headers = [
            *SHARED,
            *(["WWW-Authenticate"] if status in {"400", "401", "403"} else []),
            *(["Retry-After"] if status in {"409", "429", "503"} else []),
        ]
        # A refusal before the document is read is application/json whatever is accepted.
        schema = objects({"errors": _errors(codes)}, {"data": {"type": ["object", "null"]}})
        answers[status] = answer(
            meaning, headers, dict.fromkeys(_BOTH, schema), status=status if status in {"429", "503"} else ""
        )
    for error in _OF_CHALLENGES:
        answers[str(error.status)].setdefault("x-error-codes", []).append(error.code)
    return {
        "operationId": "graphql",
        "summary": "Run an operation of the Clinical and Management APIs",
        "description": (
            "GraphQL over HTTP. Which permission each field needs is in the reference. "
            f"WWW-Authenticate names {', '.join(codes_of(*_OF_CHALLENGES))}."
        ),
        "tags": ["API"],
        "security": [{"access_token": []}],
        "parameters": parameters("header", {"Idempotency-Key": asked["Idempotency-Key"]}),
        "requestBody": {"required": True, "content": {JSON: {"schema": named("GraphQLRequest")}}},
        "responses": {
            "200": answer(asked["Accept"], SHARED, dict.fromkeys(_BOTH, named("GraphQLAnswer"))),
            **answers,
        },
    }


def reports() -> Json:
    """Describes what the pharmacy network says of orders."""
    signed = {
        TIMESTAMP: "Unix seconds, of this moment.",
        SIGNATURE: "HMAC-SHA256 over timestamp, a dot and the body, in hexadecimal.",
    }
    errors = (MalformedReportError, UnprovenReportError, UnsupportedMediaTypeError, *OF_BODIES, *OF_ALL)
    return {
        "operationId": "pharmacyReport",
        "summary": "Report of an order that was sent to a pharmacy",
        "description": "From the pharmacy network, if one is set. The signature is the only proof.",
        "tags": ["Pharmacy network"],
        "security": [],
        "parameters": parameters("header", signed, TIMESTAMP, SIGNATURE),
        "requestBody": {"required": True, "content": {JSON: {"schema": named("Report")}}},
        "responses": {
            "200": answer("Whether the report said something new.", OF_JSON, {JSON: objects({"applied": FLAG})}),
            "404": answer(
                "No such order, or no network is set.", OF_JSON, {JSON: _coded("unknown_dispatch", "not_found")}
            ),
            "409": answer("The order's state does not allow it.", OF_JSON, {JSON: _coded("not_allowed")}),
            **refusals(OF_JSON, *errors),
        },
    }


def _coded(*codes: str) -> Json:
    return objects({"error": {"enum": list(codes)}, "error_description": TEXT})
