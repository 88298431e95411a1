"""A person's own account: four pages, and what their forms do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rxauth.domain.errors import DomainError
from rxauth.domain.factors import FRESH_S, StaleProofError
from rxauth.edge import account_acts as acts
from rxauth.edge import account_pages, pages, profile_fields
from rxauth.edge.account_acts import Result
from rxauth.edge.addresses import ACCOUNT_PATH
from rxauth.edge.context import Edge
from rxauth.edge.forms import query_pairs, read_form, token
from rxauth.edge.pages import wording
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, see_other
from rxauth.edge.settings import frame
from rxauth.edge.visits import Visit, sign_in_first, visit
from rxauth.oauth.page_request import PageRequest
from rxauth.storage.database import ConflictError

Act = Callable[[Edge, Visit, Mapping[str, str]], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of the account. acts: what its forms do, by their field `act`."""

    name: str
    values: Callable[..., dict[str, Any]]
    acts: Mapping[str, Act]

    @property
    def path(self) -> str:
        """Where the page is."""
        return ACCOUNT_PATH if self.name == "profile" else f"{ACCOUNT_PATH}/{self.name}"


PROFILE: Final = Tab("profile", account_pages.profile, {"profile": acts.change_profile, "email": acts.change_email})
SECURITY: Final = Tab(
    "security",
    account_pages.security,
    {
        "password": acts.change_password,
        "add_totp": acts.begin_totp,
        "totp": acts.confirm_totp,
        "remove_totp": acts.remove_totp,
        "recovery_codes": acts.make_recovery_codes,
        "passkey": acts.add_passkey,
        "remove_passkey": acts.remove_passkey,
    },
)
SESSIONS: Final = Tab("sessions", account_pages.sessions_of, {"end": acts.end_session, "end_others": acts.end_others})
APPS: Final = Tab("apps", account_pages.apps, {"revoke": acts.revoke_app})
TABS: Final = (PROFILE, SECURITY, SESSIONS, APPS)
_ENTRIES: Final = {"apps": "apps_of_person"}  # in the navigation, where they are not called as here


async def show(edge: Edge, request: Request, tab: Tab) -> Answer:
    """Shows a page of the account."""
    visitor = await visit(edge, request, PageRequest(tab.path))
    if not isinstance(visitor, Visit):
        return visitor
    notice = acts.NOTICES.get(dict(query_pairs(request)).get("done", ""))
    return await _page(edge, visitor, tab, notice=notice)


async def act(edge: Edge, request: Request, tab: Tab) -> Answer:
    """Does what a form of the page asks for."""
    visitor = await visit(edge, request, PageRequest(tab.path))
    if not isinstance(visitor, Visit):
        return visitor
    fields = await read_form(request, tab.path)
    chosen = tab.acts.get(fields.get("act", ""))
    if chosen is None:
        return see_other(tab.path)
    try:
        result = await chosen(edge, visitor, fields)
    except StaleProofError:
        return await sign_in_first(edge, visitor.browser, PageRequest(tab.path, FRESH_S // 2))
    except DomainError as error:
        result = Result(problem=wording.sentence(str(error), error.field), place=profile_fields.place(error.field))
    except ConflictError:
        result = Result(problem="Somebody changed the same at this moment. Look at it again, and repeat it.")
    if result.page is not None:
        values = {**result.values, "action": tab.path, "csrf": token(visitor.handle, tab.path)}
        return pages.page(result.page, values)
    if result.problem is not None:
        return await _page(edge, visitor, tab, problem=result, typed=fields)
    return see_other(f"{tab.path}?done={result.done}")


async def _page(
    edge: Edge,
    visitor: Visit,
    tab: Tab,
    *,
    notice: str | None = None,
    problem: Result | None = None,
    typed: Mapping[str, str] | None = None,
) -> Answer:
    values = await edge.in_thread(
        edge.server.database.write, lambda tx: tab.values(edge.server, tx, visitor, typed or {})
    )
    around = frame.values(visitor, _ENTRIES.get(tab.name, tab.name), edge.server.clock.seconds()) | {
        "action": tab.path,
        "csrf": token(visitor.handle, tab.path),
        "notice": notice,
        "error": None if problem is None else problem.problem,
        "error_field": None if problem is None else problem.place or acts.AT_FAULT.get((typed or {}).get("act", "")),
    }
    return pages.page(f"account_{tab.name}.html", around | values, status=200 if problem is None else 422)
