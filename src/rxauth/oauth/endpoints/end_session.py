"""Signing out: the published clients' way, and the standard's (OpenID Connect RP-Initiated Logout)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rxauth.domain import audit, sessions
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.client_urls import UrlKind, matches
from rxauth.domain.clients import NATIVE, Client
from rxauth.domain.sessions import Session
from rxauth.oauth import id_token_hints, logout_tokens
from rxauth.oauth.logout_tokens import Notice
from rxauth.oauth.server import Server
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request to sign out comes to.

    is_certain: the client proved that it means this very session; otherwise the person is asked. return_to None:
    nowhere. client None: no client that is known asks.
    """

    is_certain: bool
    client: Client | None
    return_to: str | None = field(repr=False)


def return_url(client: Client | None, presented: str | None) -> str | None:
    """Returns where to go after a logout, if the client registered it byte for byte; None: nowhere."""
    if client is None or client.disabled or presented is None:
        return None
    return presented if matches(client.urls[UrlKind.LOGOUT], presented, is_native=client.app_type == NATIVE) else None


def end(server: Server, handle: str | None, network: str, request_id: str) -> tuple[Notice, ...]:
    """Ends the session of a cookie, with all that it led to; returns what its clients must be told."""
    if handle is None:
        return ()
    now, now_us = server.clock.seconds(), server.clock.microseconds()

    def work(transaction: Transaction) -> Session | None:
        session = sessions.find(transaction, handle)
        if session is None or not sessions.end(transaction, session.id, session.user_id, now):
            return None
        act = Act(
            Event.SIGNED_OUT,
            Actor("person", session.user_id),
            session.organization_id,
            session.id,
            network=network,
            request_id=request_id,
        )
        audit.record(transaction, act, now_us)
        return session

    session = server.database.write(work)
    return () if session is None else logout_tokens.notices(server, session.id, session.user_id)


def wanted(server: Server, asked: Mapping[str, str], session: Session | None, client: Client | None) -> Wanted:
    """Judges a request to sign out, which only the hint can make certain (RP-Initiated Logout §2).

    client: the one of `client_id`, if it was sent; that of the hint may be read.
    """
    claims = _hinted(server, asked.get("id_token_hint"))
    client_id = asked.get("client_id", None if claims is None else claims["aud"])
    if client_id is not None and "client_id" not in asked:
        client = server.clients.peek(client_id) or server.clients.fetch(client_id)
    if claims is None or claims["aud"] != client_id:
        return Wanted(False, client, None)
    if session is not None and (claims["sub"], claims["sid"]) != (session.user_id, session.id):
        return Wanted(False, client, None)
    where = asked.get("post_logout_redirect_uri")
    return_to = return_url(client, where)
    if where is not None and return_to is None:
        return Wanted(False, client, None)
    if return_to is not None and "state" in asked:
        return_to += ("&" if "?" in return_to else "?") + urlencode({"state": asked["state"]})
    return Wanted(True, client, return_to)


def _hinted(server: Server, token: str | None) -> dict[str, Any] | None:
    """Returns what an ID token of this server says, expired or not; None: it is none."""
    claims = None if token is None else id_token_hints.read(server, token)
    whole = claims is not None and all(isinstance(claims.get(name), str) for name in ("aud", "sid"))
    return claims if whole else None
