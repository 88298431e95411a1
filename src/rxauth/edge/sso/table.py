"""Where identity providers, and the browsers that they send, reach this server: path, methods and function of each."""

from collections.abc import Awaitable, Callable
from typing import Final

from rxauth.domain import connection_urls
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.sso import backchannel, farewell, openid, saml, saml_logout, start

Handle = Callable[[Edge, Request], Awaitable[Answer]]


async def _consume_or_come_back(edge: Edge, request: Request) -> Answer:
    """Takes what is posted, and shows what came of it."""
    return await (saml.consume if request.method == "POST" else saml.come_back)(edge, request)


PLACES: Final[tuple[tuple[str, tuple[str, ...], Handle], ...]] = (
    (connection_urls.START, ("GET",), start.begin),
    (connection_urls.CALLBACK, ("GET",), openid.come_back),
    (connection_urls.SIGNED_OUT, ("GET",), farewell.come_back),
    (connection_urls.BACKCHANNEL_LOGOUT, ("POST",), backchannel.hear),
    (connection_urls.METADATA, ("GET", "HEAD"), saml.metadata),
    (connection_urls.SINGLE_LOGOUT, ("GET", "POST"), saml_logout.hear),
    (connection_urls.ASSERTION_CONSUMER, ("GET", "HEAD", "POST"), _consume_or_come_back),
)
