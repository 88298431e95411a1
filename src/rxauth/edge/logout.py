"""Signing out: /v2/logout of the published clients, and /oidc/logout of the standard."""

from collections.abc import Mapping
from typing import Final

from rxauth.domain import sessions, users
from rxauth.domain.clients import Client
from rxauth.domain.sessions import Session
from rxauth.domain.users import User
from rxauth.edge import pages
from rxauth.edge.context import Edge
from rxauth.edge.cookies import CLEARED, session_handle
from rxauth.edge.forms import form_pairs, query_pairs, read_form, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.sso import errands, farewell
from rxauth.edge.sso.farewell import Farewell
from rxauth.oauth.endpoints import end_session
from rxauth.oauth.endpoints.end_session import Wanted
from rxauth.oauth.server import Server
from rxauth.storage.database import Transaction

_PURPOSE: Final = "logout"
CONFIRM_PATH: Final = "/oidc/logout/confirm"


async def at_once(edge: Edge, request: Request) -> Answer:
    """Ends the browser's session and goes where the client registered, or says that nobody is signed in.

    With `federated`, the session at the identity provider that it came of ends first.
    """
    asked = dict(query_pairs(request))
    return_to = end_session.return_url(await _client(edge, asked), asked.get("returnTo"))
    return await _end(edge, request, return_to, is_federated="federated" in asked)


async def ask(edge: Edge, request: Request) -> Answer:
    """Ends the session if a client proves that it means this one; otherwise asks the person, and ends nothing."""
    asked = dict(await form_pairs(request) if request.method == "POST" else query_pairs(request))
    handle = session_handle(request)
    client = await _client(edge, asked)
    wanted, session, user = await edge.in_thread(_judge, edge.server, asked, handle, client)
    if wanted.is_certain or session is None or user is None or handle is None:
        return await _end(edge, request, wanted.return_to, is_federated=True, after_form=request.method == "POST")
    values = {
        "client_name": None if wanted.client is None else wanted.client.name,
        "email": user.email,
        "action": CONFIRM_PATH,
        "csrf": token(handle, _PURPOSE),
        "cancel_url": None,
    }
    return pages.page("logout.html", values)


async def confirm(edge: Edge, request: Request) -> Answer:
    """Ends the session because the person said so."""
    await read_form(request, _PURPOSE)
    return await _end(edge, request, None, is_federated=True, after_form=True)


async def _end(
    edge: Edge, request: Request, return_to: str | None, *, is_federated: bool, after_form: bool = False
) -> Answer:
    """Ends the session here, and then, if asked to, at the provider that it came of; return_to: where to go at last."""
    handle = session_handle(request)
    elsewhere = await edge.in_thread(_elsewhere, edge.server, handle) if is_federated else None
    for notice in await edge.in_thread(end_session.end, edge.server, handle, request.network, request.request_id):
        edge.logouts.send(notice)
    there = None if elsewhere is None else await farewell.way(edge, elsewhere, return_to)
    if there is not None:
        answer = errands.leave(there, after_form=after_form)
        answer.headers.append(CLEARED)
        return answer
    if return_to is not None:
        return see_other(return_to, CLEARED)
    return pages.page("logged_out.html", {"client_name": None}, headers=(CLEARED,))


def _elsewhere(server: Server, handle: str | None) -> Farewell | None:
    """Returns where the session of a cookie ends too; None: nowhere."""
    if handle is None:
        return None
    return server.database.read(lambda tx: farewell.of(tx, sessions.find(tx, handle)))


async def _client(edge: Edge, asked: Mapping[str, str]) -> Client | None:
    client_id = asked.get("client_id")
    return None if client_id is None else await edge.client(client_id)


def _judge(
    server: Server, asked: Mapping[str, str], handle: str | None, client: Client | None
) -> tuple[Wanted, Session | None, User | None]:
    def work(transaction: Transaction) -> tuple[Session | None, User | None]:
        found = None if handle is None else sessions.find(transaction, handle)
        if found is None or found.ended_at is not None:
            return None, None
        return found, users.find(transaction, found.user_id)

    session, user = server.database.read(work)
    return end_session.wanted(server, asked, session, client), session, user
