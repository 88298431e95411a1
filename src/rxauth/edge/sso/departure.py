"""The way to an identity provider, whichever protocol it speaks."""

from rxauth.domain import connections
from rxauth.domain.connection_settings import OpenIdSettings
from rxauth.domain.connections import Connection
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.sso import errands, openid, saml
from rxauth.edge.sso.errands import Errand
from rxauth.federation.problems import UpstreamError
from rxauth.federation.saml.bindings import Outgoing
from rxauth.oauth.browser import Browser


async def leave_for(
    edge: Edge, request: Request, browser: Browser, connection_id: str, errand: Errand, *, after_form: bool = False
) -> Answer:
    """Sends a browser to the identity provider of a connection; after_form: see `errands.leave`."""
    connection = await edge.in_thread(edge.server.database.read, lambda tx: connections.find(tx, connection_id))
    if connection is None:
        return errands.strange()
    try:
        if connection.disabled_at is not None and errand.sign_in_id is not None:
            raise UpstreamError("connection_disabled", "the connection is switched off")
        return errands.leave(await begin(edge, connection, browser, errand), after_form=after_form)
    except UpstreamError as error:
        return await errands.turned_away(edge, request, connection, errand.sign_in_id, error)


async def begin(edge: Edge, connection: Connection, browser: Browser, errand: Errand) -> Outgoing:
    """Notes that the browser goes there, and returns what it takes along.

    Raises:
        UpstreamError: nobody can be sent there now.
    """
    if isinstance(connection.settings, OpenIdSettings):
        return Outgoing(await openid.begin(edge, connection, connection.settings, browser, errand))
    return await saml.begin(edge, connection, connection.settings, browser, errand)
