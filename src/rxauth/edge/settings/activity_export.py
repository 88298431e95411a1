"""Activity as a file: what the filters choose, read from the API page by page, and sent as it is read."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from rxauth.api.management.callers import actor
from rxauth.clock import Clock
from rxauth.domain import audit
from rxauth.edge.context import Edge
from rxauth.edge.pages.wording import machine_moment
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.settings import serving
from rxauth.edge.settings.activity import ENTRY, PATH, is_search, wanted
from rxauth.edge.settings.asking import ask, encoded
from rxauth.edge.settings.fields import FieldError
from rxauth.edge.settings.sections import Section
from rxauth.edge.settings.serving import Entered

LIMIT_ENTRIES: Final = 100_000
PAGE_ENTRIES: Final = 100
_QUERY: Final = f"""
query ActivityExport(
  $event: String, $target: ID, $actorId: ID, $since: AWSDateTime, $until: AWSDateTime, $withoutTokens: Boolean!,
  $after: ID, $first: Int!
) {{
  auditEntries(
    event: $event, target: $target, actorId: $actorId, since: $since, until: $until, withoutTokens: $withoutTokens,
    after: $after, first: $first
  ) {{ entries {{ {ENTRY} requestId details {{ name value }} }} next }}
}}
"""
_COLUMNS: Final = (
    *("at", "event", "outcome", "reason", "actorKind", "actorId", "actorName", "target", "targetName"),
    *("network", "requestId", "count", "seq", "id", "details"),
)
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_CUT: Final = f"(Cut here after {LIMIT_ENTRIES:,} entries: choose a shorter time.)"
_BYTE_ORDER_MARK: Final = "\ufeff"  # without it, spreadsheets take the text for Latin-1
Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Form:
    """One form that an export has. begin, end: what stands around the pages; the latter by whether there was more."""

    media_type: str
    begin: str
    page: Callable[[Entries, bool], str]
    end: Callable[[bool], str]


class Streamed(Answer):
    """An answer that is sent while it is made; one that breaks off is seen to have."""

    __slots__ = ("_parts",)

    def __init__(self, parts: AsyncIterator[str], headers: list[tuple[bytes, bytes]]) -> None:
        super().__init__(200, b"", headers)
        self._parts = parts

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends the response."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        async for part in self._parts:
            await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class BrokenOffError(Exception):
    """The rest of an export cannot be read, or not any longer by who asked for it."""


def _section(name: str) -> Section:
    return Section(f"{PATH}/export.{name}", "activity", "settings_activity.html", _QUERY, ("read:audit",))


async def export(edge: Edge, request: Request, name: str) -> Answer:
    """Answers with a file; that somebody took it is recorded before the first byte leaves."""
    section, form = _section(name), FORMS[name]
    entered = await serving.enter(edge, request, section)
    if isinstance(entered, Answer):
        return entered
    try:
        filters = wanted(entered.fields)
    except FieldError:
        return serving.nothing_there(entered)
    if is_search(entered.fields):
        return serving.nothing_there(entered)
    act = audit.Act(
        audit.Event.AUDIT_EXPORTED,
        actor(entered.caller),
        entered.caller.organization_id,
        network=request.network,
        request_id=request.request_id,
        details={"format": name},
    )
    await edge.audit.commit(audit.row(act, edge.server.clock.microseconds()))
    headers = [
        (b"content-type", form.media_type.encode()),
        (b"content-disposition", f'attachment; filename="{_file_name(edge.server.clock, name)}"'.encode()),
        *((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")),
    ]
    return Streamed(_parts(entered, form, filters), headers)


async def _parts(entered: Entered, form: Form, filters: Mapping[str, Any]) -> AsyncIterator[str]:
    """Reads page after page: no more than one is held. Who loses the permission meanwhile gets no further one."""
    edge, request, section = entered.edge, entered.request, entered.section
    yield form.begin
    after, sent = None, 0
    while True:
        variables = {**filters, "after": after, "first": min(PAGE_ENTRIES, LIMIT_ENTRIES - sent)}
        answered = await ask(edge, request, entered.caller, encoded(entered.caller, section.query, variables))
        if answered.problem is not None:
            raise BrokenOffError(answered.problem.code)
        found = answered.data["auditEntries"]
        yield form.page(found["entries"], sent == 0)
        sent += len(found["entries"])
        after = found["next"]
        if after is None or sent >= LIMIT_ENTRIES:
            yield form.end(after is not None)
            return
        again = await serving.enter(edge, request, section)
        if isinstance(again, Answer):
            raise BrokenOffError("not permitted any longer")


def _file_name(clock: Clock, name: str) -> str:
    return f"activity-{machine_moment(clock.seconds())[:10]}.{name}"


def as_csv(rows: Sequence[Sequence[Any]]) -> str:
    """Writes rows as RFC 4180 has them; no cell is a formula."""
    written = io.StringIO()
    csv.writer(written).writerows([[_cell(one) for one in row] for row in rows])
    return written.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_page(entries: Entries, _is_first: bool) -> str:
    rows = [[_details(one) if name == "details" else one[name] for name in _COLUMNS] for one in entries]
    return as_csv(rows)


def _details(entry: Mapping[str, Any]) -> str:
    return " ".join(f"{one['name']}={one['value']}" for one in entry["details"])


def _json_page(entries: Entries, is_first: bool) -> str:
    made = [
        json.dumps({**one, "details": {detail["name"]: detail["value"] for detail in one["details"]}})
        for one in entries
    ]
    return ("" if is_first or not made else ",\n") + ",\n".join(made)


FORMS: Final[Mapping[str, Form]] = {
    "csv": Form(
        "text/csv; charset=utf-8",
        _BYTE_ORDER_MARK + as_csv([_COLUMNS]),
        _csv_page,
        lambda is_cut: as_csv([[_CUT]]) if is_cut else "",
    ),
    "json": Form(
        "application/json",
        '{"entries": [\n',
        _json_page,
        lambda is_cut: f'\n], "isCut": {"true" if is_cut else "false"}}}\n',
    ),
}
