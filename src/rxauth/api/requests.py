"""What a GraphQL request over HTTP says (GraphQL over HTTP, §Request)."""

from typing import Any, Final

import msgspec


class MalformedBodyError(Exception):
    """The body is not JSON, or an array of requests; str() says which."""


class NotARequestError(Exception):
    """The body is JSON, and no request."""


class GraphQLRequest(msgspec.Struct, frozen=True):
    """One request: a document, the name of one of its operations, and variables."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    extensions: dict[str, Any] | None = None


_DECODER: Final = msgspec.json.Decoder(GraphQLRequest)


def parse(body: bytes) -> GraphQLRequest:
    """Reads a request.

    Raises:
        MalformedBodyError, NotARequestError: see there.
    """
    if body.lstrip()[:1] == b"[":
        raise MalformedBodyError("An array of requests is not accepted: send one request at a time.")
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise NotARequestError(f"The body is not a GraphQL request: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedBodyError("The body is not JSON.") from None
