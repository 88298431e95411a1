"""What can go wrong: one class for each outcome that a caller can tell apart, and no secret in any of them."""

from collections.abc import Mapping
from typing import Any


class RxauthError(Exception):
    """Everything that this library raises. code: a word that does not change; str() says what to do."""

    code = "error"


class TokenRefusedError(RxauthError):
    """The server gave no token, and asking again with the same credentials would not help (RFC 6749 §5.2).

    code: the server's, such as invalid_client. description: what it said.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class UnavailableError(RxauthError):
    """The server cannot be reached, or asks for patience. retry_after_s: for how long, None if it did not say."""

    code = "unavailable"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WrongOriginError(RxauthError):
    """A request with rxauth's credentials was about to go somewhere else. It was not sent."""

    code = "wrong_origin"

    def __init__(self, origin: str) -> None:
        super().__init__(f"No token goes to {origin}: name it in `origins` if it is an API of yours.")


class InvalidTokenError(RxauthError):
    """A request to your API has no token that holds: answer 401. str() is for the client (RFC 6750 §3.1)."""

    code = "invalid_token"


class ForbiddenError(RxauthError):
    """The token lacks a permission: answer 403. permissions: those of which any one would have been enough."""

    code = "insufficient_scope"

    def __init__(self, permissions: tuple[str, ...]) -> None:
        super().__init__(f"Needs {' or '.join(permissions)}.")
        self.permissions = permissions


class OperationError(RxauthError):
    """A GraphQL operation failed. errors: as listed; code, field, reason: of the first; data: what ran."""

    def __init__(self, errors: list[Mapping[str, Any]], data: Mapping[str, Any] | None) -> None:
        first = errors[0]
        extensions = first.get("extensions") or {}
        super().__init__(str(first.get("message")))
        self.code = str(extensions.get("code", "error"))
        self.field: str | None = extensions.get("field")
        self.reason: str | None = extensions.get("reason")
        self.errors = errors
        self.data = data
