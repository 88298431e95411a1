"""The pages that links in letters lead to: a new password, a new address, an invite. Looking spends nothing."""

from typing import Any, Final

from rxauth.crypto import passwords as hashes
from rxauth.domain import (
    audit,
    email_changes,
    factors,
    known_browsers,
    letters,
    memberships,
    password_changes,
    password_resets,
    password_rules,
    sessions,
    users,
)
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.password_rules import LEAST_CHARACTERS, LEAST_WITH_SECOND_FACTOR
from rxauth.domain.users import User
from rxauth.edge import pages
from rxauth.edge.addresses import ACCOUNT_PATH
from rxauth.edge.context import Edge
from rxauth.edge.cookies import keeping, kept_of
from rxauth.edge.forms import browser_of, greeted, query_pairs, read_form, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.visits import outbox
from rxauth.storage.database import ConflictError, Transaction

Values = dict[str, Any]
RESET: Final = letters.RESET_PATH
INVITE: Final = letters.INVITE_PATH
EMAIL: Final = letters.EMAIL_PATH


async def show_reset(edge: Edge, request: Request) -> Answer:
    """Asks for an address, or, behind a link, for a new password."""
    link = _token(request)
    if link is None:
        return _form(request, RESET, "reset_ask.html", {"email": "", "back_url": None})
    known = await edge.in_thread(edge.server.database.read, lambda tx: _known_words(edge, tx, link))
    if known is None:
        return _expired("This link was used, or is more than an hour old.", RESET, "Ask for a new link")
    return _form(request, RESET, "reset.html", _reset_values(known[0], has_second_factor=known[2]), link=link)


async def act_reset(edge: Edge, request: Request) -> Answer:
    """Sends a link, or gives its owner a new password."""
    fields, link = await read_form(request, RESET), _token(request)
    if link is None:
        return await _send_reset(edge, request, fields.get("email", ""))
    database, new = edge.server.database, fields.get("password", "")
    known = await edge.in_thread(database.read, lambda tx: _known_words(edge, tx, link))
    if known is None:
        return _expired("This link was used, or is more than an hour old.", RESET, "Ask for a new link")
    user, words, has_second = known
    try:
        password_rules.require_acceptable(new, words, has_second_factor=has_second)
    except InvalidError as error:
        values = _reset_values(user, has_second_factor=has_second) | {"error": str(error)}
        return _form(request, RESET, "reset.html", values, link=link, status=422)
    new_hash = await edge.slow.run(hashes.new_hash, new, edge.password_cost)

    ended: list[str] = []

    def work(tx: Transaction) -> bool:
        ended[:] = [one.id for one in sessions.of_user(tx, user.id)]
        done = password_changes.reset(tx, link, new_hash, outbox(edge.server), edge.server.clock.seconds())
        if done is not None:
            _record(edge, tx, Event.PASSWORD_RESET, done.id, request)
        return done is not None

    if not await edge.in_thread(database.write, work):
        return _expired("This link was used, or is more than an hour old.", RESET, "Ask for a new link")
    await edge.tell_clients(user.id, ended)
    values = {
        "title": "Your password was changed",
        "explanation": "Every session of yours was ended. Go back to the application and log in with the new password.",
        "next_url": ACCOUNT_PATH,
        "next_text": "Go to your account",
    }
    kept = known_browsers.introduced(edge.known_browsers_key, kept_of(request), user.id)
    return pages.page("notice.html", values, headers=[keeping(kept)])


async def show_email(_edge: Edge, request: Request) -> Answer:
    """Asks whether the new address is to count; a mail program that opens links by itself changes nothing."""
    link = _token(request)
    if link is None:
        return _expired("The link is not whole.", None, None)
    values: Values = {
        "title": "Use this address from now on?",
        "explanation": "You log in with the new address then, and letters go to it.",
        "button": "Use this address",
        "act": "confirm",
        "extra": {},
        "cancel_url": None,
        "is_harmless": True,
    }
    return _form(request, EMAIL, "confirm.html", values, link=link)


async def act_email(edge: Edge, request: Request) -> Answer:
    """Makes the change of address that a link stands for."""
    await read_form(request, EMAIL)
    link = _token(request) or ""

    def work(tx: Transaction) -> User | None:
        changed = email_changes.confirm(tx, link, outbox(edge.server), edge.server.clock.seconds())
        if changed is not None:
            _record(edge, tx, Event.EMAIL_CHANGED, changed.id, request)
        return changed

    try:
        changed: User | None = await edge.in_thread(edge.server.database.write, work)
    except ConflictError:
        changed = None
    if changed is None:
        return _expired(
            "This link was used, is too old, or the address is somebody's already.", ACCOUNT_PATH, "Go to your account"
        )
    return pages.page("email_confirmed.html", {"email": changed.email})


async def _send_reset(edge: Edge, request: Request, email: str) -> Answer:
    """Answers the same, and as fast, whether somebody has the address or not."""

    def work(tx: Transaction) -> None:
        user_id = password_resets.ask(tx, email, outbox(edge.server), edge.server.clock.seconds())
        if user_id is not None:
            _record(edge, tx, Event.PASSWORD_RESET_ASKED, user_id, request)

    await edge.in_thread(edge.server.database.write, work)
    return pages.page("reset_sent.html", {"email": email})


def _reset_values(user: User, *, has_second_factor: bool) -> Values:
    least = LEAST_WITH_SECOND_FACTOR if has_second_factor else LEAST_CHARACTERS
    return {"email": user.email, "password_minimum": least}


def _of_reset(edge: Edge, tx: Transaction, link: str) -> User | None:
    user_id = password_resets.find(tx, link, edge.server.clock.seconds())
    return None if user_id is None else users.find(tx, user_id)


def _known_words(edge: Edge, tx: Transaction, link: str) -> tuple[User, frozenset[str], bool] | None:
    user = _of_reset(edge, tx, link)
    if user is None:
        return None
    names = [one.organization_name for one in memberships.of_person(tx, user.id)]
    return user, password_rules.words_of(user.email, user.name, names), factors.has_second(tx, user.id)


def _token(request: Request) -> str | None:
    """Returns what the link in a letter holds, or None."""
    return dict(query_pairs(request)).get("token") or None


def _form(
    request: Request, path: str, template: str, values: Values, *, link: str | None = None, status: int = 200
) -> Answer:
    """Shows a page with a form, to a browser that gets a handle if it has none."""
    browser, greeting = greeted(browser_of(request))
    action = path if link is None else f"{path}?token={link}"
    form = {"action": action, "csrf": token(browser.handle or "", path)}
    return pages.page(template, form | values, status=status, headers=greeting)


def _expired(explanation: str, next_url: str | None, next_text: str | None) -> Answer:
    values = {
        "explanation": explanation,
        "next_step": "Ask for a new one." if next_url is None else "You can ask for a new one.",
        "next_url": next_url,
        "next_text": next_text,
    }
    return pages.page("link_expired.html", values, status=410)


def _record(edge: Edge, tx: Transaction, event: Event, user_id: str, request: Request) -> None:
    act = Act(event, Actor("person", user_id), target=user_id, network=request.network, request_id=request.request_id)
    audit.record(tx, act, edge.server.clock.microseconds())
