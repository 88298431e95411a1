"""Single logout over SAML: a provider says, by a browser, that sessions are over: unasked, or because it was asked."""

import hashlib
import hmac
from dataclasses import dataclass

import structlog

from rxauth.crypto import sealing, secrets
from rxauth.domain import audit, upstream_logouts, upstream_messages, upstream_sessions
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.connections import Connection
from rxauth.domain.sessions import Ended
from rxauth.domain.upstream_sessions import UpstreamSession
from rxauth.edge import pages
from rxauth.edge.context import Edge
from rxauth.edge.forms import form_pairs
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, nothing_here, see_other
from rxauth.edge.sso import errands, saml
from rxauth.federation.saml import bindings, identity, logout, parties
from rxauth.federation.saml.bindings import Incoming, Outgoing
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.logout import LogoutRequest
from rxauth.federation.saml.metadata import IdentityProvider
from rxauth.federation.saml.own_metadata import ServiceProvider
from rxauth.oauth.server import Server
from rxauth.storage.database import ConflictError, Transaction

_log = structlog.get_logger("rxauth.sso")
_PROVIDER_ASKS = Actor("server")


@dataclass(frozen=True, slots=True)
class _Parties:
    """Who speaks with whom, through which connection."""

    by: Connection
    us: ServiceProvider
    them: IdentityProvider


async def hear(edge: Edge, request: Request) -> Answer:
    """Takes a logout request, ends what it names and answers it; or takes the answer to one of ours, and leads on."""
    found = await edge.in_thread(_parties, edge.server, request.part("name"))
    if found is None:
        return nothing_here()
    try:
        incoming = await _incoming(request, found.them)
        if incoming.parameter == "SAMLResponse":
            return await edge.in_thread(_back, edge.server, found, incoming)
        ended, answer = await edge.in_thread(_asked, edge.server, request, found, incoming)
    except SamlError as error:
        _log.warning("upstream_logout_refused", connection_id=found.by.id, reason=error.code)
        values = {
            "title": "This logout is not accepted",
            "explanation": "What your organization's identity provider sent does not count here. Nothing was changed.",
            "next_step": "Sign out on the page of your account.",
            "request_id": request.request_id,
        }
        return pages.page("error.html", values, status=400)
    for one in ended:
        await edge.tell_clients(one.user_id, [one.session_id])
    return pages.page("logged_out.html", {"client_name": None}) if answer is None else errands.leave(answer)


def depart(
    server: Server, connection: Connection, settings: SamlSettings, came: UpstreamSession, return_to: str | None
) -> Outgoing | None:
    """Returns how a browser goes to a provider that is to end its session; None: it has no place for that."""
    hint = came.hint(server.sealing_key)
    if settings.slo_url is None or hint is None:
        return None
    us, state = parties.us(server.issuer, connection, saml.keys_of(server, connection)), secrets.new_handle()
    request_id, now = _request_id(server, state), server.clock.seconds()
    if return_to is not None:
        key = server.sealing_key
        server.database.write(lambda tx: upstream_logouts.begin(tx, connection, state, return_to, key, now=now))
    return logout.request(
        us,
        parties.them(settings),
        now,
        request_id=request_id,
        name_id=identity.name_id_of(hint),
        session_index=came.upstream_session,
        relay_state=state,
    )


def _request_id(server: Server, state: str) -> str:
    """Returns the ID of the request that goes with a state: it follows from it, kept or not."""
    key = sealing.derive(server.sealing_key, "SAML logout requests")
    return f"_{hmac.new(key, state.encode(), hashlib.sha256).hexdigest()}"


def _parties(server: Server, name: str) -> _Parties | None:
    found = saml.named(server, name)
    if found is None or found[0].disabled_at is not None:
        return None
    us = parties.us(server.issuer, found[0], saml.keys_of(server, found[0]))
    return _Parties(found[0], us, parties.them(found[1]))


async def _incoming(request: Request, them: IdentityProvider) -> Incoming:
    if request.method != "POST":
        return bindings.from_query(request.query.decode("ascii", "replace"), them.certificates)
    fields = dict(await form_pairs(request, saml.FORM))
    for parameter in ("SAMLRequest", "SAMLResponse"):
        if parameter in fields:
            return bindings.from_form(parameter, fields[parameter], fields.get("RelayState"))
    raise SamlError("no_message", "The form carries no SAML message.")


def _back(server: Server, found: _Parties, incoming: Incoming) -> Answer:
    """Leads a browser on whose session at the provider is over; here it was before it went.

    Raises:
        SamlError: the provider did not say so, or not about the request that this browser went with.
    """
    state = incoming.relay_state or ""
    logout.read_response(incoming, found.us, found.them, _request_id(server, state))
    key, now = server.sealing_key, server.clock.seconds()
    url = server.database.write(lambda tx: upstream_logouts.take(tx, found.by, state, key, now=now))
    return pages.page("logged_out.html", {"client_name": None}) if url is None else see_other(url)


def _asked(
    server: Server, request: Request, found: _Parties, incoming: Incoming
) -> tuple[list[Ended], Outgoing | None]:
    now = server.clock.seconds()
    asked = logout.read_request(incoming, found.us, found.them, now)
    try:
        ended = server.database.write(lambda tx: _end(server, tx, request, found, asked))
    except ConflictError:  # the same request, at the same moment
        raise SamlError("used_before", "The logout request was used before.") from None
    return ended, logout.answer(asked, found.us, found.them, now)


def _end(
    server: Server, transaction: Transaction, request: Request, found: _Parties, asked: LogoutRequest
) -> list[Ended]:
    where, now_us = found.by.organization_id, server.clock.microseconds()
    now = now_us // 1_000_000
    if not upstream_messages.take(transaction, where, found.by.id, f"logout {asked.id}", now):
        raise SamlError("used_before", "The logout request was used before.")
    subject = identity.subject(asked.name_id, found.us, found.them)
    ended: list[Ended] = []
    for index in asked.session_indexes or (None,):
        ended += upstream_sessions.end_named(
            transaction, where, found.by.id, now, subject=subject, upstream_session=index
        )
    for one in ended:
        act = Act(
            Event.SIGNED_OUT,
            _PROVIDER_ASKS,
            where,
            one.session_id,
            network=request.network,
            request_id=request.request_id,
            details={"connection": found.by.id},
        )
        audit.record(transaction, act, now_us)
    return ended
