"""Whether a resource fits a filter (RFC 7644 §3.4.2.2)."""

import datetime
from collections.abc import Callable, Iterable
from typing import Any, Final

from rxauth.scim import names
from rxauth.scim.attributes import Attribute, ResourceKind
from rxauth.scim.errors import InvalidFilterError
from rxauth.scim.filters import All, AnyOf, Compare, Filter, Literal, Name, Not, Present, Within

Test = Callable[[dict[str, Any]], bool]
_TEXTUAL: Final = frozenset({"co", "sw", "ew"})


def compiled(kind: ResourceKind, wanted: Filter) -> Test:
    """Returns what tells whether a resource fits; every name is looked up once.

    Raises:
        InvalidFilterError: there is no such attribute, or it is not compared in this way.
    """

    def leaf(name: Name) -> tuple[Attribute, Callable[[dict[str, Any]], list[Any]]]:
        place = names.find(kind, name, InvalidFilterError)
        if place.sub is None and place.attribute.kind == "complex" and place.attribute.sub("value") is not None:
            place = names.Place(place.extension, place.attribute, place.attribute.sub("value"))
        return place.target, place.values

    def inside(one: Within) -> Test:
        place = names.find(kind, one.name, InvalidFilterError)
        if place.sub is not None or not place.attribute.multi:
            raise InvalidFilterError("Only an attribute with several values has a filter in brackets.")
        fits = of_value(place.attribute, one.filter)
        return lambda resource: any(fits(value) for value in place.values(resource))

    return _compiled(wanted, leaf, inside)


def of_value(attribute: Attribute, wanted: Filter) -> Test:
    """Returns what tells whether one of an attribute's values fits.

    Raises:
        InvalidFilterError: see `compiled`.
    """

    def leaf(name: Name) -> tuple[Attribute, Callable[[dict[str, Any]], list[Any]]]:
        sub = names.within(attribute, name, InvalidFilterError)
        return sub, lambda value: [value[sub.name]] if sub.name in value else []

    def inside(_: Within) -> Test:
        raise InvalidFilterError("There are no brackets within brackets.")

    return _compiled(wanted, leaf, inside)


def _compiled(wanted: Filter, leaf: Callable[[Name], Any], inside: Callable[[Within], Test]) -> Test:
    if isinstance(wanted, Within):
        return inside(wanted)
    if isinstance(wanted, Not):
        inner = _compiled(wanted.term, leaf, inside)
        return lambda resource: not inner(resource)
    if isinstance(wanted, All | AnyOf):
        tests = [_compiled(one, leaf, inside) for one in wanted.terms]
        together = all if isinstance(wanted, All) else any
        return lambda resource: together(test(resource) for test in tests)
    attribute, values = leaf(wanted.name)
    if isinstance(wanted, Present):
        return lambda resource: any(value not in ("", None, [], {}) for value in values(resource))
    compare = _comparison(attribute, wanted)
    return lambda resource: compare(values(resource))


def _comparison(attribute: Attribute, wanted: Compare) -> Callable[[Iterable[Any]], bool]:
    op, sought = wanted.op, wanted.value
    if attribute.kind == "complex":
        raise InvalidFilterError(f"{attribute.name} is compared by what is inside it.")
    if sought is None:
        if op not in {"eq", "ne"}:
            raise InvalidFilterError("Nothing but eq and ne compares with null.")
        return lambda values: bool(list(values)) is (op == "ne")
    key = key_of(attribute, sought)
    if attribute.kind == "boolean" and op not in {"eq", "ne"}:
        raise InvalidFilterError(f"{attribute.name} is compared by eq and ne.")
    if op in _TEXTUAL and attribute.kind == "dateTime":
        raise InvalidFilterError(f"{attribute.name} is a time: co, sw and ew do not compare it.")
    if op == "ne":
        return lambda values: all(key_of(attribute, value) != key for value in values)
    test = _TESTS[op]
    return lambda values: any(test(key_of(attribute, value), key) for value in values)


def key_of(attribute: Attribute, value: Literal) -> Any:
    """Returns what a value of an attribute is compared by.

    Raises:
        InvalidFilterError: it is none that the attribute can have.
    """
    if attribute.kind == "boolean":
        if isinstance(value, str) and value.lower() in {"true", "false"}:  # as Entra ID writes it
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise InvalidFilterError(f"{attribute.name} is true or false.")
        return value
    if not isinstance(value, str):
        raise InvalidFilterError(f"{attribute.name} is compared with a text in quotation marks.")
    if attribute.kind == "dateTime":
        return milliseconds(value)
    return value if attribute.case_exact else value.casefold()


def milliseconds(text: str) -> int:
    """Returns a time as UTC milliseconds.

    Raises:
        InvalidFilterError: it is none.
    """
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFilterError("A time is written like 2026-11-26T12:00:00Z.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp() * 1000)


_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda value, sought: bool(value == sought),
    "co": lambda value, sought: sought in value,
    "sw": lambda value, sought: bool(value.startswith(sought)),
    "ew": lambda value, sought: bool(value.endswith(sought)),
    "gt": lambda value, sought: bool(value > sought),
    "ge": lambda value, sought: bool(value >= sought),
    "lt": lambda value, sought: bool(value < sought),
    "le": lambda value, sought: bool(value <= sought),
}
