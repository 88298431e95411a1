"""ID tokens that come back as hints: whom a client believes to be signed in (OpenID Connect Core §3.1.2.1)."""

from typing import Any

from rxauth.crypto import jws
from rxauth.oauth.errors import InvalidRequestError
from rxauth.oauth.server import Server


def read(server: Server, token: str) -> dict[str, Any] | None:
    """Returns what an ID token of this server says; one that expired is as good. None: it is none."""
    try:
        compact = jws.take_apart(token)
        key = server.keys.ring.verification_key(compact.header.get("kid"), server.clock.seconds())
        if key is None or compact.header.get("typ") != "JWT":
            return None
        jws.verify(compact, key)
        claims = jws.read_object(compact.payload, "payload")
    except (jws.MalformedError, jws.BadSignatureError):
        return None
    return claims if claims.get("iss") == server.issuer and isinstance(claims.get("sub"), str) else None


def user_of(server: Server, token: str, client_id: str | None) -> str:
    """Returns the person that an ID token of this server names; one that expired is as good.

    client_id: the client it must have been issued to; None: any.

    Raises:
        InvalidRequestError: it is not an ID token of this server, or was issued to another client.
    """
    claims = read(server, token)
    if claims is None:
        raise InvalidRequestError("id_token_hint is not an ID token of this server.")
    if client_id not in {None, claims.get("aud")}:
        raise InvalidRequestError("id_token_hint was issued to another client.")
    return str(claims["sub"])
