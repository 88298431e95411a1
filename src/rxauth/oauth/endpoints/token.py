"""The token endpoint: one pipeline for every grant (RFC 6749 §3.2).

Grant, client, target, policy, signature, record: in this order, for all of them, so that a new grant can neither forget
nor loosen a step.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.clients import Client
from rxauth.oauth import client_auth, tokens
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import (
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    OAuthError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from rxauth.oauth.grant import Grant
from rxauth.oauth.grants import GRANTS
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Server
from rxauth.policy import decide

SCOPE_LIMIT_NAMES: Final = 100
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749 §3.3


@dataclass(frozen=True, slots=True)
class Answer:
    """A token, and the act that must be recorded before it leaves."""

    token: tokens.IssuedToken
    act: Act


class ClientNotProvenError(Exception):
    """The proof did not fit the client that was found; one read from the database may, and is asked next.

    client_id: the client's, if there is one of that name; for the audit log, never for an answer.
    """

    def __init__(self, client_id: str | None) -> None:
        super().__init__()
        self.client_id = client_id


def answer(server: Server, request: TokenRequest, find_client: Callable[[str], Client | None]) -> Answer:
    """Answers a token request; nothing is written.

    find_client: what is remembered of a client, or a reading of it from the database.

    Raises:
        ClientNotProvenError: see there.
        OAuthError: in the standard's own terms.
    """
    now = server.clock.seconds()
    grant = _grant(request)
    claim = client_auth.presented(request)
    found = find_client(claim.client_id)
    client = client_auth.authenticate(claim, found, now)
    if client is None:
        raise ClientNotProvenError(None if found is None else found.id)
    try:
        return _issue(server, request, grant, client, now)
    except OAuthError as error:
        error.client_id = client.client.id
        raise


def _issue(server: Server, request: TokenRequest, grant: Grant, client: Authenticated, now: int) -> Answer:
    """Issues a token to a client that proved who it is, if grant, target and policy agree."""
    if client.client.app_type not in grant.app_types:
        raise UnauthorizedClientError(f"This client may not use the grant {grant.name}.")
    authorization = grant.authorize(request, client, server.lifetimes)
    audience = _audience(server, request)
    granted = decide.granted(authorization.subject, _requested(request), now)
    if isinstance(granted, decide.ScopeRefused):
        raise InvalidScopeError(f"{granted.name[:80]} cannot be granted: {granted.reason}.")
    token = tokens.issue(server, authorization, client, audience=audience, permissions=granted.permissions, now=now)
    return Answer(token, _act(token, client, request))


def _grant(request: TokenRequest) -> Grant:
    name = request.parameters.get("grant_type")
    if name is None:
        raise InvalidRequestError("grant_type is missing.")
    if name not in GRANTS:
        raise UnsupportedGrantTypeError(f"grant_type {name[:80]} is not supported; use {' or '.join(GRANTS)}.")
    return GRANTS[name]


def _audience(server: Server, request: TokenRequest) -> str:
    """Returns the API the token is for: the one asked for, by either name it has, or the server's own."""
    asked = {request.parameters[name] for name in ("audience", "resource") if name in request.parameters}
    if asked - {server.audience}:
        raise InvalidTargetError(f"The audience is not registered here; this server's API is {server.audience}.")
    return server.audience


def _requested(request: TokenRequest) -> tuple[str, ...]:
    scope = request.parameters.get("scope")
    if scope is None:
        return ()
    if _SCOPE.fullmatch(scope) is None or scope.count(" ") >= SCOPE_LIMIT_NAMES:
        raise InvalidScopeError("scope is not a list of at most 100 names with one space between them.")
    return tuple(dict.fromkeys(scope.split(" ")))


def _act(token: tokens.IssuedToken, client: Authenticated, request: TokenRequest) -> Act:
    return Act(
        Event.TOKEN_ISSUED,
        Actor("client", client.client.id),
        organization_id=client.client.organization_id,
        target=token.claims.jti,
        network=request.network,
        request_id=request.request_id,
        details={"secret_id": client.secret.id, "scope": token.claims.scope, "exp": token.claims.exp},
    )
