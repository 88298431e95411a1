"""Changes of parts of a resource, also as Entra ID and Okta write them (RFC 7644 §3.5.2)."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rxauth.scim import filters, matching, names, values
from rxauth.scim.attributes import IMMUTABLE, READ_ONLY, Attribute, ResourceKind
from rxauth.scim.errors import (
    InvalidFilterError,
    InvalidPathError,
    InvalidSyntaxError,
    InvalidValueError,
    MutabilityError,
    NoTargetError,
)
from rxauth.scim.filters import All, Compare, Filter
from rxauth.scim.names import Place

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
OPERATIONS_LIMIT: Final = 1_000
_OPERATIONS: Final = frozenset({"add", "replace", "remove"})
_WITH_FILTER: Final = re.compile(r"([^\[\]]+)\[(.+)\](?:\.([A-Za-z$][\w$-]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Target:
    """What a path names. filter: which of several values, None: all of them."""

    place: Place
    filter: Filter | None = None


def patched(kind: ResourceKind, before: Mapping[str, Any], sent: Any) -> dict[str, Any]:
    """Returns a resource after all operations of a request, in their order; `before` stays as it is.

    Raises:
        InvalidSyntaxError: it is no request of that kind. InvalidPathError, NoTargetError, MutabilityError,
        InvalidValueError, InvalidFilterError: an operation cannot be done, so none is.
    """
    after = dict(before)  # what stands in it is replaced, and never changed
    for operation in _operations(sent):
        op = str(operation.get("op", "")).lower()  # Entra ID writes Add, Replace, Remove
        if op not in _OPERATIONS:
            raise InvalidSyntaxError("op is add, replace or remove.")
        path, value = operation.get("path"), operation.get("value")
        if path is not None and not isinstance(path, str):
            raise InvalidPathError("path is a text.")
        if path:
            _at_path(kind, after, op, path, operation)
        elif op == "remove":
            raise NoTargetError("A remove has a path.")
        elif isinstance(value, dict):
            _without_path(kind, after, op, value)
        else:
            raise InvalidValueError("Without a path, the value is an object.")
    values.require(kind, after)
    return after


def _operations(sent: Any) -> list[dict[str, Any]]:
    found = {name.lower(): value for name, value in sent.items()} if isinstance(sent, dict) else {}
    operations = found.get("operations")
    if not isinstance(operations, list) or not operations or not all(isinstance(one, dict) for one in operations):
        raise InvalidSyntaxError("Operations is a list of at least one object.")
    if len(operations) > OPERATIONS_LIMIT:
        raise InvalidSyntaxError(f"A request has at most {OPERATIONS_LIMIT} operations.")
    return [{name.lower(): value for name, value in one.items()} for one in operations]


def _without_path(kind: ResourceKind, after: dict[str, Any], op: str, value: dict[str, Any]) -> None:
    """Does an operation for each member of its value; what is unknown, or the server's, is left out.

    A member may be a path: Entra ID writes name.givenName, and the URN of an extension before a name.
    """
    for name, one in value.items():
        extension = kind.extension_by_key.get(name.lower())
        if extension is not None and isinstance(one, dict):
            for inner, of_it in one.items():
                attribute = extension.by_key.get(inner.lower())
                if attribute is not None and attribute.mutability != READ_ONLY:
                    _apply(after, op, _Target(Place(extension.urn, attribute)), of_it)
            continue
        try:
            target = _target(kind, name)
        except InvalidPathError:
            continue
        if target.place.target.mutability != READ_ONLY:
            _apply(after, op, target, one)


def _at_path(kind: ResourceKind, after: dict[str, Any], op: str, path: str, operation: dict[str, Any]) -> None:
    value, extension = operation.get("value"), kind.extension_by_key.get(path.strip().lower())
    if extension is not None:
        if op == "remove":
            after.pop(extension.urn, None)
        elif isinstance(value, dict):
            _without_path(kind, after, op, {extension.urn: value})
        else:
            raise InvalidValueError("The value of an extension is an object.")
        return
    target = _target(kind, path)
    if READ_ONLY in (target.place.attribute.mutability, target.place.target.mutability):
        raise MutabilityError(f"{target.place.target.name} is the server's to change.")
    if op == "remove" and target.place.target.required:
        raise MutabilityError(f"A {kind.name} always has a {target.place.target.name}.")
    if (op == "add" and value is None) or (op == "replace" and "value" not in operation):
        raise InvalidValueError("An add and a replace have a value.")
    _apply(after, op, target, value)


def _target(kind: ResourceKind, path: str) -> _Target:
    path = path.strip()
    found = _WITH_FILTER.fullmatch(path)
    name = filters.parse_name(path if found is None else found[1])
    if name is None or (found is not None and name.sub is not None):
        raise InvalidPathError("The path is none.")
    place = names.find(kind, name, InvalidPathError)
    if found is None:
        return _Target(place)
    if not place.attribute.multi:
        raise InvalidPathError(f"{place.attribute.name} has one value: no filter chooses among several.")
    sub = None if found[3] is None else place.attribute.sub(found[3])
    if found[3] is not None and sub is None:
        raise InvalidPathError(f"{place.attribute.name} has no such attribute inside it.")
    try:
        return _Target(Place(place.extension, place.attribute, sub), filters.parse(found[2]))
    except InvalidFilterError as error:
        raise InvalidPathError(str(error)) from None


def _apply(after: dict[str, Any], op: str, target: _Target, value: Any) -> None:
    place = target.place
    held = after if place.extension is None else dict(after.get(place.extension, {}))
    if place.attribute.multi:
        _several(held, op, target, value)
    else:
        _one(held, op, place, value)
    if place.extension is not None:
        after.pop(place.extension, None)
        if held:
            after[place.extension] = held


def _one(held: dict[str, Any], op: str, place: Place, value: Any) -> None:
    attribute, name = place.attribute, place.attribute.name
    if place.sub is not None:
        inner = dict(held.get(name, {}))
        _set(inner, place.sub.name, None if op == "remove" else values.of(place.sub, value))
        _set(held, name, inner)
        return
    kept = None if op == "remove" else values.of(attribute, value)
    if attribute.kind == "complex" and isinstance(kept, dict):
        kept = {**held.get(name, {}), **kept}
    _set(held, name, kept)


def _several(held: dict[str, Any], op: str, target: _Target, value: Any) -> None:
    attribute, name = target.place.attribute, target.place.attribute.name
    before: list[Any] = held.get(name, [])
    if target.filter is not None or target.place.sub is not None:
        after = _some(before, op, target, value)
    elif op == "remove":
        gone = {
            _key(attribute, one) for one in values.of(attribute, value) or ()
        }  # Entra ID names here whom it takes out
        after = [one for one in before if _key(attribute, one) not in gone] if gone else []
    elif op == "replace":
        after = _united(attribute, [], values.of(attribute, value) or [])
    else:
        after = _united(attribute, before, values.of(attribute, value) or [])
    _set(held, name, after)


def _some(before: list[Any], op: str, target: _Target, value: Any) -> list[Any]:
    """Changes those of several values that a filter chooses, or all of them."""
    attribute, sub = target.place.attribute, target.place.sub
    fits = _chooses(attribute, target.filter)
    chosen = [fits(one) for one in before]
    if op == "remove" and sub is None:
        return [one for one, is_chosen in zip(before, chosen, strict=True) if not is_chosen]
    if op == "remove" and sub is not None:
        _require_mutable(sub)
        stripped = [_without(one, sub.name) if on else one for one, on in zip(before, chosen, strict=True)]
        return [one for one in stripped if one]
    if sub is not None and any(chosen):
        _require_mutable(sub)
    if sub is not None:
        change: dict[str, Any] = {sub.name: values.of(sub, value)}
    else:
        change = values.single(attribute, value[0] if isinstance(value, list) and len(value) == 1 else value) or {}
    if not any(chosen):
        return _united(attribute, before, [_described(attribute, op, target.filter, change)])
    after = [{**one, **change} if on else one for one, on in zip(before, chosen, strict=True)]
    settled = _settle_primary(after, change, chosen)
    kept = [{name: inner for name, inner in one.items() if inner is not None} for one in settled]
    return [one for one in kept if one]


def _described(attribute: Attribute, op: str, wanted: Filter | None, change: dict[str, Any]) -> dict[str, Any]:
    """Returns the value that an add makes where its filter fits none, as Entra ID expects: it is as the filter says."""
    terms = wanted.terms if isinstance(wanted, All) else () if wanted is None else (wanted,)
    if op != "add" or not all(isinstance(one, Compare) and one.op == "eq" for one in terms):
        raise NoTargetError("The path fits no value.")
    said = {one.name.attribute: one.value for one in terms if isinstance(one, Compare)}
    made: dict[str, Any] = values.single(attribute, {**said, **change}) or {}
    return made


def _chooses(attribute: Attribute, wanted: Filter | None) -> Callable[[dict[str, Any]], bool]:
    if wanted is None:
        return lambda _: True
    try:
        return matching.of_value(attribute, wanted)
    except InvalidFilterError as error:
        raise InvalidPathError(str(error)) from None


def _united(attribute: Attribute, before: list[Any], added: list[Any]) -> list[Any]:
    """Returns the values before with others: one that is there already is replaced, and there is one primary value."""
    together: dict[Hashable, Any] = {_key(attribute, one): one for one in before}
    for one in added:
        key = _key(attribute, one)
        together[key] = {**together.get(key, {}), **one}
    new = {_key(attribute, one) for one in added if one.get("primary") is True}
    if new:
        together = {key: one if key in new else _secondary(one) for key, one in together.items()}
    return list(together.values())


def _settle_primary(after: list[Any], change: dict[str, Any], chosen: list[bool]) -> list[Any]:
    if change.get("primary") is not True:
        return after
    if sum(chosen) > 1:
        raise InvalidValueError("At most one value is primary.")
    return [one if on else _secondary(one) for one, on in zip(after, chosen, strict=True)]


def _secondary(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "primary": False} if one.get("primary") is True else one


def _key(attribute: Attribute, one: dict[str, Any]) -> Hashable:
    """Returns what tells values of an attribute apart (RFC 7643 §2.4): a value, and its label where there are some."""
    value = one.get("value")
    if value is None:
        return tuple(sorted((name, str(inner)) for name, inner in one.items() if name != "primary"))
    return (value,) if attribute.sub("primary") is None else (value, str(one.get("type", "")).lower())


def _require_mutable(sub: Attribute) -> None:
    if sub.mutability == IMMUTABLE:
        raise MutabilityError(f"{sub.name} does not change: add another value, and remove this one.")


def _without(one: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != name}


def _set(into: dict[str, Any], name: str, value: Any) -> None:
    if value in (None, [], {}):
        into.pop(name, None)
    else:
        into[name] = value
