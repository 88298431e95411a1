"""The exchange that a page tries: the token endpoint itself, in process, with what somebody typed into a form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rxauth.crypto import jws
from rxauth.edge import token
from rxauth.edge.context import Edge
from rxauth.edge.errors import token_endpoint_answer
from rxauth.edge.requests import Request
from rxauth.edge.settings.fields import Fields
from rxauth.oauth.requests import TokenRequest

SHOWN_CHARACTERS: Final = 12  # of a token's beginning and end
_OK: Final = 200
_SENT: Final = ("client_id", "client_secret", "audience", "scope")


@dataclass(frozen=True, slots=True)
class Tried:
    """What an exchange came to. request: its body, without the secret. claims None: there is no token.

    body: as the endpoint answered, its token shortened.
    """

    request: str
    status: int
    body: str
    claims: str | None

    @property
    def is_good(self) -> bool:
        """Whether there was a token."""
        return self.status == _OK


async def attempt(edge: Edge, request: Request, fields: Fields) -> Mapping[str, Any]:
    """Runs a client credentials exchange as the endpoint does, with its limits and records; no token leaves whole."""
    given = {name: fields.text(name) for name in _SENT}
    parameters = {name: value for name, value in given.items() if value} | {"grant_type": "client_credentials"}
    try:
        answer = await token.answer(edge, TokenRequest(parameters, None, request.network, request.request_id))
    except Exception as error:  # whatever it is, the endpoint has an answer to it
        answer = token_endpoint_answer(error, request.request_id)
    content = msgspec.json.decode(answer.body)
    claims = None
    if "access_token" in content:
        claims = _written(jws.read_object(jws.take_apart(content["access_token"]).payload, "payload"))
        content["access_token"] = _shortened(content["access_token"])
    asked = _written(parameters | ({"client_secret": "…"} if "client_secret" in parameters else {}))
    return {"tried": Tried(asked, answer.status, _written(content), claims)}


def _shortened(text: str) -> str:
    return f"{text[:SHOWN_CHARACTERS]}…{text[-SHOWN_CHARACTERS:]}"


def _written(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
