"""How resources and lists of them are shown, whole or in part (RFC 7644 §3.4.2, §3.9)."""

import datetime
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rxauth.scim import filters, names
from rxauth.scim.attributes import ResourceKind
from rxauth.scim.errors import InvalidPathError, InvalidValueError
from rxauth.scim.names import Place

LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
NAMES_LIMIT: Final = 100
_ALWAYS: Final = frozenset({"schemas", "id"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Which attributes a client wants to see. wanted None: all but what is excluded."""

    wanted: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()

    def shown(self, kind: ResourceKind, resource: dict[str, Any]) -> dict[str, Any]:
        """Returns the part of a resource that is wanted."""
        if self.wanted is not None:
            return self._only(kind, resource)
        after = dict(resource)
        for place in (one for name in self.excluded for one in _places(kind, name)):
            holder = after if place.extension is None else dict(after.get(place.extension, {}))
            if place.attribute.name not in _ALWAYS:
                _leave_out(holder, place)
            if place.extension is not None and holder:
                after[place.extension] = holder
            elif place.extension is not None:
                after.pop(place.extension, None)
        return _with_schemas(kind, after)

    def _only(self, kind: ResourceKind, resource: dict[str, Any]) -> dict[str, Any]:
        after = {name: value for name, value in resource.items() if name in _ALWAYS}
        for place in (one for name in self.wanted or () for one in _places(kind, name)):
            value = place.holder(resource).get(place.attribute.name)
            if value is None:
                continue
            into = after if place.extension is None else after.setdefault(place.extension, {})
            if place.sub is None:
                into[place.attribute.name] = value
            else:
                _take_in(into, place, value)
        return _with_schemas(kind, after)

    def sees(self, kind: ResourceKind, attribute: str) -> bool:
        """Tells whether an attribute is shown, so that it has to be read."""
        if self.wanted is not None:
            return any(place.attribute.name == attribute for name in self.wanted for place in _places(kind, name))
        gone = (place for name in self.excluded for place in _places(kind, name))
        return not any(place.attribute.name == attribute and place.sub is None for place in gone)


def choice(wanted: Any, excluded: Any) -> Choice:
    """Returns which attributes a client asks for: lists of names, or texts with commas.

    Raises:
        InvalidValueError: both are named, or too many.
    """
    some, others = _names(wanted), _names(excluded)
    if some and others:
        raise InvalidValueError("Either attributes or excludedAttributes is named, not both.")
    return Choice(some or None, others)


def _names(given: Any) -> tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list) or not all(isinstance(one, str) for one in parts):
        return ()
    if len(parts) > NAMES_LIMIT:
        raise InvalidValueError(f"At most {NAMES_LIMIT} attributes are named.")
    return tuple(one.strip() for one in parts if one.strip())


def _places(kind: ResourceKind, text: str) -> Sequence[Place]:
    """Returns what a name stands for: an extension for all in it; nothing if there is no such attribute."""
    extension = kind.extension_by_key.get(text.lower())
    if extension is not None:
        return [Place(extension.urn, attribute) for attribute in extension.attributes]
    name = filters.parse_name(text)
    if name is None:
        return []
    try:
        return [names.find(kind, name, InvalidPathError)]
    except InvalidPathError:
        return []


def _leave_out(holder: dict[str, Any], place: Place) -> None:
    name = place.attribute.name
    if place.sub is None:
        holder.pop(name, None)
        return
    value, gone = holder.get(name), place.sub.name
    if isinstance(value, list):
        holder[name] = [{key: one for key, one in each.items() if key != gone} for each in value]
    elif isinstance(value, dict):
        holder[name] = {key: one for key, one in value.items() if key != gone}


def _take_in(into: dict[str, Any], place: Place, value: Any) -> None:
    name, sub = place.attribute.name, "" if place.sub is None else place.sub.name
    if isinstance(value, list):
        there = into.get(name) or [{} for _ in value]
        into[name] = [{**old, **({sub: one[sub]} if sub in one else {})} for old, one in zip(there, value, strict=True)]
    elif sub in value:
        into[name] = {**into.get(name, {}), sub: value[sub]}


def _with_schemas(kind: ResourceKind, shown: dict[str, Any]) -> dict[str, Any]:
    return {**shown, "schemas": [one.urn for one in kind.schemas() if one is kind.schema or one.urn in shown]}


def tag(version: int, beside: Sequence[str] = ()) -> str:
    """Returns the entity tag of a resource: its version, and what others changed that it shows too."""
    return f'W/"{version}"' if not beside else f'W/"{version}.{zlib.crc32("/".join(sorted(beside)).encode()):x}"'


def moment(at_ms: int) -> str:
    """Returns UTC milliseconds as they are shown."""
    at = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"


def listed(resources: Sequence[dict[str, Any]], total: int, **more: Any) -> dict[str, Any]:
    """Returns a list as it is sent."""
    return {
        "schemas": [LIST],
        "totalResults": total,
        "itemsPerPage": len(resources),
        **more,
        "Resources": list(resources),
    }
