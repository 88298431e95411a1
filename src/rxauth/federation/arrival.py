"""Arriving: what comes of a sign-in once a provider has vouched for somebody, whichever protocol it speaks."""

from dataclasses import dataclass, field

from rxauth.domain import connections, joining, pending_links
from rxauth.domain.entries import Refused, Vouched
from rxauth.domain.joining import MustProve
from rxauth.domain.pending_links import Link
from rxauth.oauth import sign_in
from rxauth.oauth.authorization_request import AuthorizationResponse
from rxauth.oauth.browser import Browser
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.server import Server
from rxauth.oauth.step_kinds import GoUpstream, LogIn
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person is signed in. handle: the browser's new one. outcome None: the sign-in needs more."""

    user_id: str
    handle: str = field(repr=False)
    outcome: AuthorizationResponse | PageRequest | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Goes:
    """The sign-in goes on with what it needs next: a proof made here, or what another tab left to do."""


def arrive(
    server: Server,
    transaction: Transaction,
    sign_in_id: str,
    vouched: Vouched,
    browser: Browser,
) -> SignedIn | Goes | Refused:
    """Takes an identity that was checked in full to the sign-in in which this browser was sent away."""
    one, now = sign_in.under_way(server, transaction, sign_in_id, browser), server.clock.seconds()
    if one is None:
        return Refused("sign_in_over", "the sign-in took too long, or is over")
    if not isinstance(one.step, (LogIn, GoUpstream)):
        return Goes()
    found = joining.join(transaction, vouched, now)
    if isinstance(found, Refused):
        return found
    link = Link(found.user_id, vouched.identity)
    if isinstance(found, MustProve):
        pending_links.keep(transaction, sign_in_id, link, server.sealing_key)
        return Goes()
    if vouched.by.proven_at is None:
        connections.note_proven(transaction, vouched.by, now)
    handle = sign_in.accept(server, transaction, one, link, browser)
    after = sign_in.under_way(server, transaction, sign_in_id, browser.with_handle(handle))
    outcome = None if after is None else sign_in.finish(server, transaction, after)
    return SignedIn(found.user_id, handle, outcome)
