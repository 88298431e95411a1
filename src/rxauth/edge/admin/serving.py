"""Pages of the console over HTTP. Whoever is no operator gets, for each of them, the answer for a path that is not."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from rxauth.crypto import secrets
from rxauth.domain import operators, sessions
from rxauth.domain.console import NotFreshError
from rxauth.domain.errors import AbsentError, DomainError
from rxauth.edge import pages
from rxauth.edge.addresses import LOGOUT_PATH
from rxauth.edge.admin.entry import Entered, enter
from rxauth.edge.admin.sections import NAVIGATION, Act, Asking, Page
from rxauth.edge.admin.table import NOTICES
from rxauth.edge.context import Edge
from rxauth.edge.forms import browser_of, query_pairs, read_form, token
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, nothing_here, see_other
from rxauth.edge.visits import Visit, sign_in_first
from rxauth.oauth.page_request import PageRequest
from rxauth.policy.operators import ACR, DANGEROUS_WITHIN_S
from rxauth.storage.database import ConflictError, Transaction, UnacceptableValueError

_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_NO_TEXT: Final = "This has characters that no text has: type it anew."
_AT_ONCE: Final = "Somebody changed the same at this moment. Look at it again, and repeat it."
_SHOWN_WITHIN_S: Final = DANGEROUS_WITHIN_S // 2  # a form that is shown can still be sent half an hour later

_NOTED_EVERY_S: Final = 300


class _NobodyError(Exception):
    """Whoever asks is no operator, and shall not hear that there is a console."""


class _UnprovenError(Exception):
    """An operator must prove something first. asked: what, and where it leads."""

    def __init__(self, asked: PageRequest) -> None:
        super().__init__()
        self.asked = asked


async def answer(edge: Edge, request: Request, page: Page) -> Answer:
    """Answers a request to a page of the console."""
    browser = browser_of(request)
    if browser.handle is None or request.method not in _METHODS:
        return nothing_here()
    one = _Visited(edge, request, page)
    try:
        return await (one.act() if request.method == "POST" else one.show())
    except _NobodyError:
        return nothing_here()
    except _UnprovenError as error:
        return await sign_in_first(edge, browser, error.asked)


class _Visited:
    """One request to one page."""

    def __init__(self, edge: Edge, request: Request, page: Page) -> None:
        self._edge = edge
        self._request = request
        self._page = page
        self._path = request.path
        self._browser = browser_of(request)

    async def show(
        self, *, typed: Mapping[str, str] | None = None, problem: str | None = None, at: str | None = None
    ) -> Answer:
        """Shows the page. typed: what a form said, which had a problem, at one of its fields perhaps."""

        def look(asking: Asking) -> tuple[Visit, Mapping[str, Any] | None]:
            try:
                return asking.visitor, self._page.values(asking)
            except AbsentError:
                return asking.visitor, None

        within_s = _SHOWN_WITHIN_S if self._page.is_dangerous and typed is None else None
        visitor, values = await self._run(self._edge.server.database.read, look, typed or {}, within_s)
        await self._note_activity(visitor)
        frame = self._frame(visitor, typed)
        if values is None:
            return pages.page("admin_absent.html", frame, status=404)
        notice = NOTICES.get(dict(query_pairs(self._request)).get("done", "")) if typed is None else None
        said = {"notice": notice, "error": problem, "error_field": at}
        return pages.page(self._page.template, {**frame, **values, **said}, status=200 if problem is None else 422)

    async def _note_activity(self, visitor: Visit) -> None:
        """Has the session go on while its operator is at work: one that ends shows nothing, not even a login page."""
        now = self._edge.server.clock.seconds()
        if now - visitor.session.last_seen_at > _NOTED_EVERY_S:
            database = self._edge.server.database
            await self._edge.in_thread(database.write, lambda tx: sessions.touch(tx, visitor.session.id, now))

    async def act(self) -> Answer:
        """Does what a form asks for, once however often it is sent."""
        database = self._edge.server.database
        visitor: Visit = await self._run(database.read, lambda asking: asking.visitor, {})
        fields = await read_form(self._request, self._path)
        chosen = self._page.acts.get(fields.get("act", ""))
        if chosen is None:
            return see_other(self._path)
        key = msgspec.json.encode([visitor.user.id, self._path, sorted(fields.items())]).decode()
        try:
            return see_other(await self._do(chosen, fields, key))
        except NotFreshError:
            raise _UnprovenError(PageRequest(self._path, _SHOWN_WITHIN_S, acr=ACR)) from None
        except (DomainError, ConflictError, UnacceptableValueError) as error:
            # Of the same form twice at once, the second finds the first one's work done.
            before = await self._edge.in_thread(database.read, lambda tx: operators.led_to(tx, key))
            if before is not None:
                return see_other(before)
            at = error.field if isinstance(error, DomainError) else None
            return await self.show(typed=fields, problem=_sentence(error), at=at)

    async def _do(self, chosen: Act, fields: Mapping[str, str], key: str) -> str:
        """Returns where the form leads."""
        database = self._edge.server.database
        ready = await self._run(database.read, chosen.ready, fields)

        def work(asking: Asking) -> tuple[str, bool]:
            before = operators.led_to(asking.transaction, key)
            if before is not None:
                return before, False
            location = f"{chosen.do(asking, ready)}?done={fields['act']}"
            operators.keep_form(asking.transaction, key, location, asking.now)
            return location, True

        is_used = False
        try:
            led, is_used = await self._run(database.write, work, fields)
        finally:
            if not is_used:
                await self._edge.in_thread(chosen.unused, self._edge, ready)
        return str(led)

    async def _run(
        self,
        transact: Callable[[Callable[[Transaction], Any]], Any],
        work: Callable[[Asking], Any],
        fields: Mapping[str, str],
        within_s: int | None = None,
    ) -> Any:
        """Runs work in a transaction that an operator was let into; see `enter`.

        Raises:
            _NobodyError, _UnprovenError: it was not run.
        """
        url = dict(query_pairs(self._request))
        parts = {name: self._request.part(name) for name in self._request.parts}

        def entered(transaction: Transaction) -> Any:
            found = enter(self._edge.server, transaction, self._browser, self._path, within_s)
            if found is None:
                raise _NobodyError
            if not isinstance(found, Entered):
                raise _UnprovenError(found)
            return work(Asking(self._edge, transaction, found.proof, found.visitor, {**url, **fields, **parts}))

        return await self._edge.in_thread(transact, entered)

    def _frame(self, visitor: Visit, typed: Mapping[str, str] | None) -> dict[str, Any]:
        return {
            "navigation": NAVIGATION,
            "tab": self._page.tab,
            "organization_name": "Operator console",
            "switch_url": None,
            "email": visitor.user.email,
            "sign_out_url": LOGOUT_PATH,
            "now": self._edge.server.clock.seconds(),
            "action": self._path,
            "csrf": token(visitor.handle, self._path),
            "once": secrets.new_handle(),
            "seen": {},
            "typed": {} if typed is None else typed,
        }


def _sentence(error: Exception) -> str:
    if isinstance(error, DomainError):
        said = str(error).rstrip(".")
        return f"{said[:1].upper()}{said[1:]}."
    return _NO_TEXT if isinstance(error, UnacceptableValueError) else _AT_ONCE
