"""Which page of a list is asked for: by the place of its first row, or by a cursor (RFC 7644 §3.4.2.4, RFC 9865)."""

from dataclasses import dataclass
from typing import Any, Final

from rxauth.ids import Kind, is_id
from rxauth.scim.errors import InvalidCursorError, InvalidValueError

DEFAULT_COUNT: Final = 100
MOST: Final = 200
INDEX_LIMIT: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """Some rows of a list. cursor: of the row before the first, "" for the start; None: pages go by place."""

    offset: int
    count: int
    cursor: str | None = None


def window(start_index: Any, count: Any, cursor: Any, kind: Kind | None) -> Window:
    """Returns the page that a client asks for.

    Raises:
        InvalidValueError: a number is none. InvalidCursorError: see there.
    """
    wanted = DEFAULT_COUNT if count is None else max(0, _number(count, "count"))
    start = 1 if start_index is None else max(1, _number(start_index, "startIndex"))
    if cursor and (kind is None or not isinstance(cursor, str) or not is_id(kind, cursor)):
        raise InvalidCursorError("The cursor is none that was given out: begin anew with an empty one.")
    return Window(min(start, INDEX_LIMIT) - 1, min(wanted, MOST), cursor)


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidValueError(f"{name} is a whole number.")
    text = str(value).strip()
    if len(text) > 12 or not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
        raise InvalidValueError(f"{name} is a whole number.")
    return int(text)
