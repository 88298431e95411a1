"""Which part of a filter an index answers, and whether that is all of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from rxauth.domain import scim_groups, scim_user_lists, scim_users
from rxauth.scim import matching, names
from rxauth.scim.attributes import ResourceKind
from rxauth.scim.errors import InvalidFilterError
from rxauth.scim.filters import All, AnyOf, Compare, Filter, Name, Not, Within
from rxauth.scim.schemas import GROUP, USER

# What a comparison narrows: names of the domain's, with what they are to be; None: there is no index for it.
_Narrowing = Callable[[str, str, Any], dict[str, Any] | None]
Narrow = TypeVar("Narrow")
_UNTIL_EVER: Final = 2**53
# What equals nothing, where a value is none that a row could have.
_NOBODY: Final = "\x7f"


def of_users(sought: Filter | None) -> tuple[scim_user_lists.Narrow, bool]:
    """Returns which users an index finds, and whether those are all that are sought, and no others.

    Raises:
        InvalidFilterError: a name is none.
    """
    given, is_exact = _narrowed(USER, sought, _user_term)
    return scim_user_lists.Narrow(**given), is_exact


def of_groups(sought: Filter | None) -> tuple[scim_groups.Narrow, bool]:
    """Returns which groups an index finds; see `of_users`. Members are looked up by eq alone.

    Raises:
        InvalidFilterError: a name is none, or members are compared in another way.
    """
    given, is_exact = _narrowed(GROUP, sought, _group_term)
    if not is_exact and _names_members(sought, narrowed="member" in given):
        raise InvalidFilterError("Members are compared by eq, once, and joined with the rest by and.")
    return scim_groups.Narrow(**given), is_exact


def _narrowed(kind: ResourceKind, sought: Filter | None, narrowing: _Narrowing) -> tuple[dict[str, Any], bool]:
    given: dict[str, Any] = {}
    is_exact = True
    for term in sought.terms if isinstance(sought, All) else () if sought is None else (sought,):
        compared = _comparison(kind, term)
        found = None if compared is None else narrowing(*compared)
        if found is None or not given.keys().isdisjoint(found):
            is_exact = False
        else:
            given |= found
    return given, is_exact


def _comparison(kind: ResourceKind, term: Filter) -> tuple[str, str, Any] | None:
    """Returns what is compared, by its name, how, and with what; None: it is no plain comparison."""
    name = term.name if isinstance(term, Compare) else None
    if isinstance(term, Within) and isinstance(term.filter, Compare) and term.filter.name.sub is None:
        name = Name(term.name.schema, term.name.attribute, term.filter.name.attribute)
        term = term.filter
    if name is None or not isinstance(term, Compare) or term.value is None:
        return None
    place = names.find(kind, name, InvalidFilterError)
    if place.extension is not None:
        return None
    sub = place.sub or (place.attribute.sub("value") if place.attribute.multi else None)
    written = place.attribute.name if sub is None else f"{place.attribute.name}.{sub.name}"
    return written, term.op, matching.key_of(sub or place.attribute, term.value)


def _user_term(name: str, op: str, value: Any) -> dict[str, Any] | None:
    if op == "eq" and name == "userName":
        return {"user_name_key": scim_users.name_key(value)}
    if op == "eq" and name == "emails.value":
        return {"email_key": scim_users.email_key(value) or _NOBODY}
    return _either(name, op, value, {"id": "id", "externalId": "external_id", "active": "active"})


def _group_term(name: str, op: str, value: Any) -> dict[str, Any] | None:
    if op == "eq" and name == "displayName":
        return {"display_key": scim_groups.name_key(value)}
    return _either(name, op, value, {"id": "id", "externalId": "external_id", "members.value": "member"})


def _either(name: str, op: str, value: Any, equal: Mapping[str, str]) -> dict[str, Any] | None:
    if op == "eq" and name in equal:
        return {equal[name]: value}
    if name == "meta.lastModified":
        moments = {
            "gt": {"changed_from": value + 1},
            "ge": {"changed_from": value},
            "lt": {"changed_until": value - 1},
            "le": {"changed_until": value},
            "eq": {"changed_from": value, "changed_until": value},
        }
        return moments.get(op)
    return None


def _names_members(sought: Filter | None, *, narrowed: bool) -> bool:
    """Tells whether a filter asks for members in a way that no index answers."""
    terms = sought.terms if isinstance(sought, All) else (sought,)
    times = sum(_mentions(term) for term in terms if term is not None)
    return times > (1 if narrowed else 0)


def _mentions(term: Filter) -> int:
    if isinstance(term, All | AnyOf):
        return sum(_mentions(one) for one in term.terms)
    if isinstance(term, Not):
        return _mentions(term.term)
    return int(term.name.attribute.lower() == "members")
