"""Bytes to typed requests: sizes, encodings and repeated names are refused here."""

import asyncio
import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from rxauth.edge.errors import BodyTimeoutError, BodyTooLargeError, DisconnectedError, UnsupportedMediaTypeError
from rxauth.edge.guards import BODY_LIMIT_BYTES, BODY_TIMEOUT_S, network_of
from rxauth.edge.proxies import Proxies
from rxauth.oauth.errors import InvalidRequestError
from rxauth.oauth.requests import TokenRequest

FIELDS_LIMIT: Final = 50
VALUE_LIMIT_CHARACTERS: Final = 8_192
WHOLE_BODY: Final = "rxauth.whole_body"  # an extension of ASGI: the body, or None if some of it has still to come
_NO_PROXIES: Final = Proxies()
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 9110 §11.2


class Request:
    """One HTTP request: its headers by lower-case name, its origin, and an identifier for logs and answers."""

    __slots__ = ("_receive", "_scope", "client_id", "network", "request_id")

    def __init__(self, scope: Scope, receive: Receive, proxies: Proxies = _NO_PROXIES) -> None:
        self._scope = scope
        self._receive = receive
        self.network = network_of(proxies.address(scope))
        self.request_id = proxies.request_id(scope)
        # Who the request says it comes from, once that was read: the origin of its pages may read the answer.
        self.client_id: str | None = None

    @property
    def method(self) -> str:
        """Returns the method."""
        return str(self._scope["method"])

    @property
    def path(self) -> str:
        """The path, as it was sent."""
        return bytes(self._scope["raw_path"]).decode("ascii")

    @property
    def parts(self) -> list[str]:
        """The names that the URL table gives to parts of the path."""
        return list(self._scope.get("path_params", ()))

    def part(self, name: str) -> str:
        """Returns a part of the path that the URL table gives a name."""
        return str(self._scope["path_params"][name])

    @property
    def query(self) -> bytes:
        """What follows the question mark, as it was sent."""
        return bytes(self._scope["query_string"])

    def headers(self, name: bytes) -> list[str]:
        """Returns every value of a header."""
        return [value.decode("latin-1") for key, value in self._scope["headers"] if key == name]

    def header(self, name: bytes) -> str | None:
        """Returns the first value of a header, or None."""
        for key, value in self._scope["headers"]:
            if key == name:
                return str(value.decode("latin-1"))
        return None

    def media_type(self) -> str:
        """Returns the content type without its parameters, in lower case; empty if there is none."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    async def body(self) -> bytes:
        """Reads the body.

        Raises:
            BodyTooLargeError, BodyTimeoutError, DisconnectedError: see there.
        """
        declared = self.header(b"content-length")
        if declared is not None and int(declared) > BODY_LIMIT_BYTES:
            raise BodyTooLargeError
        whole = self._scope.get("extensions", {}).get(WHOLE_BODY, _unknown)()
        if whole is not None:
            if len(whole) > BODY_LIMIT_BYTES:
                raise BodyTooLargeError
            return bytes(whole)
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await self._whole_body()
        except TimeoutError:
            raise BodyTimeoutError from None

    async def _whole_body(self) -> bytes:
        body = b""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise DisconnectedError
            body += bytes(message.get("body", b""))
            if len(body) > BODY_LIMIT_BYTES:
                raise BodyTooLargeError
            if not message.get("more_body"):
                return body


async def token_request(request: Request) -> TokenRequest:
    """Reads a request to the token endpoint, from a form or from JSON.

    Raises:
        InvalidRequestError: anything that is not a list of different names with one text each (RFC 6749 §3.2).
    """
    if request.query:
        raise InvalidRequestError("Parameters go in the body; a URL ends up in logs.")
    authorizations = request.headers(b"authorization")
    if len(authorizations) > 1:
        raise InvalidRequestError("There is more than one Authorization header.")
    body = await request.body()
    media_type = request.media_type()
    if media_type == "application/json":
        parameters = _json_parameters(body)
    elif media_type == "application/x-www-form-urlencoded":
        parameters = _form_parameters(body)
    else:
        raise InvalidRequestError("The body is application/x-www-form-urlencoded or application/json.")
    authorization = authorizations[0] if authorizations else None
    return TokenRequest(parameters, authorization, request.network, request.request_id)


def bearer(request: Request) -> str | None:
    """Returns the token of the Authorization header, as `Bearer <token>` or bare; None if no token was sent.

    Raises:
        InvalidRequestError: two headers, an empty Bearer, or several words (RFC 6750 §3.1).
    """
    values = request.headers(b"authorization")
    if not values:
        return None
    if len(values) > 1:
        raise InvalidRequestError("There is more than one Authorization header.")
    scheme, space, token = values[0].strip().partition(" ")
    if not space:
        if scheme.lower() == "bearer" or not scheme:
            raise InvalidRequestError("The Authorization header has no token after Bearer.")
        scheme, token = "bearer", scheme
    if scheme.lower() != "bearer":
        return None
    token = token.strip()
    if " " in token:
        raise InvalidRequestError("The Authorization header has more than one word after Bearer.")
    if _TOKEN68.fullmatch(token) is None:
        raise InvalidRequestError("The token has characters that no token has.")
    return token


def require_json(request: Request) -> None:
    """Checks that the body claims to be JSON, which no form of a foreign page can.

    Raises:
        UnsupportedMediaTypeError: it claims something else, or nothing.
    """
    if request.media_type() != "application/json":
        raise UnsupportedMediaTypeError


def _unknown() -> None:
    return None


def _form_parameters(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_LIMIT, encoding="utf-8", errors="strict"
        )
    except ValueError:
        raise InvalidRequestError("The body is not a form of at most 50 fields in UTF-8.") from None
    return _unique(pairs)


def _json_parameters(body: bytes) -> dict[str, str]:
    try:
        value = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        raise InvalidRequestError("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidRequestError("The body is not a JSON object.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, str]:
    """Refuses repeated names and values that are no text; leaves out what is empty (RFC 6749 §3.2)."""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if not isinstance(value, str):
            raise InvalidRequestError("Every value is a text; one is not.")
        if name in parameters:
            raise InvalidRequestError("A parameter is repeated.")
        if len(value) > VALUE_LIMIT_CHARACTERS:
            raise InvalidRequestError("A parameter is longer than 8192 characters.")
        parameters[name] = value
    if len(parameters) > FIELDS_LIMIT:
        raise InvalidRequestError("There are more than 50 parameters.")
    return {name: value for name, value in parameters.items() if value}


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique)  # json.loads makes one for each text
