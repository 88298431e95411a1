"""Activity: what was done in the organization, one entry of it, and when the log was verified."""

import datetime
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from rxauth.domain.audit import Event
from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.pages import audit_words
from rxauth.edge.pages.wording import seconds
from rxauth.edge.settings import activity_charts
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/activity"
ROWS: Final = 25
FILTERS: Final = ("person", "event", "target", "from", "to", "tokens")
ENTRY: Final = "id seq at event outcome actorKind actorId actorName target targetName reason network count"
_IDENTIFIER: Final = re.compile(r"usr_[0-9A-Z]{26}|[0-9A-Za-z]{32}")
_QUERY: Final = f"""
query Activity(
  $event: String, $target: ID, $actorId: ID, $since: AWSDateTime, $until: AWSDateTime, $withoutTokens: Boolean!,
  $after: ID, $first: Int!, $words: String!, $isSearch: Boolean!, $isFirst: Boolean!, $can_read_profile: Boolean!,
  $can_read_webhook_config: Boolean!
) {{
  auditEntries(
    event: $event, target: $target, actorId: $actorId, since: $since, until: $until, withoutTokens: $withoutTokens,
    after: $after, first: $first
  ) @skip(if: $isSearch) {{ entries {{ {ENTRY} }} next }}
  ... @include(if: $isSearch) {{
    members(search: $words, first: 10) @include(if: $can_read_profile) {{ id user {{ name {{ full }} email }} }}
  }}
  ... @include(if: $isFirst) {{
    auditVerification {{ entries verifiedAt verifiedEntries problems isWhole checkpoint {{ size at note }} }}
    {activity_charts.EVERYTHING}
  }}
}}
"""
_ONE: Final = (
    f"query ActivityEntry($id: ID!) {{ auditEntry(id: $id) {{ {ENTRY} requestId details {{ name value }} }} }}"
)


def wanted(fields: Fields) -> dict[str, Any]:
    """Returns the variables of a search, from the fields of the filters.

    Raises:
        FieldError: a date is none.
    """
    event, person = fields.optional("event"), fields.text("person")
    until = _day(fields, "to")
    return {
        "event": event,
        "target": fields.optional("target"),
        "actorId": person if _IDENTIFIER.fullmatch(person) else None,
        "since": _midnight(_day(fields, "from")),
        "until": _midnight(None if until is None else until + datetime.timedelta(days=1)),
        "withoutTokens": not fields.is_ticked("tokens") and event != Event.TOKEN_ISSUED,
    }


def is_search(fields: Fields) -> bool:
    """Tells whether the person is told by words, of which it is to be found out who is meant."""
    person = fields.text("person")
    return bool(person) and _IDENTIFIER.fullmatch(person) is None


def chosen(fields: Fields, **others: str) -> str:
    """Returns the filters as a URL has them; others: in place of one of them, or beside."""
    values = {name: fields.text(name) for name in FILTERS} | others
    return urlencode({name: value for name, value in values.items() if value})


def _variables(fields: Fields) -> Variables:
    after, filters = fields.optional("after"), wanted(fields)
    is_first = after is None and not chosen(fields)
    words = fields.text("person") if is_search(fields) else ""
    return {
        **filters,
        "after": after,
        "first": ROWS,
        "words": words[:100],
        "isSearch": bool(words),
        "isFirst": is_first,
    }


def _values(data: Data, fields: Fields) -> Mapping[str, Any]:
    found = data.get("auditEntries")
    following = None if found is None else found["next"]
    return {
        "path": PATH,
        "lines": [] if found is None else [line(one) for one in found["entries"]],
        "onward": None if following is None else f"{PATH}?{chosen(fields, after=following)}",
        "filters": chosen(fields),
        "is_filtered": bool(chosen(fields)),
        "is_search": is_search(fields),
        "people": [(one, f"{PATH}?{chosen(fields, person=one['id'])}") for one in data.get("members") or ()],
        "events": audit_words.choices(),
        "charts": activity_charts.drawn(data),
        **_proven(data.get("auditVerification")),
    }


def _proven(log: Mapping[str, Any] | None) -> Mapping[str, int | None]:
    """Returns when the log was verified, and when it was signed."""
    verified, checkpoint = (None, None) if log is None else (log["verifiedAt"], log["checkpoint"])
    return {
        "verified_at": None if verified is None else seconds(verified),
        "checkpoint_at": None if checkpoint is None else seconds(checkpoint["at"]),
    }


def line(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns an entry of the API's with its words."""
    return {
        **entry,
        "who": audit_words.who(entry),
        "did": audit_words.did(entry),
        "why": audit_words.why(entry),
        "at_s": seconds(entry["at"]),
        "is_refused": entry["outcome"] == "failure",
        "actor_url": f"{PATH}?{urlencode({'person': entry['actorId']})}" if entry["actorId"] else None,
        "accesses_url": f"{PATH}/accesses/{entry['actorId']}" if entry["actorKind"] in {"person", "client"} else None,
        "target_url": f"{PATH}?{urlencode({'target': entry['target'], 'tokens': 'yes'})}" if entry["target"] else None,
    }


def _one(data: Data, _fields: Fields) -> Mapping[str, Any]:
    return {"path": PATH, "line": line(data["auditEntry"])}


def _day(fields: Fields, name: str) -> datetime.date | None:
    text = fields.text(name)
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise FieldError(name, "Write a day such as 2026-11-24.") from None


def _midnight(day: datetime.date | None) -> str | None:
    return None if day is None else f"{day.isoformat()}T00:00:00Z"


LIST: Final = Section(
    path=PATH,
    tab="activity",
    template="settings_activity.html",
    query=_QUERY,
    opens=("read:audit",),
    variables=_variables,
    values=_values,
)
ENTRY_PAGE: Final = Section(
    path=f"{PATH}/{{entry_id}}",
    tab="activity",
    template="settings_activity_entry.html",
    query=_ONE,
    opens=("read:audit",),
    variables=lambda fields: {"id": fields.text("entry_id")},
    values=_one,
    required="auditEntry",
)
