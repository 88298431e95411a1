"""What the names in filters and paths stand for, in a kind of resource."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rxauth.scim.attributes import Attribute, ResourceKind
from rxauth.scim.errors import ScimError
from rxauth.scim.filters import Name


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attribute stands in a resource. extension: the URN it is under, or None. sub: inside it, or None."""

    extension: str | None
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def target(self) -> Attribute:
        """What is named: the attribute, or what is inside it."""
        return self.sub or self.attribute

    def holder(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Returns what the attribute stands in; changes of it may get lost, if the resource has no such extension."""
        found = resource if self.extension is None else resource.get(self.extension, {})
        return found if isinstance(found, dict) else {}

    def values(self, resource: dict[str, Any]) -> list[Any]:
        """Lists the values that a resource has there."""
        value = self.holder(resource).get(self.attribute.name)
        found = value if isinstance(value, list) else [] if value is None else [value]
        if self.sub is None:
            return found
        return [one[self.sub.name] for one in found if self.sub.name in one]


def find(kind: ResourceKind, name: Name, refusal: Callable[[str], ScimError]) -> Place:
    """Looks an attribute up.

    refusal: what is raised, with a text, if there is none.
    """
    extension, by_key = None, kind.by_key
    if name.schema is not None and name.schema.lower() != kind.schema.urn.lower():
        schema = kind.extension_by_key.get(name.schema.lower())
        if schema is None:
            raise refusal(f"A {kind.name} has no such schema.")
        extension, by_key = schema.urn, schema.by_key
    attribute = by_key.get(name.attribute.lower())
    sub = None if attribute is None or name.sub is None else attribute.sub(name.sub)
    if attribute is None or (name.sub is not None and sub is None):
        raise refusal(f"A {kind.name} has no such attribute.")
    return Place(extension, attribute, sub)


def within(attribute: Attribute, name: Name, refusal: Callable[[str], ScimError]) -> Attribute:
    """Looks up what is inside an attribute; refusal: see `find`."""
    found = attribute.sub(name.attribute) if name.schema is None and name.sub is None else None
    if found is None:
        raise refusal(f"{attribute.name} has no such attribute inside it.")
    return found
