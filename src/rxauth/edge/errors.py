"""The one place where an exception becomes a status code."""

from typing import Final

import structlog

from rxauth.crypto.jws import SignerUnavailableError
from rxauth.edge.quotas import QuotaUsedUpError
from rxauth.edge.responses import Answer, json_answer
from rxauth.logs import frames
from rxauth.oauth.errors import (
    InvalidClientError,
    InvalidRequestError,
    OAuthError,
    ServerError,
    TemporarilyUnavailableError,
    TooManyRequestsError,
)
from rxauth.storage.database import DatabaseUnavailableError, OutcomeUnknownError

REALM: Final = "rxauth"
UNKNOWN: Final = "The connection to the database broke at the last moment: nobody knows whether anything was done."
RETRY_AFTER: Final = (b"retry-after", b"2")
_log = structlog.get_logger("rxauth.edge")


class BodyTooLargeError(InvalidRequestError):
    """The body has more bytes than any request needs."""

    status = 413
    section = "RFC 9110 §15.5.14"

    def __init__(self) -> None:
        super().__init__("The body is larger than 256 KiB.")


class BodyTimeoutError(InvalidRequestError):
    """The body did not arrive in time."""

    status = 408
    section = "RFC 9110 §15.5.9"

    def __init__(self) -> None:
        super().__init__("The body did not arrive within 10 seconds.")


class UnsupportedMediaTypeError(InvalidRequestError):
    """The body is of a type that the endpoint does not read."""

    status = 415
    section = "RFC 9110 §15.5.16"

    def __init__(self) -> None:
        super().__init__("The body must be application/json.")


class DisconnectedError(Exception):
    """The client went away before its request was whole."""


def as_oauth_error(error: Exception, request_id: str) -> OAuthError:
    """Returns what an exception means in the protocol's terms; what nobody expected is logged, once, with its id."""
    if isinstance(error, OAuthError):
        return error
    if isinstance(error, OutcomeUnknownError):
        log_unavailable(request_id)
        return TemporarilyUnavailableError(f"{UNKNOWN} Try again.")
    if isinstance(error, DatabaseUnavailableError):
        log_unavailable(request_id)
        return TemporarilyUnavailableError("The server cannot reach its database. Nothing was done; try again.")
    if isinstance(error, SignerUnavailableError):
        _log.warning("signer_unavailable", request_id=request_id, reason=str(error))
        return TemporarilyUnavailableError("The server cannot reach its signing keys. Nothing was done; try again.")
    log_unexpected(error, request_id)
    return ServerError(f"Something unexpected happened; the log has it under {request_id}.")


def log_unavailable(request_id: str) -> None:
    """Logs that a request could not be answered for want of the database."""
    _log.warning("database_unavailable", request_id=request_id)


def log_unexpected(error: Exception, request_id: str) -> None:
    """Logs what nobody expected, under the identifier that the client was told."""
    _log.error("unexpected_error", request_id=request_id, error=type(error).__name__, frames=frames(error))


def token_endpoint_answer(error: Exception, request_id: str) -> Answer:
    """Answers a failed token request (RFC 6749 §5.2)."""
    known = as_oauth_error(error, request_id)
    headers = retry_after(known)
    if isinstance(known, InvalidClientError):
        headers.append((b"www-authenticate", f'Basic realm="{REALM}"'.encode()))
    content = {"error": known.code, "error_description": known.description}
    return json_answer(known.status, content, *headers)


def challenge(error: OAuthError | None) -> tuple[bytes, bytes]:
    """Returns the WWW-Authenticate header of an API (RFC 6750 §3); None: no token was sent."""
    if error is None:
        return b"www-authenticate", f'Bearer realm="{REALM}"'.encode()
    attributes = f'Bearer realm="{REALM}", error="{error.code}", error_description="{error.description}"'
    return b"www-authenticate", attributes.encode()


def api_answer(error: Exception, request_id: str) -> Answer:
    """Answers an API request that did not get as far as GraphQL, in GraphQL's shape all the same."""
    known = as_oauth_error(error, request_id)
    headers = retry_after(known)
    if known.code in {"invalid_token", "insufficient_scope"} or known.status == 400:
        headers.append(challenge(known))
    code = _API_CODES.get((known.code, known.status), "BAD_REQUEST")
    content = {"errors": [{"message": known.description, "extensions": {"code": code}}]}
    return json_answer(known.status, content, *headers)


_API_CODES: Final = {
    ("invalid_token", 401): "INVALID_TOKEN",
    ("temporarily_unavailable", 429): "TOO_MANY_REQUESTS",
    ("temporarily_unavailable", 503): "UNAVAILABLE",
    ("server_error", 500): "INTERNAL_SERVER_ERROR",
}


def bearer_answer(error: Exception, request_id: str) -> Answer:
    """Answers a failed request to an endpoint that takes a token, and is not the API (RFC 6750 §3)."""
    known = as_oauth_error(error, request_id)
    headers = retry_after(known)
    if known.code in {"invalid_token", "insufficient_scope"} or known.status == 400:
        name, value = challenge(known)
        headers.append((name, value + (b', scope="openid"' if known.code == "insufficient_scope" else b"")))
    return json_answer(known.status, {"error": known.code, "error_description": known.description}, *headers)


def no_bearer_answer() -> Answer:
    """Answers a request without a token to an endpoint that takes one (RFC 6750 §3.1: no error attribute)."""
    told = "An access token is not present: send Authorization: Bearer <access token>."
    return json_answer(401, {"error": "invalid_request", "error_description": told}, challenge(None))


def no_token_answer() -> Answer:
    """Answers an API request without a token (RFC 6750 §3.1: no error attribute)."""
    message = "An authentication token is not present: send Authorization: Bearer <access token>."
    content = {"errors": [{"message": message, "extensions": {"code": "EMPTY_AUTHORIZATION_HEADER"}}]}
    return json_answer(401, content, challenge(None))


def retry_after(error: OAuthError) -> list[tuple[bytes, bytes]]:
    """Returns the header that says when to try again, if that is known (RFC 9110 §10.2.3)."""
    if isinstance(error, TooManyRequestsError):
        said = error.allowance.headers() if isinstance(error, QuotaUsedUpError) else []
        return [(b"retry-after", str(error.retry_after_s).encode()), *said]
    if isinstance(error, TemporarilyUnavailableError):
        return [RETRY_AFTER]
    return []
