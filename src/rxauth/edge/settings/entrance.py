"""The ways into the settings: the server's own address, the first page that may be opened, another organization."""

from rxauth.edge.addresses import ACCOUNT_PATH, SETTINGS_PATH
from rxauth.edge.context import Edge
from rxauth.edge.forms import browser_of
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.settings import frame
from rxauth.edge.settings.asking import caller_of
from rxauth.edge.visits import Visit, sign_in_first, visit
from rxauth.oauth.page_request import PageRequest


async def choose(edge: Edge, request: Request) -> Answer:
    """Has somebody who works for several organizations say anew which one the settings show."""
    asked = PageRequest(SETTINGS_PATH, of_organization=True, chooses_organization=True)
    return await sign_in_first(edge, browser_of(request), asked)


async def front(_edge: Edge, _request: Request) -> Answer:
    """Leads whoever opens the server's address to what people have to do here."""
    return see_other(SETTINGS_PATH)


async def first(edge: Edge, request: Request) -> Answer:
    """Leads to the first page that the visitor may open."""
    visitor = await visit(edge, request, PageRequest(SETTINGS_PATH, of_organization=True))
    if not isinstance(visitor, Visit):
        return visitor
    if visitor.organization_id is None:
        return see_other(ACCOUNT_PATH)
    caller = caller_of(visitor, visitor.organization_id, edge.server.clock.seconds())
    return see_other(next(tab.path for tabs in frame.open_tabs(caller.permissions).values() for tab in tabs))
