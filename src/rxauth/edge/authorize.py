"""GET and POST /authorize, and the three ways in which its answer reaches a client."""

from urllib.parse import urlencode, urlsplit

from rxauth.domain.letters import INVITE_PATH
from rxauth.edge import pages
from rxauth.edge.addresses import SIGN_IN_PATH
from rxauth.edge.context import Edge
from rxauth.edge.cookies import carrying
from rxauth.edge.forms import browser_of, form_pairs, query_pairs
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.oauth.authorization_request import FORM_POST, WEB_MESSAGE, AuthorizationResponse
from rxauth.oauth.endpoints import authorize
from rxauth.oauth.endpoints import authorize_checks as checks
from rxauth.oauth.endpoints.authorize import Waiting
from rxauth.oauth.endpoints.authorize_checks import Asked


async def ask(edge: Edge, request: Request) -> Answer:
    """Answers an authorization request, or sends the browser to the sign-in that it needs."""
    pairs = await form_pairs(request) if request.method == "POST" else query_pairs(request)
    asked = Asked([(name, value) for name, value in pairs if value])
    await _look_for_client(edge, asked)
    browser = browser_of(request)
    database = edge.server.database
    outcome = await edge.in_thread(database.write, lambda tx: authorize.answer(edge.server, tx, asked, browser))
    if isinstance(outcome, Waiting):
        cookie = [] if outcome.handle == browser.handle else [carrying(outcome.handle)]
        if outcome.invitation is not None:
            there = {"token": outcome.invitation, "sign_in": outcome.sign_in_id}
            return see_other(f"{INVITE_PATH}?{urlencode(there)}", *cookie)
        return see_other(f"{SIGN_IN_PATH}/{outcome.sign_in_id}", *cookie)
    return deliver(outcome)


async def _look_for_client(edge: Edge, asked: Asked) -> None:
    """Has the client remembered before a transaction begins that writes: what is made up takes none of its own.

    Raises:
        PageError: there is none, or none that the request may be of.
    """
    checks.redirect_uri(asked, await edge.client(checks.client_id(asked)))


def deliver(response: AuthorizationResponse, *headers: tuple[bytes, bytes]) -> Answer:
    """Returns the answer that takes a response to its client."""
    if response.response_mode == WEB_MESSAGE:
        return pages.web_message(response.parameters, origin_of(response.redirect_uri), headers=headers)
    if response.response_mode == FORM_POST:
        return pages.form_post(response.redirect_uri, response.parameters, headers=headers)
    joint = "&" if "?" in response.redirect_uri else "?"
    return see_other(f"{response.redirect_uri}{joint}{urlencode(response.parameters)}", *headers)


def origin_of(url: str) -> str:
    """Returns the origin of a registered URL; of a native application's own scheme, the scheme."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
