"""Where people begin who come from their identity provider, or from a bookmark: the sign-in of a connection itself.

Also where a provider's own sign-in leads that nobody here asked for. Its assertion signs nobody in: it could be
anybody's, posted by a foreign page. The browser is sent back to the provider with a request of ours, and the provider,
which knows the browser, answers that at once.
"""

from dataclasses import replace

from rxauth.domain import connections
from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.context import Edge
from rxauth.edge.cookies import carrying
from rxauth.edge.forms import browser_of
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, nothing_here
from rxauth.edge.sso.departure import leave_for
from rxauth.edge.sso.errands import Errand
from rxauth.oauth import sign_in
from rxauth.oauth.page_request import PageRequest


async def begin(edge: Edge, request: Request) -> Answer:
    """Begins a sign-in that leads to our own pages, and sends the browser to the connection's provider."""
    server, name = edge.server, request.part("name")
    connection = await edge.in_thread(server.database.read, lambda tx: connections.named(tx, name))
    if connection is None:
        return nothing_here()
    browser, wanted = browser_of(request), PageRequest(SETTINGS_PATH)
    waiting = await edge.in_thread(
        server.database.write, lambda tx: sign_in.begin_for_page(server, tx, wanted, browser)
    )
    known = replace(browser, handle=waiting.handle)
    answer = await leave_for(edge, request, known, connection.id, Errand(waiting.sign_in_id))
    if waiting.handle != browser.handle:
        answer.headers.append(carrying(waiting.handle))
    return answer
