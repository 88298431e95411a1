"""The token endpoint: one pipeline for every grant (RFC 6749 §3.2).

Grant, client, target, policy, signature, record: in this order, for all of them, so that a new grant can neither forget
nor loosen a step. A machine's token is answered from memory; what spends a code or a refresh token is one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rxauth.domain import audit
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.clients import Client
from rxauth.oauth import person_tokens, scopes, tokens
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import (
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    OAuthError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from rxauth.oauth.grant import Grant, Refused, Spending, SpendingGrant
from rxauth.oauth.grants import GRANTS
from rxauth.oauth.person_tokens import PersonTokens, Prepared
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Server
from rxauth.policy import decide
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Answer:
    """A token, and the act that must be recorded before it leaves."""

    token: tokens.IssuedToken
    act: Act


def grant_of(request: TokenRequest) -> Grant | SpendingGrant:
    """Returns the grant that is asked for.

    Raises:
        InvalidRequestError, UnsupportedGrantTypeError: none, or none of that name.
    """
    name = request.parameters.get("grant_type")
    if name is None:
        raise InvalidRequestError("grant_type is missing.")
    if name not in GRANTS:
        raise UnsupportedGrantTypeError(f"grant_type {name[:80]} is not supported; use {' or '.join(GRANTS)}.")
    return GRANTS[name]


def answer(
    server: Server,
    request: TokenRequest,
    client: Authenticated,
    grant: Grant,
    admit: Callable[[Client], object],
) -> Answer:
    """Answers a client's request for a machine's token; nothing is written.

    admit: raises an OAuthError if the client may not ask now.

    Raises:
        OAuthError: in the standard's own terms.
    """
    try:
        admit(client.client)
        return _issue(server, request, grant, client, server.clock.seconds())
    except OAuthError as error:
        error.client_id, error.organization_id = client.client.id, client.client.organization_id
        raise


def spend(
    server: Server,
    request: TokenRequest,
    client: Authenticated,
    grant: SpendingGrant,
    admit: Callable[[str, str | None], object],
) -> PersonTokens:
    """Answers a client's request that spends something, in one transaction with its record; blocks its thread.

    admit: raises an OAuthError if the person may not ask now, for this organization; then nothing is spent.

    Raises:
        OAuthError: in the standard's own terms; what had to leave a mark was committed before.
        SignerUnavailableError: nothing was spent.
    """
    try:
        _require_grant(client, grant)
        now, now_us = server.clock.seconds(), server.clock.microseconds()

        def work(transaction: Transaction) -> Prepared | PersonTokens | Refused:
            prepared = _spend(Spending(server, transaction, request, client, now), grant, now_us, admit)
            if server.keys.are_local or isinstance(prepared, Refused):
                return prepared
            return person_tokens.sign(server, prepared)  # it can fail, and then what was asked with is not spent

        outcome = server.database.write(work)
        if isinstance(outcome, Refused):
            raise outcome.error
    except OAuthError as error:
        error.client_id, error.organization_id = client.client.id, client.client.organization_id
        raise
    return person_tokens.sign(server, outcome) if isinstance(outcome, Prepared) else outcome


def _spend(
    asked: Spending, grant: SpendingGrant, now_us: int, admit: Callable[[str, str | None], object]
) -> Prepared | Refused:
    authorized = grant.authorize(asked)
    if isinstance(authorized, Refused):
        if authorized.act is not None:
            audit.record(asked.transaction, authorized.act, now_us)
        return authorized
    try:
        prepared = person_tokens.prepare(asked.server, asked.transaction, asked.client, authorized, asked.now)
    except InvalidTargetError as error:
        return Refused(error)  # what was spent stays spent
    claims = prepared.claims
    admit(claims.sub, claims.org_id)
    details: dict[str, str | int] = {
        "scope": claims.scope,
        "exp": claims.exp,
        "family_id": authorized.family.id,
        "sub": claims.sub,
    }
    if asked.client.secret is not None:
        details["secret_id"] = asked.client.secret.id
    audit.record(asked.transaction, _act(claims.jti, claims.org_id, asked.client, asked.request, details), now_us)
    return prepared


def _issue(server: Server, request: TokenRequest, grant: Grant, client: Authenticated, now: int) -> Answer:
    """Issues a token to a client that proved who it is, if grant, target and policy agree."""
    _require_grant(client, grant)
    authorization = grant.authorize(request, client, server.lifetimes)
    audience = _audience(server, request)
    granted = decide.granted(authorization.subject, scopes.names(request.parameters.get("scope")), now)
    if isinstance(granted, decide.ScopeRefused):
        raise InvalidScopeError(f"{granted.name[:80]} cannot be granted: {granted.reason}.")
    token = tokens.issue(server, authorization, client, audience=audience, permissions=granted.permissions, now=now)
    secret_id = token.claims.secret_id or ""
    details: dict[str, str | int] = {"secret_id": secret_id, "scope": token.claims.scope, "exp": token.claims.exp}
    return Answer(token, _act(token.claims.jti, client.client.organization_id, client, request, details))


def _require_grant(client: Authenticated, grant: Grant | SpendingGrant) -> None:
    if client.client.app_type not in grant.app_types:
        raise UnauthorizedClientError(f"This client may not use the grant {grant.name}.")


def _audience(server: Server, request: TokenRequest) -> str:
    """Returns the API the token is for: the one asked for, by either name it has, or the server's own."""
    asked = {request.parameters[name] for name in ("audience", "resource") if name in request.parameters}
    if asked - {server.audience}:
        raise InvalidTargetError(f"The audience is not registered here; this server's API is {server.audience}.")
    return server.audience


def _act(
    jti: str,
    organization_id: str | None,
    client: Authenticated,
    request: TokenRequest,
    details: dict[str, str | int],
) -> Act:
    return Act(
        Event.TOKEN_ISSUED,
        Actor("client", client.client.id),
        organization_id=organization_id,
        target=jti,
        network=request.network,
        request_id=request.request_id,
        details=details,
    )
