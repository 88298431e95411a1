"""What of an organization's providers ends soon: licences, registrations, authorities and proposals, by day.

Each of the four is read along an index of its own, from where the page begins; nothing else is read.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import merge
from itertools import islice
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, or_, select

from rxauth.domain.errors import InvalidError
from rxauth.policy.authority import PROPOSAL_LIFETIME_S, State
from rxauth.policy.licences import STATES, LicenceStatus, day_in, end_of_day
from rxauth.storage.database import Transaction
from rxauth.storage.tables.providers import provider_authorities as authorities
from rxauth.storage.tables.providers import provider_licences, provider_registrations
from rxauth.storage.tenancy import Statement, sql

DAYS: Final = range(1, 367)
_DAY_S: Final = 86_400
_HELD: Final = authorities.c.state.in_((State.APPROVED, State.SUSPENDED))


class What(IntEnum):
    """What ends; of one day, in this order."""

    LICENCE = 1
    DEA_REGISTRATION = 2
    AUTHORITY = 3
    PROPOSAL = 4


@dataclass(frozen=True, slots=True)
class Expiration:
    """One thing that ends. id: where a page goes on. on: its last day, where it is; of a moment, the day in UTC.

    ends_at: UTC seconds. state, number: of a licence or a registration.
    """

    id: str
    what: What
    user_id: str
    on: datetime.date
    ends_at: int
    state: str | None = None
    number: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Window:
    """What ends after `since`, which may be a while ago, and before `until`. Both: UTC seconds."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class _Start:
    """Where one of the four begins: with this key and person, and so many rows of theirs that were seen."""

    key: Any
    user_id: str = ""
    seen: int = 0


def search(
    transaction: Transaction, organization_id: str, window: Window, rows: int, after: str | None = None
) -> list[Expiration]:
    """Lists what ends within a window, by the day of its end; after: the `id` of the last one that was seen.

    Raises:
        InvalidError: no list has such an `after`.
    """
    starts = _starts(window, after)
    found = []
    for what, start in starts.items():
        values = {"key": start.key, "user": start.user_id, "rows": rows + start.seen}
        values |= _bounds(what, window)
        one = transaction.all(_STATEMENTS[what], organization_id=organization_id, **values)
        found.append(_made(what, start, one))
    return list(islice(merge(*found, key=lambda one: (one.on, one.what)), rows))


def _days(table: Any) -> Select[Any]:
    """Selects what ends with a day, without what ended already in its state, where it may be tomorrow."""
    columns = (table.c.user_id, table.c.expires_on, table.c.state, table.c.number)
    is_mine = table.c.organization_id == bindparam("organization_id")
    joined = and_(authorities.c.organization_id == table.c.organization_id, authorities.c.user_id == table.c.user_id)
    over: Any = bindparam("over", expanding=True)
    return (
        select(*columns)
        .join(authorities, joined)
        .where(
            is_mine,
            authorities.c.organization_id == bindparam("organization_id"),
            _HELD,
            table.c.status == LicenceStatus.ACTIVE,
            table.c.expires_on <= bindparam("last"),
            or_(table.c.expires_on > bindparam("today"), table.c.state.not_in(over)),
            *_from(table.c.expires_on, table.c.user_id),
        )
        .order_by(table.c.expires_on, table.c.user_id, table.c.state, table.c.number)
        .limit(bindparam("rows"))
    )


def _moments(column: Any, *conditions: Any) -> Select[Any]:
    return (
        select(authorities.c.user_id, column.label("moment"))
        .where(
            authorities.c.organization_id == bindparam("organization_id"),
            *conditions,
            column < bindparam("until"),
            *_from(column, authorities.c.user_id),
        )
        .order_by(column, authorities.c.user_id)
        .limit(bindparam("rows"))
    )


def _from(column: Any, user_id: Any) -> tuple[Any, ...]:
    key: Any = bindparam("key")
    return column >= key, or_(column > key, user_id >= bindparam("user"))


_STATEMENTS: Final[dict[What, Statement]] = {
    What.LICENCE: sql(_days(provider_licences)),
    What.DEA_REGISTRATION: sql(_days(provider_registrations)),
    What.AUTHORITY: sql(_moments(authorities.c.effective_until, _HELD)),
    What.PROPOSAL: sql(_moments(authorities.c.asked_at, authorities.c.proposal_id.is_not(None))),
}


def _bounds(what: What, window: Window) -> dict[str, Any]:
    if what in {What.LICENCE, What.DEA_REGISTRATION}:
        days = {state: day_in(state, window.since) for state in STATES}
        today = min(days.values())
        over = [state for state, day in days.items() if day > today]
        return {"last": _day(window.until - 1).isoformat(), "today": today.isoformat(), "over": over}
    return {"until": window.until - _lifetime(what)}


def _starts(window: Window, after: str | None) -> dict[What, _Start]:
    """Returns where each of the four begins: those that come before `after` on its day begin with the next."""
    if after is None:
        return {what: _Start(_key(what, _first_day(window), window)) for what in What}
    at, key, user_id, seen = _read(after)
    day = datetime.date.fromisoformat(key) if at < What.AUTHORITY else _day(int(key) + _lifetime(at))
    starts = {what: _Start(_key(what, day + datetime.timedelta(days=1) if what < at else day, window)) for what in What}
    starts[at] = _Start(key if at < What.AUTHORITY else int(key), user_id, seen)
    return starts


def _key(what: What, day: datetime.date, window: Window) -> Any:
    if what < What.AUTHORITY:
        return day.isoformat()
    midnight = datetime.datetime.combine(day, datetime.time.min, datetime.UTC)
    return max(int(midnight.timestamp()), window.since + 1) - _lifetime(what)


def _read(after: str) -> tuple[What, str, str, int]:
    try:
        what, key, user_id, seen = after.split(".")
        at = What(int(what))
        day = datetime.date.fromisoformat(key) if at < What.AUTHORITY else _day(int(key) + _lifetime(at))
        if day == datetime.date.max or not 0 < int(seen) < 1_000:
            raise ValueError(seen)
    except (ValueError, OverflowError, OSError):
        raise InvalidError("after is the id of something in this list", "after") from None
    return at, key, user_id, int(seen)


def _made(what: What, start: _Start, rows: Sequence[Any]) -> list[Expiration]:
    found = []
    seen: tuple[Any, int] = (None, 0)
    for row in rows:
        key = row[1]
        seen = ((key, row.user_id), seen[1] + 1 if seen[0] == (key, row.user_id) else 1)
        if seen[0] == (start.key, start.user_id) and seen[1] <= start.seen:
            continue
        place = f"{what:d}.{key}.{row.user_id}.{seen[1]}"
        if what < What.AUTHORITY:
            on = datetime.date.fromisoformat(key)
            found.append(Expiration(place, what, row.user_id, on, end_of_day(on, row.state), row.state, row.number))
        else:
            ends_at = key + _lifetime(what)
            found.append(Expiration(place, what, row.user_id, _day(ends_at), ends_at))
    return found


def _lifetime(what: What) -> int:
    return PROPOSAL_LIFETIME_S if what is What.PROPOSAL else 0


def _first_day(window: Window) -> datetime.date:
    return min(day_in(state, window.since) for state in STATES)


def _day(at: int) -> datetime.date:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).date()
