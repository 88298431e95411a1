"""Filters and paths as they are written, read into trees (RFC 7644 §3.4.2.2, §3.5.2); names are not looked up."""

import json
import re
from dataclasses import dataclass
from typing import Final

from rxauth.scim.errors import InvalidFilterError

LENGTH_LIMIT_CHARACTERS: Final = 4_000
DEPTH_LIMIT: Final = 20
TERMS_LIMIT: Final = 100
OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
ORDERED: Final = frozenset({"gt", "ge", "lt", "le"})

_TOKEN: Final = re.compile(r'\s*(?:(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+))')
_ATTRIBUTE: Final = re.compile(r"(?:(urn:[^\s]+):)?([A-Za-z$][\w$-]*)(?:\.([A-Za-z$][\w$-]*))?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_WORDS: Final = {"true": True, "false": False, "null": None}

Literal = str | bool | float | None


@dataclass(frozen=True, slots=True)
class Name:
    """The name of an attribute. schema None: it was not named. sub: of what is inside it, or None."""

    schema: str | None
    attribute: str
    sub: str | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """An attribute compared with a value; op: one of `OPERATORS`."""

    name: Name
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Present:
    """Whether an attribute has a value."""

    name: Name


@dataclass(frozen=True, slots=True)
class Within:
    """Whether one of an attribute's values fits a filter of its own."""

    name: Name
    filter: "Filter"


@dataclass(frozen=True, slots=True)
class All:
    """Whether each of several filters fits."""

    terms: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Whether one of several filters fits."""

    terms: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Whether a filter does not fit."""

    term: "Filter"


Filter = Compare | Present | Within | All | AnyOf | Not


def parse(text: str) -> Filter:
    """Reads a filter.

    Raises:
        InvalidFilterError: it is none, or a longer or deeper one than anybody needs.
    """
    reading = _Reading(text)
    found = reading.any_of(0)
    reading.end()
    return found


def parse_name(text: str) -> Name | None:
    """Reads the name of an attribute; None: it is none."""
    found = _ATTRIBUTE.fullmatch(text)
    return None if found is None else Name(found[1], found[2], found[3])


class _Reading:
    """Reads a filter from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > LENGTH_LIMIT_CHARACTERS:
            raise InvalidFilterError(f"A filter has at most {LENGTH_LIMIT_CHARACTERS} characters.")
        self._tokens: list[str] = []
        self._at = 0
        self._terms = 0
        place, text = 0, text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise InvalidFilterError(f"The filter cannot be read from character {place + 1} on.")
            self._tokens.append(found[found.lastgroup or "word"])
            place = found.end()

    def any_of(self, depth: int) -> Filter:
        if depth > DEPTH_LIMIT:
            raise InvalidFilterError(f"A filter has at most {DEPTH_LIMIT} levels of brackets.")
        terms = [self._all_of(depth)]
        while self._take("or"):
            terms.append(self._all_of(depth))
        return terms[0] if len(terms) == 1 else AnyOf(tuple(terms))

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise InvalidFilterError("Something follows where the filter ends: are its parts joined by and, or?")

    def _all_of(self, depth: int) -> Filter:
        terms = [self._term(depth)]
        while self._take("and"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def _term(self, depth: int) -> Filter:
        self._terms += 1
        if self._terms > TERMS_LIMIT:
            raise InvalidFilterError(f"A filter has at most {TERMS_LIMIT} comparisons.")
        if self._peek() == "not" and self._peek(1) == "(":
            self._at += 1
            return Not(self._term(depth))
        if self._take("("):
            found = self.any_of(depth + 1)
            self._expect(")")
            return found
        name = self._name()
        if self._take("["):
            inner = self.any_of(depth + 1)
            self._expect("]")
            return Within(name, inner)
        op = self._next().lower()
        if op == "pr":
            return Present(name)
        if op not in OPERATORS:
            raise InvalidFilterError("An operator is one of eq, ne, co, sw, ew, gt, ge, lt, le and pr.")
        return Compare(name, op, self._literal())

    def _name(self) -> Name:
        found = parse_name(self._next())
        if found is None:
            raise InvalidFilterError("A filter compares attributes by their names.")
        return found

    def _literal(self) -> Literal:
        token = self._next()
        if token.startswith('"'):
            try:
                return str(json.loads(token))
            except ValueError:
                raise InvalidFilterError("A text in the filter is none that JSON has.") from None
        if token.lower() in _WORDS:
            return _WORDS[token.lower()]
        if _NUMBER.fullmatch(token) is None:
            raise InvalidFilterError("A value is a text in quotation marks, a number, true, false or null.")
        return float(token)

    def _peek(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place].lower() if place < len(self._tokens) else ""

    def _take(self, token: str) -> bool:
        is_there = self._peek() == token
        self._at += is_there
        return is_there

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise InvalidFilterError(f"The filter lacks a {token}.")

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise InvalidFilterError("The filter ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]
