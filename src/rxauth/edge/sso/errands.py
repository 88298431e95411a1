"""Why a browser is sent to an identity provider, and what comes of it, whichever protocol it speaks."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import structlog

from rxauth.domain.audit import ANONYMOUS, Act, Event
from rxauth.domain.connections import Connection
from rxauth.domain.entries import Refused, Vouched
from rxauth.domain.upstream_requests import UpstreamRequest
from rxauth.edge import pages
from rxauth.edge.addresses import SETTINGS_PATH, SIGN_IN_PATH
from rxauth.edge.authorize import deliver, origin_of
from rxauth.edge.context import Edge
from rxauth.edge.cookies import carrying
from rxauth.edge.forms import browser_of, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.federation import arrival
from rxauth.federation.arrival import SignedIn
from rxauth.federation.openid.authorization import Wishes
from rxauth.federation.problems import NotAdmittedError, UnreachableError, UpstreamError
from rxauth.federation.saml.bindings import Outgoing
from rxauth.oauth import page_request, sign_in
from rxauth.oauth.authorization_request import AuthorizationRequest, AuthorizationResponse
from rxauth.oauth.browser import Browser
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.sign_in import UnderWay
from rxauth.storage.database import ConflictError, Transaction

_NO_WISHES: Final = Wishes()
_UPSTREAM_PROMPTS: Final = ("login", "select_account")
_NO_ANSWER: Final = "Your organization's identity provider cannot be reached at this moment. Nothing was changed."
_NO_ENTRY: Final = "Your organization's identity provider did not let you in, or not in a way that counts here."
_NOT_ADMITTED: Final = (
    "Your organization's identity provider knows you, but your organization does not let you in here. "
    "Its administrators can see why."
)
_log = structlog.get_logger("rxauth.sso")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a browser is sent for: a sign-in, or, of somebody at the settings page, to try the connection.

    signs_with_next: with our certificate that is published and not used yet, to try that; of SAML only.
    """

    sign_in_id: str | None = None
    tried_by: str | None = None
    signs_with_next: bool = False
    wishes: Wishes = field(default=_NO_WISHES, repr=False)


def of_sign_in(one: UnderWay, login_hint: str | None = None) -> Errand:
    """Returns the errand of a sign-in that an identity provider is to answer; login_hint: an address that was typed."""
    return Errand(one.sign_in.id, wishes=wishes_of(one, login_hint))


def wishes_of(one: UnderWay, login_hint: str | None = None) -> Wishes:
    """Returns what a sign-in asks of the provider, because its client asked it of this server."""
    request = one.request
    if isinstance(request, PageRequest):
        return Wishes(login_hint, None if request.max_age_s is None else "login", request.max_age_s)
    prompts = " ".join(each for each in _UPSTREAM_PROMPTS if each in request.prompts)
    return Wishes(login_hint or request.login_hint, prompts or None, request.max_age_s)


async def arrive(edge: Edge, request: Request, browser: Browser, sent: UpstreamRequest, vouched: Vouched) -> Answer:
    """Takes an identity that was checked in full to the sign-in that the browser was sent away in."""
    sign_in_id = sent.sign_in_id or ""

    def work(transaction: Transaction) -> arrival.SignedIn | arrival.Goes | Refused:
        return arrival.arrive(edge.server, transaction, sign_in_id, vouched, browser)

    write = edge.server.database.write
    try:
        found = await edge.in_thread(write, work)
    except ConflictError:  # somebody came at the same moment: now it is known who
        found = await edge.in_thread(write, work)
    if isinstance(found, Refused):
        told = NotAdmittedError(found.code, found.explanation)
        return await turned_away(edge, request, vouched.by, sign_in_id, told)
    if not isinstance(found, SignedIn):
        return see_other(f"{SIGN_IN_PATH}/{sign_in_id}")
    edge.metrics.upstream_sign_ins.add("signed_in")
    cookie = carrying(found.handle)
    if isinstance(found.outcome, AuthorizationResponse):
        return deliver(found.outcome, cookie)
    if isinstance(found.outcome, PageRequest):
        return see_other(page_request.location(found.outcome, edge.server.sealing_key), cookie)
    return see_other(f"{SIGN_IN_PATH}/{sign_in_id}", cookie)


def trial_url(connection_id: str, name: str) -> str:
    """Returns the page that shows what came of a trial; name: as `connection_trials.keep` returned it."""
    return f"{SETTINGS_PATH}/connections/{connection_id}/trial?of={name}"


def is_shut(connection: Connection, sent: UpstreamRequest | None) -> bool:
    """Tells whether nobody comes back through a connection: one that is switched off is still tried."""
    return connection.disabled_at is not None and (sent is None or sent.tried_by is None)


def leave(way: Outgoing, *, after_form: bool = False) -> Answer:
    """Sends a browser to an identity provider, with a form if it is to post one there.

    after_form: it sent a form, and where the answer to a form leads, the page that it was on decides: so another page
    comes between.
    """
    if way.form is not None:
        return pages.upstream_post(way.url, way.form)
    if not after_form:
        return see_other(way.url)
    return pages.page("leave.html", {"url": way.url, "host": urlsplit(way.url).hostname})


async def turned_away(
    edge: Edge, request: Request, connection: Connection, sign_in_id: str | None, error: UpstreamError
) -> Answer:
    """Says that it did not work; see `refused`. Of a client's sign-in the person can go back to the client."""
    server, browser = edge.server, browser_of(request)
    one: UnderWay | None = None
    if sign_in_id is not None:
        known = sign_in_id
        one = await edge.in_thread(server.database.read, lambda tx: sign_in.under_way(server, tx, known, browser))
    asked = None if one is None else one.request
    target = origin_of(asked.redirect_uri) if isinstance(asked, AuthorizationRequest) else None
    return refused(edge, request, connection, sign_in_id, error, target=target)


def refused(
    edge: Edge,
    request: Request,
    connection: Connection,
    sign_in_id: str | None,
    error: UpstreamError,
    *,
    target: str | None = None,
) -> Answer:
    """Says that it did not work; why, only the organization's administrators learn, from the log of activity.

    target: the origin of the client that the person may go back to; None: it is none's sign-in.
    """
    is_theirs = isinstance(error, UnreachableError)
    edge.metrics.upstream_sign_ins.add("unreachable" if is_theirs else "refused")
    act = Act(
        Event.SIGN_IN_REFUSED,
        ANONYMOUS,
        connection.organization_id,
        connection.id,
        reason=error.code,
        network=request.network,
        request_id=request.request_id,
    )
    edge.refusals.note(act)
    _log.warning(
        "upstream_sign_in_refused",
        request_id=request.request_id,
        connection_id=connection.id,
        reason=error.code,
        explanation=str(error),
    )
    status, explanation = 403, _NOT_ADMITTED if isinstance(error, NotAdmittedError) else _NO_ENTRY
    if isinstance(error, UnreachableError):
        status, explanation = 504 if error.is_slow else 502, _NO_ANSWER
    way = f"{SIGN_IN_PATH}/{sign_in_id}"
    values = {
        "title": "The sign-in service does not answer" if is_theirs else "You could not be signed in",
        "explanation": explanation,
        "request_id": request.request_id,
        "is_for_client": target is not None,
        "action": None if sign_in_id is None else way,
        "csrf": None if sign_in_id is None else token(browser_of(request).handle or "", sign_in_id),
    }
    return pages.page("sso_failed.html", values, status=status, form_target=target)


def strange() -> Answer:
    """Answers a browser that comes back with what this server did not send it away with."""
    values = {
        "title": "This sign-in is over",
        "explanation": "It was finished, it took more than 30 minutes, or it was begun in another browser.",
        "next_step": "Go back to the application and sign in again.",
        "request_id": None,
    }
    return pages.page("error.html", values, status=400)
