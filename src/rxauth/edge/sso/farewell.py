"""Signing out at the identity provider too: a browser goes there, and comes back to where the client wants it."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from rxauth.domain import connections, upstream_sessions
from rxauth.domain.connection_settings import OpenIdSettings, SamlSettings
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.connections import Connection
from rxauth.domain.sessions import Session
from rxauth.domain.upstream_sessions import UpstreamSession
from rxauth.edge import pages
from rxauth.edge.context import Edge
from rxauth.edge.forms import query_pairs
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.sso import saml_logout, way_back
from rxauth.federation.problems import UpstreamError
from rxauth.federation.saml.bindings import Outgoing
from rxauth.storage.database import Transaction

PATIENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Farewell:
    """The session at a provider that a session of ours came of."""

    by: Connection
    came: UpstreamSession


def of(transaction: Transaction, session: Session | None) -> Farewell | None:
    """Returns where else a session is to end; None: nowhere."""
    if session is None or session.confined_to is None:
        return None
    came = upstream_sessions.find(transaction, session.confined_to, session.id)
    connection = None if came is None else connections.find(transaction, came.connection_id)
    if came is None or connection is None or connection.disabled_at is not None:
        return None
    return Farewell(connection, came)


async def way(edge: Edge, one: Farewell, return_to: str | None) -> Outgoing | None:
    """Returns how a browser goes to the provider that signs it out; None: it cannot, or does not answer now.

    return_to: where the browser goes after that, which was checked already; None: nowhere.
    """
    settings = one.by.settings
    if isinstance(settings, SamlSettings):
        return await edge.in_thread(saml_logout.depart, edge.server, one.by, settings, one.came, return_to)
    try:
        async with asyncio.timeout(PATIENCE_S):
            metadata = await edge.openid_providers.metadata(settings.issuer)
    except (UpstreamError, TimeoutError):
        return None
    there = metadata.end_session_endpoint
    if there is None:
        return None
    return Outgoing(f"{there}{'&' if '?' in there else '?'}{_asked(edge, one, settings, return_to)}")


async def come_back(edge: Edge, request: Request) -> Answer:
    """Leads a browser on that was signed out at a provider; it goes nowhere but where this server had sealed."""
    url = way_back.unsealed(edge.server, dict(query_pairs(request)).get("state", ""))
    return pages.page("logged_out.html", {"client_name": None}) if url is None else see_other(url)


def _asked(edge: Edge, one: Farewell, settings: OpenIdSettings, return_to: str | None) -> str:
    """Returns the parameters of a logout (OpenID Connect RP-Initiated Logout §2)."""
    hint = one.came.hint(edge.server.sealing_key)
    asked = {
        **({} if hint is None else {"id_token_hint": hint.decode()}),
        "client_id": settings.client_id,
        "post_logout_redirect_uri": urls_of(edge.server.issuer, one.by.name).signed_out,
        "state": way_back.sealed(edge.server, return_to),
    }
    return urlencode(asked)
