"""POST /graphql: the token first, then the document, in one worker thread (GraphQL over HTTP, RFC 6750)."""

from dataclasses import replace
from typing import Final

from rxauth.api.outcomes import Failure, Outcome
from rxauth.domain import audit
from rxauth.edge import operations
from rxauth.edge.client_calls import count_unproven, require_fresh, uses_of
from rxauth.edge.context import Edge
from rxauth.edge.errors import RETRY_AFTER, challenge, no_token_answer
from rxauth.edge.quotas import Allowance
from rxauth.edge.requests import Request, bearer, require_json
from rxauth.edge.responses import Answer, graphql_answer
from rxauth.oauth import holders, tokens
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.errors import InsufficientScopeError, InsufficientUserAuthenticationError, InvalidTokenError
from rxauth.policy import decide
from rxauth.policy.assurance import Authentication
from rxauth.policy.subjects import Caller

_GRAPHQL: Final = "application/graphql-response+json"
_STATUS: Final = {
    Failure.MALFORMED: 400,
    Failure.SYNTAX: 400,
    Failure.NOT_A_REQUEST: 422,
    Failure.VALIDATION: 422,
    Failure.VARIABLES: 422,
    Failure.FORBIDDEN: 403,
    Failure.STEP_UP: 401,
    Failure.UNAVAILABLE: 503,
    Failure.KEY_REUSED: 422,
    Failure.KEY_IN_USE: 409,
}
# Clients of application/json read errors only from a 200; these are no answers to a document, so they differ there too.
_ALWAYS: Final = frozenset(
    {Failure.MALFORMED, Failure.NOT_A_REQUEST, Failure.UNAVAILABLE, Failure.KEY_REUSED, Failure.KEY_IN_USE}
)


async def execute(edge: Edge, request: Request) -> Answer:
    """Answers a GraphQL request; the token is judged before a byte of the body is read."""
    try:
        claims = _verified(edge, request)
        if claims is None:
            _note(edge, request, "missing_token", None)
            count_unproven(edge, request.network)
            return no_token_answer()
        require_json(request)
        body = await request.body()
        caller, outcome, allowance = await edge.in_api_thread(
            _run, edge, claims, request, body, is_of_machine=claims.is_machine()
        )
    except InvalidTokenError as error:
        request.client_id = error.client_id
        _note(edge, request, error.code, error.client_id, error.organization_id)
        count_unproven(edge, request.network)
        raise
    await operations.note(edge, request, caller, outcome)
    answer = _answer(request, outcome)
    answer.headers += allowance.headers()
    return answer


def _verified(edge: Edge, request: Request) -> AccessClaims | None:
    token = bearer(request)
    if token is None:
        return None
    claims = tokens.verify(edge.server, token, edge.server.clock.seconds())
    request.client_id = claims.client_id
    require_fresh(edge)
    edge.quotas.require(*uses_of(claims))
    return claims


def _run(edge: Edge, claims: AccessClaims, request: Request, body: bytes) -> tuple[Caller, Outcome, Allowance]:
    """Asks whether the token still holds, counts the request and runs it; in a worker thread."""
    caller = _caller(edge, claims)
    allowance = edge.quotas.count(*uses_of(claims))  # not before: a token that was revoked uses up nobody's quota
    return caller, operations.run(edge, request, caller, body, request.headers(b"idempotency-key")), allowance


def _caller(edge: Edge, claims: AccessClaims) -> Caller:
    now = edge.server.clock.seconds()
    subject = holders.find(edge.server, claims, now)
    caller = decide.caller(claims.permissions, subject, claims.client_id, claims.jti, now)
    if claims.is_machine():
        return caller
    proven = None
    if claims.acr is not None and claims.auth_time is not None:
        proven = Authentication(claims.acr, claims.auth_time)
    return replace(caller, authentication=proven, session_id=claims.sid, family_id=claims.family_id)


def _answer(request: Request, outcome: Outcome) -> Answer:
    """Gives the outcome a status: clients of application/json read errors from a 200 only."""
    accepted = request.header(b"accept") or "*/*"
    modern = _GRAPHQL in accepted
    status = 200
    if outcome.failure is not None and (modern or outcome.failure in _ALWAYS):
        status = _STATUS[outcome.failure]
    headers = []
    if outcome.failure is Failure.FORBIDDEN and modern:
        lacking = InsufficientScopeError("The token lacks a permission.")
        name, value = challenge(lacking)
        wanted = f', scope="{outcome.forbidden[0].permissions[0]}"' if outcome.forbidden else ""
        headers.append((name, value + wanted.encode()))
    if outcome.failure is Failure.STEP_UP and outcome.step_up is not None and modern:
        name, value = challenge(InsufficientUserAuthenticationError("The person must sign in again."))
        wanted = f', acr_values="{outcome.step_up.acr}", max_age={outcome.step_up.max_age_s}'
        headers.append((name, value + wanted.encode()))
    if outcome.failure in {Failure.UNAVAILABLE, Failure.KEY_IN_USE}:
        headers.append(RETRY_AFTER)
    media_type = f"{_GRAPHQL}; charset=utf-8".encode() if modern else b"application/json"
    return graphql_answer(status, outcome.body, media_type, *headers)


def _note(edge: Edge, request: Request, reason: str, client_id: str | None, organization_id: str | None = None) -> None:
    """Counts a refusal; client_id, organization_id: None if no token of this server named one."""
    edge.refusals.note(
        audit.Act(
            audit.Event.REQUEST_REFUSED,
            audit.ANONYMOUS if client_id is None else audit.Actor("client", client_id),
            organization_id=organization_id,
            reason=reason,
            network=request.network,
            request_id=request.request_id,
        )
    )
