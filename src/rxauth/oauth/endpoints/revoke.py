"""The revocation endpoint: a client gives back what it holds of a person (RFC 7009)."""

from rxauth.domain import audit, token_families
from rxauth.domain.audit import Act, Actor, Event
from rxauth.oauth import tokens
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import InvalidRequestError, InvalidTokenError, UnsupportedTokenTypeError
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Server
from rxauth.storage.database import Transaction


def revoke(server: Server, request: TokenRequest, client: Authenticated) -> None:
    """Ends the authorization that a token belongs to, with all of its tokens; blocks its thread.

    Whatever the client does not hold is answered like what it did (RFC 7009 §2.2); token_type_hint is not needed.

    Raises:
        OAuthError: see there.
    """
    token = request.parameters.get("token")
    if token is None:
        raise InvalidRequestError("token is missing.")
    family_id = _of_access_token(server, client, token)
    now, now_us = server.clock.seconds(), server.clock.microseconds()

    def work(transaction: Transaction) -> None:
        found = family_id or _of_refresh_token(server, transaction, client, token)
        if found is None or not token_families.revoke(transaction, found, now):
            return
        actor = Actor("client", client.client.id)
        act = Act(Event.AUTHORIZATION_REVOKED, actor, client.client.organization_id, found)
        audit.record(transaction, act, now_us)

    server.database.write(work)


def _of_access_token(server: Server, client: Authenticated, token: str) -> str | None:
    try:
        claims = tokens.read(server, token, server.clock.seconds())
    except InvalidTokenError:
        return None
    if claims.client_id != client.client.id:
        return None
    if claims.is_machine():
        told = "A machine's token ends when it expires, or with its client secret: revoke that, or all of its tokens."
        raise UnsupportedTokenTypeError(told)
    return claims.family_id


def _of_refresh_token(server: Server, transaction: Transaction, client: Authenticated, token: str) -> str | None:
    if not token.isascii():
        return None
    family = token_families.find(transaction, token, server.sealing_key)
    return None if family is None or family.client_id != client.client.id else family.id
