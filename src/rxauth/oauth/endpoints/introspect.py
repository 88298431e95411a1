"""The introspection endpoint: an organization's backend asks whether a token holds now (RFC 7662)."""

from collections.abc import Callable
from typing import Any, Final

from rxauth.domain import audiences
from rxauth.domain.clients import MACHINE, Client
from rxauth.oauth import holders, tokens
from rxauth.oauth.errors import InvalidRequestError, InvalidTokenError, UnauthorizedClientError
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.scopes import IDENTITY
from rxauth.oauth.server import Server
from rxauth.oauth.verified import VerifiedTokens
from rxauth.policy import decide

_INACTIVE: Final = {"active": False}


def is_remembered(server: Server, request: TokenRequest) -> bool:
    """Tells whether a token can be judged from memory, so that `introspect` waits for nothing."""
    known = server.verified.find(VerifiedTokens.key(request.parameters.get("token", "")))
    return known is not None and known[1].aud == server.audience and holders.are_remembered(server, known[1])


def introspect(
    server: Server, request: TokenRequest, client: Client, admit: Callable[[Client], object]
) -> dict[str, Any]:
    """Says of a token what it may do now, or nothing but that it may do nothing; blocks its thread if
    it is not remembered.

    client: who asks, and proved it. admit: raises an OAuthError if it may not ask now.

    Only tokens of the organization's own people and machine, for its own APIs or the server's, are active to it.

    Raises:
        OAuthError: see there.
    """
    if client.app_type != MACHINE:
        raise UnauthorizedClientError("Only an organization's machine client may ask about tokens.")
    admit(client)
    token, now = request.parameters.get("token"), server.clock.seconds()
    if token is None:
        raise InvalidRequestError("token is missing.")
    try:
        audience = tokens.opened(server, token, now).aud
        claims = tokens.verify(server, token, now, frozenset({audience}))
        if claims.org_id != client.organization_id or not _is_ours(server, client.organization_id, audience):
            return _INACTIVE
        subject = holders.find(server, claims, now)
    except InvalidTokenError:
        return _INACTIVE
    usable = decide.caller(claims.permissions, subject, claims.client_id, claims.jti, now).permissions
    permissions = [name for name in claims.permissions if name in usable]
    identity = [name for name in claims.scope.split() if name in IDENTITY]
    said = {
        "active": True,
        "scope": " ".join((*identity, *permissions)),
        "permissions": permissions,
        "client_id": claims.client_id,
        "token_type": "Bearer",
        "exp": claims.exp,
        "iat": claims.iat,
        "sub": claims.sub,
        "aud": claims.aud,
        "iss": claims.iss,
        "jti": claims.jti,
        "org_id": claims.org_id,
        "auth_time": claims.auth_time,
        "acr": claims.acr,
        "amr": claims.amr,
    }
    return {name: value for name, value in said.items() if value is not None}


def _is_ours(server: Server, organization_id: str, audience: str) -> bool:
    if audience == server.audience:
        return True
    return server.database.read(lambda tx: audiences.find(tx, organization_id, audience)) is not None
