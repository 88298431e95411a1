"""A sign-in under way: what it is for, what it needs next, and what each proof and choice does to it.

Every act looks at the sign-in anew and does only what is due: a page that is opened again, skipped to, or sent twice
changes nothing.
"""

from dataclasses import dataclass, replace

import msgspec

from rxauth.crypto import secrets
from rxauth.domain import (
    audit,
    connections,
    device_notices,
    factors,
    joining,
    pending_links,
    sessions,
    sign_ins,
    upstream_sessions,
)
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.clients import Client
from rxauth.domain.entries import Vouched
from rxauth.domain.joining import Joined
from rxauth.domain.mails import Outbox
from rxauth.domain.pending_links import Link
from rxauth.domain.sessions import Proof
from rxauth.domain.sign_ins import SignIn
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.oauth import authorization_request as messages
from rxauth.oauth.authorization_request import AuthorizationRequest, AuthorizationResponse
from rxauth.oauth.browser import Browser, client_of, look
from rxauth.oauth.endpoints import authorize
from rxauth.oauth.endpoints.authorize import Waiting
from rxauth.oauth.errors import AccessDeniedError, OAuthError
from rxauth.oauth.page_request import PageRequest, resumed
from rxauth.oauth.server import Server
from rxauth.oauth.step_kinds import Deny, Finish, ProveSecondFactor, SetUpSecondFactor, Step
from rxauth.oauth.steps import Progress, Situation, as_error, next_step, next_step_of_page
from rxauth.policy.assurance import AAL2, FEDERATED, acr_of
from rxauth.storage.database import Transaction

Request = AuthorizationRequest | PageRequest


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A sign-in as it stands. client None: it is for a page of our own."""

    sign_in: SignIn
    request: Request
    client: Client | None
    found: Situation
    step: Step


def begin_for_page(server: Server, transaction: Transaction, request: PageRequest, browser: Browser) -> Waiting:
    """Begins a sign-in that leads to a page of our own."""
    handle = browser.handle or secrets.new_handle()
    encoded = msgspec.json.encode(request).decode()
    begun = sign_ins.begin(transaction, secrets.digest(handle), encoded, server.clock.seconds())
    return Waiting(begun.id, handle)


def under_way(server: Server, transaction: Transaction, sign_in_id: str, browser: Browser) -> UnderWay | None:
    """Returns a sign-in as it stands now; None: it is over, or belongs to another browser."""
    now = server.clock.seconds()
    sign_in = sign_ins.find(transaction, sign_in_id)
    if sign_in is None or browser.handle is None or not sign_in.is_open(now):
        return None
    if not secrets.matches(secrets.digest(browser.handle), sign_in.browser_digest):
        return None
    request: Request = msgspec.json.decode(sign_in.request, type=Request)
    waiting = pending_links.of(sign_in, server.sealing_key)
    progress = Progress(
        sign_in.user_id,
        sign_in.is_authenticated,
        sign_in.organization_id,
        sign_in.consented_at is not None,
        None if waiting is None else waiting.user_id,
    )
    if isinstance(request, PageRequest):
        found = look(server, transaction, browser.handle, None)
        return UnderWay(sign_in, request, None, found, next_step_of_page(request, progress, found, now))
    client = client_of(server, transaction, request.client_id)
    if client is None or client.disabled:
        return None
    found = look(server, transaction, browser.handle, client)
    return UnderWay(sign_in, request, client, found, next_step(request, client, progress, found, now))


def prove(server: Server, transaction: Transaction, one: UnderWay, proof: Proof, browser: Browser) -> str | None:
    """Adds a proof to a sign-in; returns the browser's new handle if its person is signed in now.

    None: a second factor is owed. The old handle is dead as soon as there is a new one.

    Raises:
        AccessDeniedError: an identity waited for the proof, and may not be linked to its person any longer.
    """
    now = server.clock.seconds()
    proof = _with_what_was_proven_before(one, proof)
    if acr_of(proof.methods) != AAL2 and factors.has_second(transaction, proof.user_id):
        sign_ins.owe_second_factor(transaction, one.sign_in.id, proof, now)
        return None
    waiting = pending_links.of(one.sign_in, server.sealing_key)
    if waiting is None:
        return _signed_in(server, transaction, one, proof, browser)
    proof = _linked(transaction, waiting, proof, now)
    return _signed_in(server, transaction, one, proof, browser, identity=waiting.identity)


def accept(
    server: Server,
    transaction: Transaction,
    one: UnderWay,
    link: Link,
    browser: Browser,
) -> str:
    """Signs a person in for whom an identity provider vouched, in its organization only; see `prove`.

    A second factor is not owed because the person has one here, but where it is asked for.
    """
    identity = link.identity
    methods, only = (FEDERATED, *identity.methods), identity.organization_id
    proof = Proof(link.user_id, methods, browser.network, browser.device, confined_to=only)
    return _signed_in(server, transaction, one, proof, browser, identity=identity)


def _signed_in(
    server: Server,
    transaction: Transaction,
    one: UnderWay,
    proof: Proof,
    browser: Browser,
    *,
    identity: UpstreamIdentity | None = None,
) -> str:
    """Begins or renews the session; identity: what it came of, None: of a proof made here."""
    now = server.clock.seconds()
    handle, session_id = _session(server, transaction, one, proof, now, is_new=identity is not None)
    if identity is not None:
        upstream_sessions.note(transaction, session_id, identity, server.sealing_key)
    sign_ins.note_authenticated(transaction, one.sign_in.id, now)
    sign_ins.rebind(transaction, secrets.digest(browser.handle or ""), secrets.digest(handle))
    details = {"methods": " ".join(proof.methods)}
    act = Act(
        Event.SIGNED_IN,
        Actor("person", proof.user_id),
        None if identity is None else identity.organization_id,
        target=session_id,
        network=proof.network,
        details=details if identity is None else details | {"connection": identity.connection_id},
    )
    audit.record(transaction, act, server.clock.microseconds())
    return handle


def finish(server: Server, transaction: Transaction, one: UnderWay) -> AuthorizationResponse | PageRequest | None:
    """Ends a sign-in to which nothing is missing, or which cannot succeed; None: a person is needed still."""
    now = server.clock.seconds()
    if not isinstance(one.step, (Finish, Deny)) or not sign_ins.finish(transaction, one.sign_in.id, now):
        return None
    if isinstance(one.request, PageRequest):
        if isinstance(one.step, Finish) and one.step.organization_id is not None and one.found.session is not None:
            sessions.choose_organization(transaction, one.found.session.id, one.step.organization_id, now)
        return resumed(one.request, one.sign_in.id)
    error = as_error(one.step)
    if isinstance(one.step, Finish) and one.found.session is not None:
        try:
            return authorize.complete(server, transaction, one.request, one.found.session, one.step)
        except OAuthError as refused:
            error = refused
    assert error is not None  # noqa: S101  # only Finish has none, and Finish has a session
    return messages.failure(one.request, error, server.issuer)


def cancel(
    server: Server, transaction: Transaction, one: UnderWay, error: OAuthError
) -> AuthorizationResponse | PageRequest | None:
    """Ends a sign-in because its person said no; None: it was over already."""
    if not sign_ins.finish(transaction, one.sign_in.id, server.clock.seconds()):
        return None
    if isinstance(one.request, PageRequest):
        return resumed(one.request, one.sign_in.id)
    return messages.failure(one.request, error, server.issuer)


def _with_what_was_proven_before(one: UnderWay, proof: Proof) -> Proof:
    """Adds a second proof to the first one of this sign-in, or to the session that it strengthens."""
    session = one.found.session
    if one.sign_in.user_id == proof.user_id:
        return _added(one.sign_in.methods, proof, one.sign_in.confined_to)
    is_step_up = isinstance(one.step, (ProveSecondFactor, SetUpSecondFactor))
    if session is not None and is_step_up and session.user_id == proof.user_id:
        return _added(session.methods, proof, session.confined_to)
    return proof


def _added(before: tuple[str, ...], proof: Proof, confined_to: str | None) -> Proof:
    return replace(proof, methods=tuple(dict.fromkeys((*before, *proof.methods))), confined_to=confined_to)


def _linked(transaction: Transaction, waiting: Link, proof: Proof, now: int) -> Proof:
    """Links the identity that waited to the person who proved itself; the session is the provider's from then on."""
    identity = waiting.identity
    connection = connections.find(transaction, identity.connection_id)
    found = None
    if connection is not None:
        found = joining.link(transaction, Vouched(connection, identity), proof.user_id, now)
    if not isinstance(found, Joined) or proof.user_id != waiting.user_id:
        raise AccessDeniedError("The account of the identity provider could not be linked to this one.")
    methods = tuple(dict.fromkeys((FEDERATED, *identity.methods, *proof.methods)))
    return replace(proof, methods=methods, confined_to=identity.organization_id)


def _session(
    server: Server, transaction: Transaction, one: UnderWay, proof: Proof, now: int, *, is_new: bool
) -> tuple[str, str]:
    """Renews the browser's session if it is this person's, opens as much, and is young enough for its organizations."""
    session, person = one.found.session, one.found.person
    is_same = session is not None and (session.user_id, session.confined_to) == (proof.user_id, proof.confined_to)
    if session is not None and person is not None and is_same and not is_new:
        limits = server.lifetimes.sessions
        for membership in person.memberships.values():
            limits = limits.within(membership.session_idle_s, membership.session_lifetime_s)
        if session.is_live(limits, now):
            return sessions.renew(transaction, session, proof.methods, now), session.id
    if session is not None:
        sessions.end(transaction, session.id, session.user_id, now)
    begun, handle = sessions.start(transaction, proof, now)
    device_notices.tell(transaction, begun, Outbox(server.issuer, server.sealing_key), now)
    return handle, begun.id
