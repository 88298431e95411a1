"""What a form, or the URL of a page, says: texts by name, some of them several times."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class FieldError(Exception):
    """A field of a form is no value of its kind; str() says what is. name: the field's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form or of a URL. parts: what the path names; they win over everything that is sent."""

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    parts: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def text(self, name: str, default: str = "") -> str:
        """Returns a field without the spaces around it; of several, the last."""
        found = self.parts.get(name) or next((value for key, value in reversed(self.pairs) if key == name), default)
        return found.strip()

    def optional(self, name: str) -> str | None:
        """Returns a field, or None if it is empty."""
        return self.text(name) or None

    def all(self, name: str) -> list[str]:
        """Returns every field of a name: those of a list of checkboxes that are ticked."""
        return [value for key, value in self.pairs if key == name]

    def is_ticked(self, name: str) -> bool:
        """Tells whether a checkbox is ticked."""
        return self.has(name)

    def has(self, name: str) -> bool:
        """Tells whether a field was sent, empty or not."""
        return any(key == name for key, _ in self.pairs)

    def lines(self, name: str) -> list[str]:
        """Returns the lines of a field that are not empty."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def number(self, name: str) -> int | None:
        """Returns a whole number, or None if the field is empty.

        Raises:
            FieldError: it is none.
        """
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise FieldError(name, "Write a whole number, such as 30.")
        return int(text)

    def put(self, name: str, value: str) -> "Fields":
        """Returns the same fields, with another value of one."""
        return Fields((*self.pairs, (name, value)), self.parts)

    def within(self, parts: Mapping[str, str]) -> "Fields":
        """Returns the same fields, with what the path names."""
        return Fields(self.pairs, parts)


def of(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Returns the fields of these pairs."""
    return Fields(tuple(pairs))
