"""POST /oauth/token: bytes to a request, a request to an answer, and the record of it before the answer leaves."""

from rxauth.domain import audit
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request, token_request
from rxauth.edge.responses import Answer, json_answer
from rxauth.oauth import client_auth
from rxauth.oauth.endpoints import token
from rxauth.oauth.endpoints.token import ClientNotProvenError
from rxauth.oauth.errors import InvalidClientError, OAuthError, TemporarilyUnavailableError, TooManyRequestsError
from rxauth.oauth.requests import TokenRequest


async def exchange(edge: Edge, request: Request) -> Answer:
    """Answers a token request."""
    asked = await token_request(request)
    try:
        answer = await _answer(edge, asked)
    except ClientNotProvenError as error:
        _note(edge, asked, client_auth.failure(), error.client_id)
        raise client_auth.failure() from None
    except OAuthError as error:
        _note(edge, asked, error, error.client_id)
        raise
    await edge.audit.commit(audit.row(answer.act, edge.server.clock.microseconds()))
    issued = answer.token
    return json_answer(
        200,
        {
            "access_token": issued.text,
            "scope": issued.claims.scope,
            "expires_in": issued.lifetime_s,
            "token_type": "Bearer",
        },
    )


async def _answer(edge: Edge, asked: TokenRequest) -> token.Answer:
    """Answers from memory; whoever does not prove itself there is read from the database, known or not."""
    server = edge.server
    if not server.feed.is_fresh():
        raise TemporarilyUnavailableError("The server has not heard from its database for too long. Try again.")
    wait_s = edge.limiter.wait_s(asked.network, client_auth.claimed_client(asked))
    if wait_s:
        raise TooManyRequestsError("Too many failed attempts from this network. Try again later.", wait_s)
    try:
        return token.answer(server, asked, server.clients.peek)
    except ClientNotProvenError:
        return await edge.in_thread(token.answer, server, asked, server.clients.fetch)


def _note(edge: Edge, asked: TokenRequest, error: OAuthError, client_id: str | None) -> None:
    """Counts a refusal; client_id: of the client that was named, if there is one."""
    if isinstance(error, InvalidClientError):
        edge.limiter.count_failure(asked.network, client_auth.claimed_client(asked))
    actor = audit.ANONYMOUS if client_id is None else audit.Actor("client", client_id)
    edge.refusals.note(
        audit.Act(
            audit.Event.TOKEN_REFUSED,
            actor,
            reason=error.code,
            network=asked.network,
            request_id=asked.request_id,
        )
    )
