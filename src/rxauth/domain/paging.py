"""Pages: newest first, by the identifier of the last row seen."""

from dataclasses import dataclass
from typing import Final

from rxauth.domain.errors import InvalidError
from rxauth.ids import new_ulid

DEFAULT_ROWS = 25
LIMIT_ROWS = 100
# Sorts after every identifier, which are ASCII.
FROM_THE_START = "\x7f"
_FIRST_ENTROPY: Final = bytes(10)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows: at most `rows`, of those before `before`."""

    rows: int
    before: str


def page(after: str | None, first: int | None) -> Page:
    """Returns the page that a client asks for; None takes the first page, and the usual size.

    Raises:
        InvalidError: a size that no page has.
    """
    rows = DEFAULT_ROWS if first is None else first
    if rows < 1:
        raise InvalidError(f"first is 1 to {LIMIT_ROWS}", "first")
    return Page(min(rows, LIMIT_ROWS), after or FROM_THE_START)


def first_of(at_ms: int) -> str:
    """Returns the lowest identifier that a row of that millisecond may have, where a ULID is the whole of it."""
    if at_ms < 0:
        return ""
    return new_ulid(at_ms, _FIRST_ENTROPY) if at_ms < 1 << 48 else FROM_THE_START
