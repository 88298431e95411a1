"""The form of a provider's facts: rows of licences and registrations, and back to what the API is asked."""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Data, Variables
from rxauth.policy.licences import STATES

Row = dict[str, Any]
ROWS_LIMIT: Final = 60
_LIMIT: Final = 100  # of rows that are known already
MORE_LICENCES: Final = "provider-more-licences"
MORE_REGISTRATIONS: Final = "provider-more-registrations"
REDRAWS: Final = frozenset({MORE_LICENCES, MORE_REGISTRATIONS})
SCHEDULES: Final = ("II", "IIN", "III", "IIIN", "IV", "V")
STATE_CODES: Final = sorted(STATES)
_PLACE: Final = re.compile(r"facts\.(licences|registrations)\[(\d+)\](?:\.(\w+))?")
_KINDS: Final = {"licences": "licence", "registrations": "registration"}
# The field of a row by the API's name; where the API names none, the number is what is looked at first.
_COLUMNS: Final = {
    "state": "state",
    "number": "number",
    "status": "status",
    "expiresOn": "until",
    "schedules": "schedules",
}
_AT: Final = {
    "facts.NPI": "npi",
    "facts.effectiveUntil": "until",
    "licence_not_verified": "licence_source_1",
    "licence_lapsed": "licence_until_1",
    "authority_ended": "until",
}


def variables(fields: Fields) -> Variables:
    """Returns the facts of a form and whom they are about.

    Raises:
        FieldError: a row is half filled in, or a day is none.
    """
    return {"userId": fields.text("user_id"), "facts": facts(fields)}


def facts(fields: Fields) -> Mapping[str, Any]:
    """Returns the facts of a form; rows that are empty are left out.

    Raises:
        FieldError: see `variables`.
    """
    until = _day(fields, "until") if fields.text("until") else None
    return {
        "NPI": fields.text("npi"),
        "npiVerification": _checked(fields, "npi"),
        "licences": [_licence(fields, number) for number in _filled(fields, "licence")],
        "registrations": [_registration(fields, number) for number in _filled(fields, "registration")],
        "effectiveUntil": None if until is None else f"{until + datetime.timedelta(days=1)}T00:00:00.000Z",
    }


def place_of(name: str, sent: Fields) -> str | None:
    """Returns the field of the form that the API, or the code of a refusal, names."""
    found = _PLACE.match(name)
    if found is None:
        return "npi" if name.startswith(("npi_", "facts.npi")) else _AT.get(name)
    kind = _KINDS[found[1]]
    filled, index = _filled(sent, kind), int(found[2])
    number = filled[index] if index < len(filled) else 1
    return f"{kind}_{_COLUMNS.get(found[3] or '', 'number')}_{number}"


def rows(sent: Fields, known: Sequence[Mapping[str, Any]], kind: str, *, more: str, least: int) -> list[Row]:
    """Returns the rows of a form: those that were sent, and one more if that was asked for; or those that are known."""
    number = max(len(known), least)
    if sent.text("licences"):
        number = _count(sent, kind)
        number += sent.text("act") == more and number < ROWS_LIMIT
    return [_row(one, known) for one in range(1, number + 1)]


def _row(number: int, known: Sequence[Mapping[str, Any]]) -> Row:
    one = known[number - 1] if number <= len(known) else {}
    checked = one.get("verification") or {}
    return {
        "index": number,
        "state": one.get("state"),
        "number": one.get("number"),
        "until": one.get("expiresOn"),
        "status": one.get("status", "ACTIVE"),
        "schedules": list(one.get("schedules", ())),
        "source": checked.get("source"),
        "reference": checked.get("reference"),
    }


def known_facts(data: Data) -> Mapping[str, Any]:
    """Returns the facts that a form begins with: those in force, or none."""
    return (data.get("providerAuthority") or {}).get("facts") or {}


def last_day(until: str | None) -> str | None:
    """Returns the last day (UTC) of what ends at a moment that the API wrote."""
    if until is None:
        return None
    return (datetime.datetime.fromisoformat(until) - datetime.timedelta(milliseconds=1)).date().isoformat()


def _filled(fields: Fields, kind: str) -> list[int]:
    """Returns the numbers of the rows in which something was typed."""
    number = _count(fields, kind)
    names = ("number", "until", "source", "reference")
    return [one for one in range(1, number + 1) if any(fields.text(f"{kind}_{name}_{one}") for name in names)]


def _count(fields: Fields, kind: str) -> int:
    """Returns how many rows a form has."""
    text = fields.text(f"{kind}s")
    return min(_LIMIT, int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _licence(fields: Fields, number: int) -> Mapping[str, Any]:
    return _common(fields, "licence", number, "Write the number of the licence, as the board has it.")


def _registration(fields: Fields, number: int) -> Mapping[str, Any]:
    name = f"registration_schedules_{number}"
    schedules = [one for one in fields.all(name) if one in SCHEDULES]
    if not schedules:
        raise FieldError(name, "Tick the schedules that the registration covers.")
    shown = _common(fields, "registration", number, "Write the DEA number: two letters and seven digits.")
    return {**shown, "schedules": schedules}


def _common(fields: Fields, kind: str, number: int, missing: str) -> Mapping[str, Any]:
    state = fields.text(f"{kind}_state_{number}")
    if state not in STATES:
        raise FieldError(f"{kind}_state_{number}", "Choose the state.")
    written = fields.text(f"{kind}_number_{number}")
    if not written:
        raise FieldError(f"{kind}_number_{number}", missing)
    return {
        "state": state,
        "number": written,
        "status": fields.text(f"{kind}_status_{number}", "ACTIVE"),
        "expiresOn": _day(fields, f"{kind}_until_{number}").isoformat(),
        "verification": _checked(fields, f"{kind}", number),
    }


def _checked(fields: Fields, kind: str, number: int | None = None) -> Mapping[str, Any] | None:
    """Returns against what something was checked; None: nobody says that it was."""
    end = "" if number is None else f"_{number}"
    source, reference = fields.optional(f"{kind}_source{end}"), fields.optional(f"{kind}_reference{end}")
    if source is None and reference is not None:
        raise FieldError(f"{kind}_source{end}", "Write against what it was checked, such as the board's website.")
    return None if source is None else {"source": source, "reference": reference}


def _day(fields: Fields, name: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(fields.text(name), "%Y-%m-%d").date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        raise FieldError(name, "Write the day as year, month and day: 2027-01-31.") from None
