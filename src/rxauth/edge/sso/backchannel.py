"""Logouts that begin at an OpenID provider: it says so without a browser, and sessions that came of it end."""

from typing import Final

import structlog

from rxauth.domain import audit, connections, upstream_messages, upstream_sessions
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.connection_settings import OpenIdSettings
from rxauth.domain.connections import Connection
from rxauth.domain.sessions import Ended
from rxauth.edge.context import Edge
from rxauth.edge.forms import form_pairs
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, json_answer
from rxauth.federation.openid import logout_token
from rxauth.federation.openid.logout_token import Ended as Over
from rxauth.federation.problems import UnreachableError, UpstreamError
from rxauth.storage.database import ConflictError, Transaction

_NO_STORE: Final = (b"cache-control", b"no-store")  # Back-Channel Logout §2.8
_SERVER_ASKS: Final = Actor("server")
_log = structlog.get_logger("rxauth.sso")


async def hear(edge: Edge, request: Request) -> Answer:
    """Ends what a logout token says is over; whatever is wrong with it is one answer, and ends nothing (§2.8)."""
    sent = [value for name, value in await form_pairs(request) if name == "logout_token"]
    name = request.part("name")
    connection = await edge.in_thread(edge.server.database.read, lambda tx: connections.named(tx, name))
    try:
        if connection is None or connection.disabled_at is not None or len(sent) != 1:
            raise UpstreamError("logout_token_malformed", "there is not one logout token, or nobody it could be for")
        ended = await _ended(edge, request, connection, sent[0])
    except UpstreamError as error:
        connection_id = None if connection is None else connection.id
        _log.warning("upstream_logout_refused", connection_id=connection_id, reason=error.code)
        status = 503 if isinstance(error, UnreachableError) else 400
        told = {"error": "invalid_request", "error_description": "The logout token is not accepted."}
        return json_answer(status, told)
    for one in ended:
        await edge.tell_clients(one.user_id, [one.session_id])
    return Answer(200, b"", [_NO_STORE])


async def _ended(edge: Edge, request: Request, connection: Connection, token: str) -> list[Ended]:
    if not isinstance(connection.settings, OpenIdSettings):
        raise UpstreamError("kind_differs", "a SAML provider sends no logout tokens")
    providers, compact = edge.openid_providers, logout_token.read(token)
    metadata = await providers.metadata(connection.settings.issuer)
    keys = await providers.keys(metadata)
    if not keys.fitting(compact):
        keys = await providers.keys(metadata, but=keys)
    now = edge.server.clock.seconds()
    over = logout_token.ended(compact, keys, metadata.issuer, connection.settings.client_id, now)
    try:
        return await edge.in_thread(edge.server.database.write, lambda tx: _end(edge, tx, request, connection, over))
    except ConflictError:  # the same token, at the same moment
        raise UpstreamError("logout_token_replayed", "the logout token was taken before") from None


def _end(edge: Edge, transaction: Transaction, request: Request, connection: Connection, over: Over) -> list[Ended]:
    where, now_us = connection.organization_id, edge.server.clock.microseconds()
    now = now_us // 1_000_000
    if not upstream_messages.take(transaction, where, connection.id, f"logout {over.id}", now):
        raise UpstreamError("logout_token_replayed", "the logout token was taken before")
    ended = upstream_sessions.end_named(
        transaction, where, connection.id, now, subject=over.subject, upstream_session=over.session
    )
    for one in ended:
        act = Act(
            Event.SIGNED_OUT,
            _SERVER_ASKS,
            where,
            one.session_id,
            network=request.network,
            request_id=request.request_id,
            details={"connection": connection.id},
        )
        audit.record(transaction, act, now_us)
    return ended
