"""ID tokens that come back as hints: whom a client believes to be signed in (OpenID Connect Core §3.1.2.1)."""

from rxauth.crypto import jws
from rxauth.oauth.errors import InvalidRequestError
from rxauth.oauth.server import Server


def user_of(server: Server, token: str, client_id: str | None) -> str:
    """Returns the person that an ID token of this server names; one that expired is as good.

    client_id: the client it must have been issued to; None: any.

    Raises:
        InvalidRequestError: it is not an ID token of this server, or was issued to another client.
    """
    try:
        compact = jws.take_apart(token)
        key = server.keys.ring.verification_key(compact.header.get("kid"), server.clock.seconds())
        if key is None or compact.header.get("typ") not in {None, "JWT"}:
            raise InvalidRequestError("id_token_hint is not an ID token of this server.")
        jws.verify(compact, key)
        claims = jws.read_object(compact.payload, "payload")
    except (jws.MalformedError, jws.BadSignatureError):
        raise InvalidRequestError("id_token_hint is not an ID token of this server.") from None
    subject = claims.get("sub")
    is_ours = claims.get("iss") == server.issuer and client_id in {None, claims.get("aud")}
    if not is_ours or not isinstance(subject, str):
        raise InvalidRequestError("id_token_hint was issued by another server, or to another client.")
    return subject
