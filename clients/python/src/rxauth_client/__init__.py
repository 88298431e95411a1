"""rxauth for Python backends: machine tokens for your requests, and rxauth's tokens for your own API.

`MachineCredentials` gets tokens; `TokenVerifier` checks them. `rxauth_client.requests`, `rxauth_client.starlette` and
`rxauth_client.django` fit them to those libraries, and are imported by whoever has these.
"""

from rxauth_client.credentials import MachineCredentials
from rxauth_client.errors import (
    ForbiddenError,
    InvalidTokenError,
    OperationError,
    RxauthError,
    TokenRefusedError,
    UnavailableError,
    WrongOriginError,
)
from rxauth_client.operations import AsyncGraphQL, GraphQL, Operation
from rxauth_client.verification import Caller, TokenVerifier

__all__ = [
    "AsyncGraphQL",
    "Caller",
    "ForbiddenError",
    "GraphQL",
    "InvalidTokenError",
    "MachineCredentials",
    "Operation",
    "OperationError",
    "RxauthError",
    "TokenRefusedError",
    "TokenVerifier",
    "UnavailableError",
    "WrongOriginError",
]
