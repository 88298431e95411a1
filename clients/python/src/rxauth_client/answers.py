"""How your API says no: status, WWW-Authenticate and a body, alike in every framework (RFC 6750 §3)."""

from dataclasses import dataclass

from rxauth_client.errors import ForbiddenError, InvalidTokenError, RxauthError


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer. headers: by name."""

    status: int
    headers: dict[str, str]
    body: dict[str, str]


def refusal(error: RxauthError, *, was_sent: bool) -> Refusal:
    """Returns the answer to a request that is refused. was_sent: whether it had any credentials at all."""
    body = {"error": error.code, "error_description": str(error)}
    if isinstance(error, InvalidTokenError):
        # Who sent nothing is told how, and not that it was wrong (RFC 6750 §3.1).
        challenge = f'Bearer error="{error.code}", error_description="{error}"' if was_sent else "Bearer"
        return Refusal(401, {"WWW-Authenticate": challenge}, body)
    if isinstance(error, ForbiddenError):
        challenge = f'Bearer error="{error.code}", scope="{" ".join(error.permissions)}"'
        return Refusal(403, {"WWW-Authenticate": challenge}, body)
    return Refusal(503, {"Retry-After": "1"}, body)
