"""Connections that speak OpenID Connect: a browser goes to the provider, and comes back with a code."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rxauth.crypto import secrets
from rxauth.crypto.jws import Signer
from rxauth.domain import connections, upstream_requests
from rxauth.domain.connection_settings import ClientAuthentication, OpenIdSettings
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.connections import Connection
from rxauth.domain.entries import Vouched
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.domain.upstream_requests import Sent, UpstreamRequest
from rxauth.edge.context import Edge
from rxauth.edge.forms import browser_of, query_pairs
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.sso import errands, trials
from rxauth.edge.sso.errands import Errand
from rxauth.federation.openid import authorization, exchange, id_token, identity
from rxauth.federation.openid.exchange import Client, Redeemed, Tokens
from rxauth.federation.openid.id_token import Claims, Expected
from rxauth.federation.openid.metadata import Metadata
from rxauth.federation.problems import UnreachableError, UpstreamError
from rxauth.oauth import sign_in
from rxauth.oauth.browser import Browser
from rxauth.storage.database import Transaction

# All that a provider is asked for one sign-in.
PATIENCE_S: Final = 5.0
_ONCE: Final = ("state", "code", "error", "iss")


@dataclass(frozen=True, slots=True)
class _Back:
    """A browser that came back, whose answer was taken. by: the connection that it was sent away with.

    max_age_s: how old the sign-in at the provider may be; None: it does not matter.
    """

    by: Connection
    settings: OpenIdSettings
    sent: UpstreamRequest
    max_age_s: int | None
    answered: authorization.Answer = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Proven:
    """What a provider said, checked in full."""

    claims: Claims = field(repr=False)
    identity: UpstreamIdentity


async def begin(edge: Edge, connection: Connection, settings: OpenIdSettings, browser: Browser, errand: Errand) -> str:
    """Notes that a browser goes to a provider, and returns the URL that it goes to.

    Raises:
        UpstreamError: the provider cannot be asked, or does not describe itself well.
    """
    metadata = await _patiently(edge.openid_providers.metadata(settings.issuer))
    server, sent = edge.server, authorization.once()

    def work(transaction: Transaction) -> None:
        upstream_requests.begin(
            transaction,
            connection,
            Sent(sent.state, sent.nonce, sent.verifier),
            server.sealing_key,
            server.clock.seconds(),
            browser_digest=secrets.digest(browser.handle or ""),
            sign_in_id=errand.sign_in_id,
            tried_by=errand.tried_by,
        )

    await edge.in_thread(server.database.write, work)
    return authorization.url(metadata, settings, _callback(edge, connection), sent, errand.wishes)


async def come_back(edge: Edge, request: Request) -> Answer:
    """Takes what a browser brings from a provider, once, and only from the browser that was sent there."""
    browser, pairs = browser_of(request), query_pairs(request)
    times = Counter(name for name, _ in pairs)
    if any(times[name] > 1 for name in _ONCE):
        return errands.strange()
    said = dict(pairs)
    back = await edge.in_thread(edge.server.database.write, lambda tx: _taken(edge, tx, request, browser, said))
    if back is None:
        return errands.strange()
    try:
        proven = await _patiently(_proven(edge, back))
    except UpstreamError as error:
        if back.sent.tried_by is not None:
            return await trials.failed(edge, back.sent, error)
        return await errands.turned_away(edge, request, back.by, back.sent.sign_in_id, error)
    vouched = Vouched(back.by, proven.identity)
    if back.sent.tried_by is not None:
        return await trials.succeeded(edge, back.sent, vouched, dict(proven.claims))
    return await errands.arrive(edge, request, browser, back.sent, vouched)


def _taken(
    edge: Edge, transaction: Transaction, request: Request, browser: Browser, said: Mapping[str, str]
) -> _Back | None:
    """Uses up what a browser was sent with; None: it was not sent, or not this one, or not to this connection."""
    server, now = edge.server, edge.server.clock.seconds()
    sent = upstream_requests.find(transaction, said.get("state", ""))
    connection = None if sent is None else connections.find(transaction, sent.connection_id)
    if sent is None or connection is None or errands.is_shut(connection, sent):
        return None
    # An answer of one provider that another had sent here is no answer of that other (RFC 9700 §4.4).
    if connection.name != request.part("name") or not isinstance(connection.settings, OpenIdSettings):
        return None
    max_age_s = None
    if sent.sign_in_id is not None:
        one = sign_in.under_way(server, transaction, sent.sign_in_id, browser)
        if one is None:
            return None
        max_age_s = errands.wishes_of(one).max_age_s
    elif not trials.is_there(server, transaction, sent, browser):
        return None
    if not upstream_requests.use(transaction, sent, now):
        return None
    answered = authorization.Answer(said.get("code"), said.get("error"), said.get("iss"))
    return _Back(connection, connection.settings, sent, max_age_s, answered)


async def _proven(edge: Edge, back: _Back) -> _Proven:
    """Asks the provider who it is, and checks every word of the answer."""
    providers, connection = edge.openid_providers, back.by
    metadata = await providers.metadata(back.settings.issuer)
    code = authorization.code_of(back.answered, metadata)
    tokens = await _redeemed(edge, back, metadata, code)
    claims = await _checked(edge, back, metadata, tokens)
    if identity.needs_userinfo(connection, claims):
        more = await providers.userinfo(metadata, tokens.access_token)
        claims = claims if more is None else identity.joined(claims, more)
    return _Proven(claims, identity.identity(connection, claims, tokens.id_token))


async def _redeemed(edge: Edge, back: _Back, metadata: Metadata, code: str) -> Tokens:
    server, connection = edge.server, back.by
    signer = Signer(server.keys.ring.current, "JWT")
    client = Client(back.settings, connection.secret(server.sealing_key), signer.sign)
    verifier, now = back.sent.verifier(server.sealing_key) or "", server.clock.seconds()
    redeemed = Redeemed(code, _callback(edge, connection), verifier)

    def form() -> exchange.Form:
        return exchange.form(client, metadata, redeemed, now=now)

    is_signed = back.settings.authentication is ClientAuthentication.PRIVATE_KEY_JWT
    made = await edge.in_signing_thread(form) if is_signed else form()
    return await edge.openid_providers.redeem(metadata, made)


async def _checked(edge: Edge, back: _Back, metadata: Metadata, tokens: Tokens) -> Claims:
    """Checks the ID token; the keys are asked for again if it names one that is not among them."""
    providers, compact = edge.openid_providers, id_token.read(tokens.id_token)
    keys = await providers.keys(metadata)
    if not keys.fitting(compact):
        keys = await providers.keys(metadata, but=keys)
    expected = Expected(
        metadata.issuer,
        back.settings.client_id,
        back.sent.answers_to,
        tokens.access_token,
        back.max_age_s,
        edge.server.clock.seconds(),
        back.sent.created_at,
    )
    return id_token.claims(compact, keys, expected)


async def _patiently(asking: Any) -> Any:
    """Waits for a provider, and not for long.

    Raises:
        UnreachableError: it did not answer in time.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asking
    except TimeoutError:
        told = f"the provider did not answer within {PATIENCE_S:.0f} seconds"
        raise UnreachableError("provider_slow", told, is_slow=True) from None


def _callback(edge: Edge, connection: Connection) -> str:
    return urls_of(edge.server.issuer, connection.name).callback
