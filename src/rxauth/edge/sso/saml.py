"""Connections that speak SAML: a browser goes to the provider, and is posted back with an assertion.

The form that comes back is posted from another site, so it brings no cookie, and anybody could have it posted by
anybody's browser. What it proves is therefore kept, and the browser goes on to a URL of this site, where its cookie
tells whether it is the one that was sent: a form that was made elsewhere signs nobody in to another's account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from rxauth.crypto import certificates, secrets
from rxauth.domain import connections, saml_keys, upstream_answers, upstream_messages, upstream_requests
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.connections import Connection
from rxauth.domain.entries import Vouched
from rxauth.domain.saml_keys import Keys
from rxauth.domain.upstream_answers import UpstreamAnswer
from rxauth.domain.upstream_requests import Sent, UpstreamRequest
from rxauth.edge.context import Edge
from rxauth.edge.forms import Limits, browser_of, form_pairs, query_pairs
from rxauth.edge.guards import BODY_LIMIT_BYTES
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, nothing_here, see_other
from rxauth.edge.sso import errands, trials
from rxauth.edge.sso.errands import Errand
from rxauth.federation.saml import assertions, bindings, identity, own_metadata, parties, requests
from rxauth.federation.saml.bindings import Outgoing
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.requests import Wishes
from rxauth.federation.saml.responses import Expected
from rxauth.oauth import sign_in
from rxauth.oauth.browser import Browser
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.server import Server
from rxauth.oauth.sign_in import UnderWay
from rxauth.storage.database import ConflictError, Transaction

FORM: Final = Limits(fields=10, characters=BODY_LIMIT_BYTES)
_METADATA: Final = [
    (b"content-type", b"application/samlmetadata+xml"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response that is not accepted. sent None: it answers nothing that a browser was sent with."""

    by: Connection
    sent: UpstreamRequest | None
    error: SamlError


@dataclass(frozen=True, slots=True)
class _Back:
    """The browser that was sent is back, and whom the provider vouches for."""

    by: Connection
    sent: UpstreamRequest
    answer: UpstreamAnswer
    since: int | None


async def metadata(edge: Edge, request: Request) -> Answer:
    """Publishes who this server is to the provider of a connection."""
    found = await edge.in_thread(_metadata, edge.server, request.part("name"))
    return nothing_here() if found is None else Answer(200, found, list(_METADATA))


async def begin(
    edge: Edge, connection: Connection, settings: SamlSettings, browser: Browser, errand: Errand
) -> Outgoing:
    """Notes that a browser goes to a provider, and returns what it takes there."""
    server, state, request_id = edge.server, secrets.new_handle(), requests.new_message_id()

    def note(transaction: Transaction) -> None:
        upstream_requests.begin(
            transaction,
            connection,
            Sent(state, request_id),
            server.sealing_key,
            server.clock.seconds(),
            browser_digest=secrets.digest(browser.handle or ""),
            sign_in_id=errand.sign_in_id,
            tried_by=errand.tried_by,
        )

    def work() -> Outgoing:
        keys = keys_of(server, connection)
        us = parties.us(server.issuer, connection, keys.next_first() if errand.signs_with_next else keys)
        server.database.write(note)
        wishes, now = Wishes(is_forced=_is_forced(errand)), server.clock.seconds()
        them = parties.them(settings)
        return requests.authentication_request(us, them, wishes, now, request_id=request_id, relay_state=state)

    return await edge.in_thread(work)


async def consume(edge: Edge, request: Request) -> Answer:
    """Takes a response that a browser was posted here with, and sends the browser on, as a request of this site."""
    fields = alone(await form_pairs(request, FORM))
    outcome = await edge.in_thread(_consumed, edge.server, request.part("name"), fields)
    if isinstance(outcome, str):
        return see_other(outcome)
    if outcome is None:
        return errands.strange()
    if outcome.sent is not None and outcome.sent.tried_by is not None:
        return await trials.failed(edge, outcome.sent, outcome.error)
    return errands.refused(edge, request, outcome.by, None, outcome.error)


async def come_back(edge: Edge, request: Request) -> Answer:
    """Gives the browser that was sent to the provider what came of it, once."""
    browser, state = browser_of(request), dict(query_pairs(request)).get("state", "")
    name = request.part("name")
    back = await edge.in_thread(edge.server.database.write, lambda tx: _taken(edge.server, tx, name, browser, state))
    if back is None:
        return errands.strange()
    vouched = Vouched(back.by, back.answer.identity)
    if back.sent.tried_by is not None:
        return await trials.succeeded(edge, back.sent, vouched, back.answer.claims)
    if back.since is not None and back.answer.authenticated_at < back.since - assertions.CLOCK_SKEW_S:
        told = SamlError("not_anew", "The person was to be authenticated anew, and the provider did not.")
        return errands.refused(edge, request, back.by, back.sent.sign_in_id, told)
    return await errands.arrive(edge, request, browser, back.sent, vouched)


def keys_of(server: Server, connection: Connection) -> Keys:
    """Returns the keys of a connection, which are made when they are needed first; not for the event loop."""
    found = server.database.read(lambda tx: saml_keys.load(tx, connection, server.sealing_key))
    if found is not None:
        return found
    now = server.clock.seconds()
    made = certificates.new_key_pair(urls_of(server.issuer, connection.name).entity_id, now, saml_keys.VALID_FOR_S)

    def work(transaction: Transaction) -> Keys | None:
        saml_keys.make_first(transaction, connection, made, server.sealing_key, now)
        return saml_keys.load(transaction, connection, server.sealing_key)

    try:
        keys = server.database.write(work)
    except ConflictError:  # somebody made one at the same moment
        keys = server.database.read(lambda tx: saml_keys.load(tx, connection, server.sealing_key))
    return keys or Keys((made,), ())


def named(server: Server, name: str) -> tuple[Connection, SamlSettings] | None:
    """Returns the SAML connection of a name, or None."""
    found = server.database.read(lambda tx: connections.named(tx, name))
    if found is None or not isinstance(found.settings, SamlSettings):
        return None
    return found, found.settings


def _metadata(server: Server, name: str) -> bytes | None:
    found = named(server, name)
    if found is None:
        return None
    return own_metadata.write(parties.us(server.issuer, found[0], keys_of(server, found[0])))


def _consumed(server: Server, name: str, fields: Mapping[str, str]) -> str | Refusal | None:
    """Judges what was posted; returns where the browser goes on, why it does not, or None: it answers nothing."""
    found, state = named(server, name), fields.get("RelayState", "")
    if found is None:
        return None
    connection, settings = found
    sent = server.database.read(lambda tx: upstream_requests.find(tx, state)) if state else None
    if errands.is_shut(connection, sent):
        return None
    if sent is not None and (sent.connection_id != connection.id or sent.used_at is not None):
        return None
    try:
        incoming = bindings.from_form("SAMLResponse", fields.get("SAMLResponse", ""), state)
        if sent is None and incoming.root.get("InResponseTo") is not None:
            return None
        if sent is None and not settings.idp_initiated:
            raise SamlError("not_asked_for", "The provider began by itself, which this connection does not allow.")
        us, them = parties.us(server.issuer, connection, keys_of(server, connection)), parties.them(settings)
        expected = Expected(us, them, None if sent is None else sent.answers_to)
        one = assertions.accepted(incoming.root, expected, server.clock.seconds())
        vouched = identity.identity(connection, one, us, them)
    except SamlError as error:
        return Refusal(connection, sent, error)
    if sent is None:
        return f"/sso/{connection.name}"
    answer = UpstreamAnswer(vouched, one.authenticated_at, identity.claims(one))
    on = f"{urls_of('', connection.name).assertion_consumer}?{urlencode({'state': state})}"
    return _kept(server, connection, sent, answer, one.id) or on


def _kept(
    server: Server, connection: Connection, sent: UpstreamRequest, answer: UpstreamAnswer, assertion_id: str
) -> Refusal | None:
    """Uses up the assertion and the request, and keeps the answer; returns why not, if one was used before."""

    def work(transaction: Transaction) -> bool:
        now = server.clock.seconds()
        if not upstream_messages.take(transaction, connection.organization_id, connection.id, assertion_id, now):
            return False
        if not upstream_requests.use(transaction, sent, now):
            return False
        upstream_answers.keep(transaction, sent, answer, server.sealing_key)
        return True

    try:
        is_first = server.database.write(work)
    except ConflictError:  # it was posted twice at the same moment
        is_first = False
    told = SamlError("used_before", "The assertion was used before, or its sign-in took more than 30 minutes.")
    return None if is_first else Refusal(connection, sent, told)


def _taken(server: Server, transaction: Transaction, name: str, browser: Browser, state: str) -> _Back | None:
    """Takes what was kept; None: nothing, or for another browser, or another connection."""
    sent = upstream_requests.find(transaction, state)
    connection = None if sent is None else connections.find(transaction, sent.connection_id)
    if sent is None or connection is None or errands.is_shut(connection, sent) or connection.name != name:
        return None
    since = None
    if sent.sign_in_id is not None:
        one = sign_in.under_way(server, transaction, sent.sign_in_id, browser)
        if one is None:
            return None
        since = _since(one, sent)
    elif not trials.is_there(server, transaction, sent, browser):
        return None
    answer = upstream_answers.take(transaction, sent, server.sealing_key, server.clock.seconds())
    return None if answer is None else _Back(connection, sent, answer, since)


def _is_forced(errand: Errand) -> bool:
    """Tells whether somebody must prove itself at the provider anew: a protocol without ages has only that."""
    wishes = errand.wishes
    return wishes.max_age_s is not None or _asks_anew(wishes.prompt)


def _since(one: UnderWay, sent: UpstreamRequest) -> int | None:
    """Returns since when somebody must have proved itself at the provider (UTC seconds), or None: whenever."""
    wishes = errands.wishes_of(one)
    if not isinstance(one.request, PageRequest) and _asks_anew(wishes.prompt):
        return sent.created_at
    return None if wishes.max_age_s is None else sent.created_at - wishes.max_age_s


def _asks_anew(prompt: str | None) -> bool:
    return bool({"login", "select_account"} & set((prompt or "").split()))


def alone(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Returns the fields of a form; of one that is there twice, none."""
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}
