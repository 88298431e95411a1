"""POST /oauth/token: bytes to a request, a request to an answer, and the record of it before the answer leaves."""

from typing import Any

from rxauth.domain import audit
from rxauth.edge.client_calls import Admission, noted, proven, require_patience
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request, token_request
from rxauth.edge.responses import Answer, json_answer
from rxauth.oauth.endpoints import token
from rxauth.oauth.grant import Grant
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.tokens import IssuedToken


async def exchange(edge: Edge, request: Request) -> Answer:
    """Answers a token request."""
    asked = await token_request(request)
    request.client_id = asked.parameters.get("client_id")
    return await answer(edge, asked)


async def answer(edge: Edge, asked: TokenRequest) -> Answer:
    """Answers a token request that was read already."""
    admission = Admission(edge)
    with noted(edge, asked):
        require_patience(edge, asked)
        grant = token.grant_of(asked)
        if not isinstance(grant, Grant):
            client = await proven(edge, asked, needs_secret=False)
            issued = await edge.in_thread(token.spend, edge.server, asked, client, grant, admission.person)
            more = {"id_token": issued.id_token, "refresh_token": issued.refresh_token}
            edge.metrics.tokens_issued.add(grant.name)
            present = {name: value for name, value in more.items() if value is not None}
            return _answer(issued.access, present, admission)
        machine = await _of_machine(edge, asked, grant, admission)
    await edge.audit.commit(audit.row(machine.act, edge.server.clock.microseconds()))
    edge.metrics.tokens_issued.add(grant.name)
    return _answer(machine.token, {}, admission)


async def _of_machine(edge: Edge, asked: TokenRequest, grant: Grant, admission: Admission) -> token.Answer:
    """Answers a machine; a signature from outside this process is waited for in a thread."""
    client = await proven(edge, asked, needs_secret=True)
    if edge.server.keys.are_local:
        return token.answer(edge.server, asked, client, grant, admission.client)
    return await edge.in_signing_thread(token.answer, edge.server, asked, client, grant, admission.client)


def _answer(issued: IssuedToken, more: dict[str, Any], admission: Admission) -> Answer:
    content = {
        "access_token": issued.text,
        "scope": issued.claims.scope,
        "expires_in": issued.lifetime_s,
        "token_type": "Bearer",
    }
    return json_answer(200, content | more, *admission.headers())
