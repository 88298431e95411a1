"""Somebody at the settings page who walks one sign-in, whichever protocol the connection speaks."""

from typing import Any

from rxauth.crypto import secrets
from rxauth.domain import connection_trials, sessions
from rxauth.domain.connection_trials import Trial
from rxauth.domain.entries import Vouched
from rxauth.domain.upstream_requests import UpstreamRequest
from rxauth.edge.context import Edge
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.sso import errands
from rxauth.federation.problems import UpstreamError
from rxauth.oauth.browser import Browser
from rxauth.oauth.server import Server
from rxauth.storage.database import Transaction


def is_there(server: Server, transaction: Transaction, sent: UpstreamRequest, browser: Browser) -> bool:
    """Tells whether somebody who tries a connection comes back with the browser that went."""
    session = None if browser.handle is None else sessions.find(transaction, browser.handle)
    limits, now = server.lifetimes.sessions, server.clock.seconds()
    if session is None or not session.is_live(limits, now) or session.user_id != sent.tried_by:
        return False
    return secrets.matches(secrets.digest(browser.handle or ""), sent.browser_digest)


async def succeeded(edge: Edge, sent: UpstreamRequest, vouched: Vouched, claims: dict[str, Any]) -> Answer:
    """Keeps what a sign-in with this identity would come to, and leads to the page that shows it."""
    now = edge.server.clock.seconds()
    return await _kept(edge, sent, lambda tx: connection_trials.judge(tx, vouched, claims, now))


async def failed(edge: Edge, sent: UpstreamRequest, error: UpstreamError) -> Answer:
    """Keeps why nobody was vouched for, and leads to the page that shows it."""
    return await _kept(edge, sent, lambda _: Trial(code=error.code, explanation=str(error)))


async def _kept(edge: Edge, sent: UpstreamRequest, judge: Any) -> Answer:
    server = edge.server

    def work(transaction: Transaction) -> str:
        return connection_trials.keep(transaction, sent, judge(transaction), server.sealing_key)

    name = await edge.in_thread(server.database.write, work)
    return see_other(errands.trial_url(sent.connection_id, name))
