"""What the attributes of resources are: their kinds, and who may change them (RFC 7643 §2, §7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

READ_ONLY: Final = "readOnly"
READ_WRITE: Final = "readWrite"
IMMUTABLE: Final = "immutable"


@dataclass(frozen=True)
class Attribute:
    """An attribute, or one inside it. canonical: values that clients offer; any other is taken too."""

    name: str
    kind: str = "string"
    multi: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = READ_WRITE
    returned: str = "default"
    uniqueness: str = "none"
    description: str = ""
    canonical: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subs: "tuple[Attribute, ...]" = ()

    @cached_property
    def by_key(self) -> "Mapping[str, Attribute]":
        """What is inside it, by name in small letters."""
        return {sub.name.lower(): sub for sub in self.subs}

    def sub(self, name: str) -> "Attribute | None":
        """Returns what is inside it under a name, however that is written."""
        return self.by_key.get(name.lower())

    def described(self) -> dict[str, Any]:
        """Returns how a schema describes it (RFC 7643 §7)."""
        told: dict[str, Any] = {
            "name": self.name,
            "type": self.kind,
            "multiValued": self.multi,
            "required": self.required,
            "mutability": self.mutability,
            "returned": self.returned,
        }
        if self.description:
            told["description"] = self.description
        if self.kind == "complex":
            return told | {"subAttributes": [sub.described() for sub in self.subs]}
        told |= {"caseExact": self.case_exact, "uniqueness": self.uniqueness}
        if self.canonical:
            told["canonicalValues"] = list(self.canonical)
        if self.references:
            told["referenceTypes"] = list(self.references)
        return told


@dataclass(frozen=True)
class Schema:
    """A schema: its URN, and its attributes."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def by_key(self) -> Mapping[str, Attribute]:
        """Its attributes, by name in small letters."""
        return {one.name.lower(): one for one in self.attributes}


@dataclass(frozen=True)
class ResourceKind:
    """A kind of resource: the schema that it has, further ones that it may have, and where it is."""

    name: str
    endpoint: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, Attribute]:
        """Its attributes without those of extensions, and what every resource has, by name in small letters."""
        return {**{one.name.lower(): one for one in COMMON}, **self.schema.by_key}

    @cached_property
    def extension_by_key(self) -> Mapping[str, Schema]:
        """Its extensions, by URN in small letters."""
        return {one.urn.lower(): one for one in self.extensions}

    def schemas(self) -> Iterator[Schema]:
        """Lists the schemas that it may have."""
        yield self.schema
        yield from self.extensions


# What every resource has (RFC 7643 §3.1).
COMMON: Final = (
    Attribute("id", case_exact=True, mutability=READ_ONLY, returned="always", uniqueness="server"),
    Attribute("externalId", case_exact=True),
    Attribute(
        "meta",
        "complex",
        mutability=READ_ONLY,
        subs=(
            Attribute("resourceType", case_exact=True, mutability=READ_ONLY),
            Attribute("created", "dateTime", mutability=READ_ONLY),
            Attribute("lastModified", "dateTime", mutability=READ_ONLY),
            Attribute("location", "reference", case_exact=True, mutability=READ_ONLY, references=("uri",)),
            Attribute("version", case_exact=True, mutability=READ_ONLY),
        ),
    ),
)
