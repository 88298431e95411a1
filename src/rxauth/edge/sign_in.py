"""The pages of a sign-in: each shows what is due, and each form does what is due, or leads back to it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from rxauth.domain import consents, emergency_access, home_realm, sign_ins
from rxauth.edge import pages, proofs, second_factors
from rxauth.edge.addresses import SIGN_IN_PATH
from rxauth.edge.authorize import deliver, origin_of
from rxauth.edge.context import Edge
from rxauth.edge.cookies import carrying, keeping
from rxauth.edge.forms import browser_of, query_pairs, read_form, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.sign_in_pages import BY_HAND, asking, only_organization, values_of
from rxauth.edge.sso import errands
from rxauth.edge.sso.departure import leave_for
from rxauth.edge.visits import outbox
from rxauth.oauth import page_request, sign_in
from rxauth.oauth.authorization_request import AuthorizationRequest, AuthorizationResponse
from rxauth.oauth.browser import Browser
from rxauth.oauth.errors import AccessDeniedError
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.sign_in import UnderWay
from rxauth.oauth.step_kinds import (
    AskConsent,
    ChooseOrganization,
    Deny,
    Finish,
    GoUpstream,
    LogIn,
    ProveSecondFactor,
    SetUpSecondFactor,
    UseEmergencyAccess,
)
from rxauth.storage.database import Transaction

Outcome = UnderWay | AuthorizationResponse | PageRequest | None


async def show(edge: Edge, request: Request) -> Answer:
    """Shows what a sign-in needs next, or takes its answer where it belongs."""
    browser = browser_of(request)
    outcome = await _continued(edge, request.part("sign_in_id"), browser)
    if not isinstance(outcome, UnderWay):
        return _ended(edge, outcome)
    if isinstance(outcome.step, GoUpstream):
        return await leave_for(edge, request, browser, outcome.step.connection_id, errands.of_sign_in(outcome))
    return await _page(edge, outcome, browser, query=dict(query_pairs(request)))


async def act(edge: Edge, request: Request) -> Answer:
    """Does what a form asks for if it is due now, and goes on."""
    sign_in_id = request.part("sign_in_id")
    fields = await read_form(request, sign_in_id)
    browser = browser_of(request)
    one = await _continued(edge, sign_in_id, browser)
    if not isinstance(one, UnderWay):
        return _ended(edge, one)
    if fields.get("act") == "cancel":
        denied = AccessDeniedError("The person did not want to sign in.")
        database = edge.server.database
        return _ended(
            edge, await edge.in_thread(database.write, lambda tx: sign_in.cancel(edge.server, tx, one, denied))
        )
    home = await _home(edge, one, fields)
    if home is not None:
        errand = errands.of_sign_in(one, fields.get("email", "").strip() or None)
        return await leave_for(edge, request, browser, home, errand, after_form=True)
    due = _ACTS.get((type(one.step), fields.get("act", "")))
    if due is None:
        return see_other(f"{SIGN_IN_PATH}/{sign_in_id}")
    done = await due(edge, one, browser, fields)
    if done.problem is not None:
        return await _page(edge, one, browser, typed=fields, problem=done.problem)
    cookie = [] if done.handle is None else [carrying(done.handle)]
    cookie += [] if done.kept is None else [keeping(done.kept)]
    now_with = browser if done.handle is None else replace(browser, handle=done.handle)
    if done.outcome is not None:
        return _ended(edge, done.outcome, *cookie)
    if done.recovery_codes:
        return _codes_to_keep(one, now_with, done.recovery_codes, cookie)
    outcome = await _continued(edge, sign_in_id, now_with)
    if isinstance(outcome, UnderWay):
        return see_other(f"{SIGN_IN_PATH}/{sign_in_id}", *cookie)
    return _ended(edge, outcome, *cookie)


async def _continued(edge: Edge, sign_in_id: str, browser: Browser) -> Outcome:
    """Returns a sign-in that needs its person, or what came of one that needs nobody any longer."""
    server = edge.server

    def look(transaction: Transaction) -> UnderWay | None:
        return sign_in.under_way(server, transaction, sign_in_id, browser)

    def end(transaction: Transaction) -> Outcome:
        one = look(transaction)
        is_over = one is None or isinstance(one.step, (Finish, Deny))
        return sign_in.finish(server, transaction, one) if one is not None and is_over else one

    one: UnderWay | None = await edge.in_thread(server.database.read, look)
    if one is None or not isinstance(one.step, (Finish, Deny)):
        return one
    return await edge.in_thread(server.database.write, end)


def _codes_to_keep(
    one: UnderWay, browser: Browser, codes: tuple[str, ...], headers: list[tuple[bytes, bytes]]
) -> Answer:
    """Shows recovery codes before the sign-in goes on; the form of the page leads to whatever is due then."""
    values = {
        "codes": codes,
        "action": f"{SIGN_IN_PATH}/{one.sign_in.id}",
        "csrf": token(browser.handle or "", one.sign_in.id),
    }
    return pages.page("recovery_codes.html", values, form_target=_target(one), headers=headers)


def _target(one: UnderWay) -> str | None:
    """Returns the origin that the sign-in leads back to, which its forms may therefore reach."""
    return origin_of(one.request.redirect_uri) if isinstance(one.request, AuthorizationRequest) else None


def _ended(edge: Edge, outcome: AuthorizationResponse | PageRequest | None, *headers: tuple[bytes, bytes]) -> Answer:
    if isinstance(outcome, AuthorizationResponse):
        return deliver(outcome, *headers)
    if isinstance(outcome, PageRequest):
        return see_other(page_request.location(outcome, edge.server.sealing_key), *headers)
    values = {
        "title": "This sign-in is over",
        "explanation": "It was finished, it took more than 30 minutes, or it was begun in another browser.",
        "next_step": "Go back to the application and sign in again.",
        "request_id": None,
    }
    return pages.page("error.html", values, status=400, headers=headers)


async def _page(
    edge: Edge,
    one: UnderWay,
    browser: Browser,
    *,
    query: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    problem: str | None = None,
) -> Answer:
    template, shown = await edge.in_thread(
        edge.server.database.write, lambda tx: values_of(edge.server, tx, one, browser, query or typed or {})
    )
    values: dict[str, Any] = {
        **shown,
        "action": f"{SIGN_IN_PATH}/{one.sign_in.id}",
        "csrf": token(browser.handle or "", one.sign_in.id),
        "error": problem,
    }
    if typed is not None and typed.get("act") == "passkey":
        values["error_field"] = None  # a passkey is no field that could be mended
    if typed is not None and "email" in typed:
        values["email"] = typed["email"]
    status = 200 if problem is None else 422
    return pages.page(template, values, status=status, form_target=_target(one))


async def _home(edge: Edge, one: UnderWay, fields: Mapping[str, str]) -> str | None:
    """Returns the connection with which somebody signs in who chose it, or whose address says so; None: none.

    Whatever was typed beside such an address is not looked at: it would be the password of somebody else's server.
    """
    step, act = one.step, fields.get("act")
    if not isinstance(step, LogIn) or step.user_id is not None:
        return None

    def chosen(transaction: Transaction) -> str | None:
        wanted = fields.get("connection")
        offered = home_realm.offered(transaction, asking(transaction, one))
        return wanted if wanted in {each.id for each in offered} else None

    def found(transaction: Transaction) -> str | None:
        return home_realm.of_address(transaction, fields.get("email", ""), only_organization(one))

    if act == "connection":
        return await edge.in_thread(edge.server.database.read, chosen)
    if act != "password" or fields.get("way") == BY_HAND:
        return None
    return await edge.in_thread(edge.server.database.read, found)


async def _choose(edge: Edge, one: UnderWay, _browser: Browser, fields: Mapping[str, str]) -> proofs.Done:
    chosen = fields.get("organization", "")
    if not isinstance(one.step, ChooseOrganization) or chosen not in {each.organization_id for each in one.step.among}:
        return proofs.Done("Choose one of the organizations that are listed.")
    database = edge.server.database
    await edge.in_thread(database.write, lambda tx: sign_ins.choose_organization(tx, one.sign_in.id, chosen))
    return proofs.Done()


async def _use_emergency_access(edge: Edge, one: UnderWay, browser: Browser, _fields: Mapping[str, str]) -> proofs.Done:
    """Opens the organization past its identity provider, if that is still due, and tells its administrators."""
    server = edge.server

    def work(transaction: Transaction) -> None:
        again = sign_in.under_way(server, transaction, one.sign_in.id, browser)
        if again is None or not isinstance(again.step, UseEmergencyAccess) or again.found.session is None:
            return
        where, now_us = again.step.organization_id, server.clock.microseconds()
        emergency_access.use(transaction, again.found.session, where, outbox(server), now_us)

    await edge.in_thread(server.database.write, work)
    return proofs.Done()


async def _agree(edge: Edge, one: UnderWay, _browser: Browser, _fields: Mapping[str, str]) -> proofs.Done:
    """Remembers the consent to what the page showed: what the sign-in asks for, whatever the form says."""
    now = edge.server.clock.seconds()

    def work(transaction: Transaction) -> None:
        sign_ins.consent(transaction, one.sign_in.id, now)
        if isinstance(one.request, AuthorizationRequest) and one.found.session is not None:
            names = frozenset(one.request.scope.split())
            consents.give(transaction, one.found.session.user_id, one.request.client_id, names, now)

    await edge.in_thread(edge.server.database.write, work)
    return proofs.Done()


Act = Callable[[Edge, UnderWay, Browser, Mapping[str, str]], Awaitable[proofs.Done]]
# What may be done at which step; anything else leads back to the step that is due.
_ACTS: Final[Mapping[tuple[type, str], Act]] = {
    (LogIn, "password"): proofs.password,
    (LogIn, "passkey"): second_factors.passkey,
    (ProveSecondFactor, "totp"): second_factors.totp_code,
    (ProveSecondFactor, "recovery"): second_factors.recovery_code,
    (ProveSecondFactor, "passkey"): second_factors.passkey,
    (SetUpSecondFactor, "totp"): second_factors.set_up_totp,
    (SetUpSecondFactor, "passkey"): second_factors.set_up_passkey,
    (UseEmergencyAccess, "emergency"): _use_emergency_access,
    (ChooseOrganization, "organization"): _choose,
    (AskConsent, "allow"): _agree,
}
