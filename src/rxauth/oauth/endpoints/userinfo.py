"""The userinfo endpoint: what the person's client may know of the person, now (OpenID Connect Core §5.3)."""

from rxauth.domain import users
from rxauth.oauth import holders, released, tokens
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.errors import InsufficientScopeError, InvalidTokenError
from rxauth.oauth.person_tokens import userinfo_audience
from rxauth.oauth.scopes import OPENID
from rxauth.oauth.server import Server


def verified(server: Server, token: str) -> AccessClaims:
    """Returns what a token says that this endpoint takes: one for it alone, or for the server's own API.

    Raises:
        InvalidTokenError: it is no such token.
    """
    audiences = frozenset({server.audience, userinfo_audience(server)})
    return tokens.verify(server, token, server.clock.seconds(), audiences)


def claims(server: Server, access: AccessClaims) -> dict[str, str | bool]:
    """Returns the claims that the token's scope releases; blocks its thread.

    Raises:
        InsufficientScopeError: nobody signed in for it, or not with `openid`. InvalidTokenError: it holds no more.
    """
    holders.find(server, access, server.clock.seconds())
    scope = access.scope.split()
    if not access.is_person() or OPENID not in scope:
        raise InsufficientScopeError("The token does not say who signed in: it was issued without the scope openid.")
    user = server.database.read(lambda tx: users.find(tx, access.sub))
    if user is None:
        raise InvalidTokenError("The person that this token speaks for is gone.")
    return {"sub": access.sub, **released.claims(scope, user)}
