"""Settings pages over HTTP: who is there, what they may open, what the API says, and what a form does."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rxauth.api.execute import Expected
from rxauth.crypto import secrets
from rxauth.crypto.jws import encode_base64url
from rxauth.edge import pages
from rxauth.edge.addresses import ACCOUNT_PATH
from rxauth.edge.context import Edge
from rxauth.edge.errors import RETRY_AFTER
from rxauth.edge.forms import SETTINGS_LIMITS, query_pairs, read_form_pairs, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.settings import carried, frame
from rxauth.edge.settings import fields as fields_of
from rxauth.edge.settings.asking import Answered, Problem, ask, caller_of, encoded
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Act, Section
from rxauth.edge.visits import Visit, sign_in_first, visit
from rxauth.oauth.page_request import PageRequest
from rxauth.policy.assurance import AAL2
from rxauth.policy.permissions import BY_NAME
from rxauth.policy.subjects import Caller

_STEP_UP: Final = "INSUFFICIENT_USER_AUTHENTICATION"
_STATUS: Final[Mapping[str, int]] = {
    "NOT_FOUND": 404,
    "FORBIDDEN": 403,
    "UNAVAILABLE": 503,
    "CONFLICT": 409,
    "IDEMPOTENCY_KEY_REUSED": 409,
    "IDEMPOTENCY_KEY_IN_USE": 409,
    "INTERNAL_SERVER_ERROR": 500,
}
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLACE: Final = re.compile(r"\[([0-9]+)\]\Z")
_SENT_BEFORE: Final = "This form was sent before, with other values. Look at what is there now, and send it again."
_CARRIED: Final = "You proved who you are. What you sent waits here: look at it, and send it again."
_STALE: Final = "Somebody changed this since you opened it. What you typed is still here: compare, and send it again."


@dataclass(frozen=True, slots=True)
class Entered:
    """One visit to one page. fields: of the URL."""

    edge: Edge
    request: Request
    section: Section
    visitor: Visit
    caller: Caller
    path: str
    fields: Fields


async def show(edge: Edge, request: Request, section: Section, notices: Mapping[str, str]) -> Answer:
    """Shows a page."""
    one = await enter(edge, request, section)
    if isinstance(one, Answer):
        return one
    typed = await carried.find(edge, one.visitor, one.path, one.fields)
    notice = notices.get(one.fields.text("done")) if typed is None else _CARRIED
    return await _page(one, await _ask(one), notice=notice, typed=typed)


async def act(edge: Edge, request: Request, section: Section) -> Answer:
    """Does what a form of a page asks for, once however often it is sent."""
    one = await enter(edge, request, section)
    if isinstance(one, Answer):
        return one
    sent = fields_of.of(await read_form_pairs(request, one.path, SETTINGS_LIMITS)).within(one.fields.parts)
    chosen, wanted = section.acts.get(sent.text("act")), section.wanted
    if wanted is not None and not wanted.is_met(one.caller.authentication, edge.server.clock.seconds()):
        return await _prove(one, sent, wanted.max_age_s)
    if sent.text("act") in section.runs:
        return await _run(one, sent)
    if sent.text("act") in section.redraws:
        return await _page(one, await _ask(one), typed=sent)
    if sent.text("act") in section.leaves:
        return await _leave(one, sent)
    if chosen is None:
        return see_other(one.path)
    try:
        asked = sent if chosen.ready is None else await chosen.ready(edge, sent)
        body, rests = encoded(one.caller, chosen.document, chosen.variables(asked)), _rests(one, chosen, sent)
    except FieldError as error:
        return await _page(one, await _ask(one), problem=Problem("", str(error), error.name), typed=sent)
    key = None if chosen.is_repeatable else f"page-{sent.text('once') or secrets.new_handle()}"
    done = await ask(edge, request, one.caller, body, key=key, rests=rests)
    return await _after(one, chosen, sent, done)


async def _run(one: Entered, sent: Fields) -> Answer:
    """Asks what is no act, and shows what came of it on the same page."""
    try:
        more = await one.section.runs[sent.text("act")](one.edge, one.request, sent)
    except FieldError as error:
        return await _page(one, await _ask(one), problem=Problem("", str(error), error.name), typed=sent)
    return await _page(one, await _ask(one), typed=sent, more=more)


async def _leave(one: Entered, sent: Fields) -> Answer:
    """Leads the browser away, or says why it stays."""
    try:
        return await one.section.leaves[sent.text("act")](one.edge, one.request, one.visitor, sent)
    except FieldError as error:
        return await _page(one, await _ask(one), problem=Problem("", str(error), error.name or None), typed=sent)


async def profile(_edge: Edge, _request: Request) -> Answer:
    """Leads to the pages of one's own account, which have another path because they need no organization."""
    return see_other(ACCOUNT_PATH)


async def enter(edge: Edge, request: Request, section: Section) -> Entered | Answer:
    """Returns the visit of somebody who may open the page, or the page that says why not."""
    path = request.path
    asked = PageRequest(path, of_organization=True)
    if section.wanted is not None and request.method != "POST":  # half of the time is left for the form
        asked = PageRequest(path, section.wanted.max_age_s // 2, acr=section.wanted.acr, of_organization=True)
    visitor = await visit(edge, request, asked)
    if not isinstance(visitor, Visit):
        return visitor
    now = edge.server.clock.seconds()
    if visitor.organization_id is None:
        return pages.page("settings_without.html", frame.values(visitor, section.tab, now), status=403)
    caller = caller_of(visitor, visitor.organization_id, now)
    if section.opens and caller.permissions.isdisjoint(section.opens):
        return _forbidden(visitor, section, now)
    parts = {name: request.part(name) for name in request.parts}
    return Entered(edge, request, section, visitor, caller, path, Fields(tuple(query_pairs(request)), parts))


async def _ask(one: Entered) -> Answered:
    try:
        body = encoded(one.caller, one.section.query, one.section.variables(one.fields))
    except FieldError as error:
        return Answered({}, Problem("BAD_USER_INPUT", str(error), error.name))
    return await ask(one.edge, one.request, one.caller, body)


def _rests(one: Entered, chosen: Act, sent: Fields) -> Expected | None:
    """Returns what the form was filled in by, which must still be so when it is done; None: it does not matter."""
    rests_on, seen = chosen.rests_on, sent.text("seen")
    if rests_on is None:
        return None
    body = encoded(one.caller, one.section.query, one.section.variables(one.fields))
    required = one.section.required

    def holds(data: Mapping[str, Any]) -> bool:
        is_there = required is None or data.get(required) is not None
        return is_there and seen == _digest(rests_on(data))

    return Expected(body, holds)


async def _after(one: Entered, chosen: Act, sent: Fields, done: Answered) -> Answer:
    """Leads on from an act that was done, or says what was wrong."""
    problem = done.problem
    if problem is None and chosen.page is not None:
        shown = {**_common(one), "data": done.data, "fields": sent}
        return pages.page(chosen.page, shown)
    if problem is None:
        path = one.path if chosen.leads_to is None else chosen.leads_to(done.data, sent)
        return see_other(f"{path}{'&' if '?' in path else '?'}done={sent.text('act')}")
    if problem.code == _STEP_UP:
        return await _prove(one, sent, problem.max_age_s or 0)
    if problem.code == "IDEMPOTENCY_KEY_REUSED":
        problem = Problem(problem.code, _SENT_BEFORE)
    if problem.reason == "changed_meanwhile":
        problem = Problem(problem.code, _STALE)
    place = chosen.places.get(problem.field or "", _last_name(problem.field))
    if chosen.place_of is not None:
        place = chosen.place_of(problem.field or problem.reason or "", sent)
    message = _of_line(problem, sent.text(place or ""))
    return await _page(one, await _ask(one), problem=Problem(problem.code, message, place), typed=sent)


async def _prove(one: Entered, sent: Fields, max_age_s: int) -> Answer:
    """Has somebody prove again who they are, and come back to what they typed."""
    form = carried.seal(one.edge, one.visitor, one.path, sent)
    asked = PageRequest(one.path, max_age_s // 2, acr=AAL2, of_organization=True, sealed_form=form)
    return await sign_in_first(one.edge, one.visitor.browser, asked)


async def _page(
    one: Entered,
    answered: Answered,
    *,
    notice: str | None = None,
    problem: Problem | None = None,
    typed: Fields | None = None,
    more: Mapping[str, Any] = _NOTHING,
) -> Answer:
    """Shows what the API said. problem: of a form, which stays as it was typed. more: what else the template needs."""
    data, section = answered.data, one.section
    if answered.problem is not None and answered.problem.code == "FORBIDDEN":
        return _forbidden(one.visitor, section, one.edge.server.clock.seconds())
    if section.required is not None and data.get(section.required) is None:
        return _absent(one, answered.problem)
    problem = problem or answered.problem
    shown = {
        **_common(one),
        **section.values(data, one.fields if typed is None else typed),
        **more,
        "data": data,
        "fields": one.fields,
        "typed": _typed(typed),
        "error": None if problem is None else problem.message,
        "error_field": None if problem is None else problem.field,
        "notice": notice,
        "seen": {name: _digest(each.rests_on(data)) for name, each in section.acts.items() if each.rests_on},
    }
    status = 200 if problem is None else _STATUS.get(problem.code, 422)
    return pages.page(section.template, shown, status=status, headers=[RETRY_AFTER] if status == 503 else [])


def _common(one: Entered) -> dict[str, Any]:
    now = one.edge.server.clock.seconds()
    permissions = one.caller.permissions
    return {
        **frame.values(one.visitor, one.section.tab, now),
        "issuer": one.edge.server.issuer,
        "user_id": one.visitor.user.id,
        "can": permissions.__contains__,
        "action": one.path,
        "csrf": token(one.visitor.handle, one.path),
        "once": secrets.new_handle(),
        "seen": {},
        "typed": _typed(None),
        "error": None,
    }


def _typed(sent: Fields | None) -> Any:
    """Returns what a template asks for the value of a field: what was typed, or else what there is.

    A field that came with what it was (`was_` and its name), and is still the same, was not typed in.
    """

    def value(name: str, there_is: Any = None) -> Any:
        present = "" if there_is is None else there_is
        if sent is None or (sent.has(f"was_{name}") and sent.text(name) == sent.text(f"was_{name}")):
            return present
        return sent.all(name) if isinstance(present, list) else sent.text(name, "")

    return value


def _forbidden(visitor: Visit, section: Section, now: int) -> Answer:
    """Says what opens a page, and who has it."""
    permissions = [BY_NAME[name] for name in section.opens]
    roles = sorted({role.value for one in permissions for role in one.roles})
    shown = frame.values(visitor, section.tab, now) | {
        "meanings": [one.meaning for one in permissions],
        "names": [one.name for one in permissions],
        "roles": roles,
    }
    return pages.page("settings_forbidden.html", shown, status=403)


def nothing_there(one: Entered) -> Answer:
    """Says that there is nothing at an address of the settings."""
    return _absent(one, None)


def _absent(one: Entered, problem: Problem | None) -> Answer:
    shown = _common(one) | {"explanation": None if problem is None else problem.message}
    status = 404 if problem is None else _STATUS.get(problem.code, 404)
    return pages.page("settings_absent.html", shown, status=status)


def _digest(value: Any) -> str:
    """Returns what a form brings back to say what it was filled in by."""
    return encode_base64url(hashlib.sha256(msgspec.json.encode(value, order="sorted")).digest()[:12])


def _of_line(problem: Problem, typed: str) -> str:
    """Returns what is wrong with a field; with one of several lines (`redirectUrls[1]`), it says with which."""
    found = _PLACE.search(problem.field or "")
    lines = [number for number, line in enumerate(typed.splitlines(), 1) if line.strip()]
    if found is None or int(found[1]) >= len(lines) or len(lines) == 1:
        return problem.message
    return f"Line {lines[int(found[1])]}: {problem.message[:1].lower()}{problem.message[1:]}"


def _last_name(name: str | None) -> str | None:
    """Returns the field of a form that has the API's name of a value: `input.redirectUrls[1]` is redirect_urls."""
    if name is None:
        return None
    last = name.rpartition(".")[2].partition("[")[0]
    return _HUMP.sub("_", last).lower()
