"""Runs GraphQL operations with machine credentials: `GraphQL(credentials).run(documents.get_patients(first=10))`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast

import httpx

from rxauth_client.credentials import MachineCredentials
from rxauth_client.errors import InvalidTokenError, OperationError, UnavailableError
from rxauth_client.exchange import retry_after_s

Data = TypeVar("Data")
_ACCEPT: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Operation(Generic[Data]):
    """One operation, and the type of its answer. `documents` has some; make your own alike.

    name: in the document. variables: those that are None are not sent.
    """

    name: str
    document: str
    variables: Mapping[str, Any] = field(repr=False)


class GraphQL:
    """The server's API, for threads. timeout_s: of one operation."""

    def __init__(self, credentials: MachineCredentials, *, timeout_s: float = 30.0) -> None:
        self._url = credentials.issuer + "graphql"
        self._client = httpx.Client(auth=credentials.auth, timeout=timeout_s)

    def run(self, operation: Operation[Data], *, idempotency_key: str | None = None) -> Data:
        """Runs an operation. idempotency_key: a mutation that is sent again with it is done once.

        Raises:
            OperationError, InvalidTokenError, TokenRefusedError, UnavailableError: see there.
        """
        try:
            answer = self._client.post(self._url, json=_body(operation), headers=_headers(idempotency_key))
        except httpx.TransportError:
            raise _unreachable() from None
        return cast("Data", _data(answer))

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()


class AsyncGraphQL:
    """The server's API, for tasks. timeout_s: of one operation."""

    def __init__(self, credentials: MachineCredentials, *, timeout_s: float = 30.0) -> None:
        self._url = credentials.issuer + "graphql"
        self._client = httpx.AsyncClient(auth=credentials.auth, timeout=timeout_s)

    async def run(self, operation: Operation[Data], *, idempotency_key: str | None = None) -> Data:
        """Runs an operation; see `GraphQL.run`."""
        body, headers = _body(operation), _headers(idempotency_key)
        try:
            answer = await self._client.post(self._url, json=body, headers=headers)
        except httpx.TransportError:
            raise _unreachable() from None
        return cast("Data", _data(answer))

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()


def _body(operation: Operation[Any]) -> dict[str, Any]:
    variables = {name: value for name, value in operation.variables.items() if value is not None}
    return {"query": operation.document, "operationName": operation.name, "variables": variables}


def _headers(idempotency_key: str | None) -> dict[str, str]:
    return {"accept": _ACCEPT} | ({} if idempotency_key is None else {"idempotency-key": idempotency_key})


def _unreachable() -> UnavailableError:
    return UnavailableError("The server cannot be reached. Whether the operation was done is not known.")


def _data(answer: httpx.Response) -> Mapping[str, Any]:
    """Returns what an operation answered.

    Raises:
        OperationError, InvalidTokenError, UnavailableError: see there.
    """
    try:
        content = answer.json()
        errors, data = content.get("errors"), content.get("data")
    except (ValueError, AttributeError):
        raise UnavailableError(f"The server answers {answer.status_code}, and no GraphQL.") from None
    if answer.status_code == 401:
        raise InvalidTokenError(str(errors[0].get("message")) if errors else "The token was refused.")
    if answer.status_code == 503:
        raise UnavailableError("The server is not available. Nothing was done.", retry_after_s(answer.headers))
    if errors:
        raise OperationError(errors, data)
    return cast("Mapping[str, Any]", data)
