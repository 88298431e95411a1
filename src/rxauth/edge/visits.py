"""Visits of people to pages of our own: who is signed in, or the sign-in that must come first."""

from dataclasses import dataclass

from rxauth.domain import users
from rxauth.domain.mails import Outbox
from rxauth.domain.memberships import Person
from rxauth.domain.sessions import Session
from rxauth.domain.users import User
from rxauth.edge.addresses import SIGN_IN_PATH
from rxauth.edge.context import Edge
from rxauth.edge.cookies import carrying
from rxauth.edge.forms import browser_of
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.oauth import sign_in
from rxauth.oauth.browser import Browser, look
from rxauth.oauth.endpoints.authorize import Waiting
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.server import Server
from rxauth.oauth.step_kinds import Finish
from rxauth.oauth.steps import NOTHING_YET, next_step_of_page
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in, and the browser it is signed in with.

    organization_id: the one that the page shows; None: it shows none, or the person works for none.
    """

    browser: Browser
    session: Session
    person: Person
    user: User
    organization_id: str | None

    @property
    def handle(self) -> str:
        """The browser's handle; somebody who is signed in has one."""
        return self.browser.handle or ""


def visitor(server: Server, transaction: Transaction, browser: Browser, asked: PageRequest) -> Visit | None:
    """Returns who is signed in, or None: nobody, or not as the page asks for it."""
    found = look(server, transaction, browser.handle, None)
    step = next_step_of_page(asked, NOTHING_YET, found, server.clock.seconds())
    user = None if found.session is None else users.find(transaction, found.session.user_id)
    if found.session is None or found.person is None or user is None or not isinstance(step, Finish):
        return None
    return Visit(browser, found.session, found.person, user, step.organization_id)


async def visit(edge: Edge, request: Request, asked: PageRequest) -> Visit | Answer:
    """Returns who is signed in as a page asks for it, or sends the browser to a sign-in that leads to the page."""
    browser = browser_of(request)
    found: Visit | None = await edge.in_thread(
        edge.server.database.read, lambda tx: visitor(edge.server, tx, browser, asked)
    )
    return found if found is not None else await sign_in_first(edge, browser, asked)


async def sign_in_first(edge: Edge, browser: Browser, request: PageRequest) -> Answer:
    """Sends a browser to a sign-in that leads to a page of ours."""
    waiting: Waiting = await edge.in_thread(
        edge.server.database.write, lambda tx: sign_in.begin_for_page(edge.server, tx, request, browser)
    )
    cookie = [] if waiting.handle == browser.handle else [carrying(waiting.handle)]
    return see_other(f"{SIGN_IN_PATH}/{waiting.sign_in_id}", *cookie)


def outbox(server: Server) -> Outbox:
    """Returns where letters are put."""
    return Outbox(server.issuer, server.sealing_key)
