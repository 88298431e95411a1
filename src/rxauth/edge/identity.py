"""/userinfo, /oauth/revoke and /oauth/introspect: what clients ask about tokens that they hold, or were shown."""

from functools import partial
from typing import Final

from rxauth.edge.client_calls import Admission, count_unproven, noted, proven, require_fresh, require_patience, uses_of
from rxauth.edge.context import Edge
from rxauth.edge.errors import no_bearer_answer
from rxauth.edge.requests import Request, bearer, token_request
from rxauth.edge.responses import Answer, empty_answer, json_answer
from rxauth.oauth.endpoints import introspect as introspection
from rxauth.oauth.endpoints import revoke as revocation
from rxauth.oauth.endpoints import userinfo as person
from rxauth.oauth.errors import InvalidRequestError, InvalidTokenError

_FORM: Final = "application/x-www-form-urlencoded"


async def userinfo(edge: Edge, request: Request) -> Answer:
    """Answers who signed in; the token is in the header, or in the form of a POST (RFC 6750 §2.1, §2.2)."""
    token = bearer(request)
    if request.method == "POST" and request.media_type() == _FORM:
        in_body = (await token_request(request)).parameters.get("access_token")
        if token is not None and in_body is not None:
            raise InvalidRequestError("The token is there twice: in the Authorization header and in the body.")
        token = token or in_body
    if token is None:
        count_unproven(edge, request.network)
        return no_bearer_answer()
    try:
        claims = person.verified(edge.server, token)
        request.client_id = claims.client_id
        require_fresh(edge)
        edge.quotas.require(*uses_of(claims))
        said = await edge.in_thread(person.claims, edge.server, claims)
        return json_answer(200, said, *edge.quotas.count(*uses_of(claims)).headers())
    except InvalidTokenError as error:
        request.client_id = error.client_id
        count_unproven(edge, request.network)
        raise


async def revoke(edge: Edge, request: Request) -> Answer:
    """Ends what a client holds of a person (RFC 7009); the answer is empty."""
    asked = await token_request(request)
    request.client_id = asked.parameters.get("client_id")
    with noted(edge, asked):
        require_patience(edge, asked)
        client = await proven(edge, asked, needs_secret=False)
        await edge.in_thread(revocation.revoke, edge.server, asked, client)
    return empty_answer(200)


async def introspect(edge: Edge, request: Request) -> Answer:
    """Says whether a token holds now (RFC 7662)."""
    asked, admission = await token_request(request), Admission(edge)
    with noted(edge, asked):
        require_patience(edge, asked)
        client = (await proven(edge, asked, needs_secret=True)).client
        ask = partial(introspection.introspect, edge.server, asked, client, admission.client)
        said = ask() if introspection.is_remembered(edge.server, asked) else await edge.in_thread(ask)
        return json_answer(200, said, *admission.headers())
