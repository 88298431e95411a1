"""The page of an invite: somebody new gives a name and a password; somebody known signs in first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from rxauth.crypto import passwords as hashes
from rxauth.domain import audit, invites, letters, organizations, password_rules, users
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.errors import DomainError
from rxauth.domain.invites import Invite
from rxauth.domain.names import Name
from rxauth.domain.organizations import Organization
from rxauth.edge import branding, pages
from rxauth.edge.addresses import ACCOUNT_PATH, SIGN_IN_PATH
from rxauth.edge.context import Edge
from rxauth.edge.forms import browser_of, greeted, query_pairs, read_form, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.visits import Visit, sign_in_first, visitor
from rxauth.ids import Kind, is_id
from rxauth.oauth import page_request
from rxauth.oauth.page_request import PageRequest
from rxauth.storage.database import ConflictError, Transaction

PATH: Final = letters.INVITE_PATH


@dataclass(frozen=True, slots=True)
class Found:
    """An invite, who invites to what, and who is there. is_known: somebody has the address already."""

    invite: Invite
    organization: Organization
    inviter: str | None
    is_known: bool
    visitor: Visit | None


async def show(edge: Edge, request: Request) -> Answer:
    """Shows who invites to what."""
    found = await _find(edge, request)
    return _gone() if found is None else _page(request, found, {})


async def act(edge: Edge, request: Request) -> Answer:
    """Accepts the invite."""
    fields = await read_form(request, PATH)
    found = await _find(edge, request)
    if found is None:
        return _gone()
    if found.is_known and found.visitor is not None and not _is_there(found):
        problem = f"You are signed in as {found.visitor.user.email}. Sign out, and open the link in the letter again."
        return _page(request, found, fields, problem)
    if found.is_known and found.visitor is None:
        waiting = _sign_in(request)
        path = PATH if waiting is None else f"{PATH}?sign_in={waiting}"
        linked = page_request.with_link(path, _token(request), edge.server.sealing_key)
        back = msgspec.structs.replace(linked, own=True)
        return await sign_in_first(edge, browser_of(request), back)
    try:
        await _accept(edge, request, found, fields)
    except DomainError as error:
        problem = f"{str(error)[:1].upper()}{str(error)[1:]}".rstrip(".") + "."
        return _page(request, found, fields, problem)
    except ConflictError:
        return _gone()
    waiting = _sign_in(request)
    if waiting is not None:
        return see_other(f"{SIGN_IN_PATH}/{waiting}")
    values = {
        "title": f"You have joined {found.organization.name}",
        "explanation": "Go back to the application and log in.",
        "next_url": ACCOUNT_PATH,
        "next_text": "Go to your account",
    }
    return pages.page("notice.html", values)


async def _accept(edge: Edge, request: Request, found: Found, fields: Mapping[str, str]) -> None:
    link, now = _token(request), edge.server.clock.seconds()
    name = Name(fields.get("first_name", "").strip(), fields.get("last_name", "").strip())
    new_hash = ""
    if not found.is_known:
        words = password_rules.words_of(found.invite.email, name, [found.organization.name])
        password_rules.require_acceptable(fields.get("password", ""), words)
        new_hash = await edge.slow.run(hashes.new_hash, fields.get("password", ""), edge.password_cost)

    def work(tx: Transaction) -> None:
        if found.visitor is not None and found.is_known:
            user_id = found.visitor.user.id
            invites.accept(tx, link, user_id, now)
        else:
            user_id = invites.accept_as_new(tx, link, name, new_hash, now)[1].id
        act = Act(
            Event.INVITE_ACCEPTED,
            Actor("person", user_id),
            organization_id=found.invite.organization_id,
            target=found.invite.id,
            network=request.network,
        )
        audit.record(tx, act, edge.server.clock.microseconds())

    await edge.in_thread(edge.server.database.write, work)


async def _find(edge: Edge, request: Request) -> Found | None:
    link, browser = _token(request), browser_of(request)

    def work(tx: Transaction) -> Found | None:
        invite = invites.find(tx, link, edge.server.clock.seconds())
        organization = None if invite is None else organizations.find(tx, invite.organization_id)
        if invite is None or organization is None or organization.disabled_at is not None:
            return None
        inviter = None if invite.inviter_id is None else users.find(tx, invite.inviter_id)
        known = users.find_by_email(tx, invite.email)
        by = None if inviter is None else inviter.name.full
        present = visitor(edge.server, tx, browser, PageRequest(PATH))
        if present is not None and present.session.confined_to not in {None, invite.organization_id}:
            present = None  # another organization's identity provider cannot accept for the person
        return Found(invite, organization, by, known is not None, present)

    found: Found | None = await edge.in_thread(edge.server.database.read, work)
    return found


def _is_there(found: Found) -> bool:
    """Tells whether the person who is signed in is the one who was invited."""
    who = found.visitor
    return who is not None and users.email_key(who.user.email) == users.email_key(found.invite.email)


def _page(request: Request, found: Found, typed: Mapping[str, str], problem: str | None = None) -> Answer:
    browser, greeting = greeted(browser_of(request))
    values = {
        "organization_name": found.organization.name,
        "branding": branding.shown(found.organization),
        "email": found.invite.email,
        "roles": [str(role) for role in found.invite.roles],
        "inviter": found.inviter,
        "needs_password": not found.is_known,
        "first_name": typed.get("first_name", ""),
        "last_name": typed.get("last_name", ""),
        "action": f"{PATH}?{request.query.decode('ascii', 'replace')}",
        "csrf": token(browser.handle or "", PATH),
        "error": problem,
        "error_field": "password" if problem is not None and not found.is_known else None,
    }
    return pages.page("accept_invite.html", values, status=200 if problem is None else 422, headers=greeting)


def _gone() -> Answer:
    values = {
        "explanation": "This invitation was not found, was already used, or is more than seven days old.",
        "next_step": "Ask whoever invited you for a new one.",
        "next_url": None,
        "next_text": None,
    }
    return pages.page("link_expired.html", values, status=410)


def _token(request: Request) -> str:
    """Returns what the link in the letter holds; empty if it holds nothing."""
    return dict(query_pairs(request)).get("token", "")


def _sign_in(request: Request) -> str | None:
    """Returns the sign-in that goes on once the invite is accepted, or None."""
    named = dict(query_pairs(request)).get("sign_in", "")
    return named if is_id(Kind.SIGN_IN, named) else None
