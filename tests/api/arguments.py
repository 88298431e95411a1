"""Arguments for whatever the schema asks for, good but for one text in one place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_required_argument,
    is_required_input_field,
)

from tests.api.measures import SCHEMA

GOOD: dict[str, Any] = {
    "Float": 1.5,
    "Int": 1,
    "Boolean": True,
    "AWSDate": "1990-01-01",
    "AWSDateTime": "2026-01-01T00:00:00.000Z",
    "AWSEmail": "somebody@example.com",
    "AWSPhone": "+12025550170",
}


@dataclass(frozen=True)
class Place:
    """An argument of a root field, or a member of one."""

    root: str
    field: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.field}({'.'.join(self.path)})"


def root_fields() -> Iterator[tuple[str, str, GraphQLField]]:
    """Lists the fields of the two roots."""
    for root in (SCHEMA.query_type, SCHEMA.mutation_type):
        assert root is not None
        for name, field in root.fields.items():
            yield root.name, name, field


def root_field(place: Place) -> GraphQLField:
    """Returns the root field that a place is in."""
    root = SCHEMA.type_map[place.root]
    assert isinstance(root, GraphQLObjectType)
    field: GraphQLField = root.fields[place.field]
    return field


def members(name: str, kind: GraphQLInputType, wanted: set[str]) -> Iterator[tuple[str, ...]]:
    """Lists the paths to what is of one of these types in an argument."""
    inner = get_named_type(kind)
    if inner.name in wanted:
        yield (name,)
    elif isinstance(inner, GraphQLInputObjectType):
        for member_name, member in inner.fields.items():
            for path in members(member_name, member.type, wanted):
                yield (name, *path)


def filled(kind: GraphQLInputType, path: tuple[str, ...], text: str) -> Any:
    """Returns a value that is good but for the text at a path; an empty path is elsewhere."""
    bare = get_nullable_type(kind)
    if isinstance(bare, GraphQLList):
        return [filled(bare.of_type, path, text)]
    if isinstance(bare, GraphQLInputObjectType):
        return {
            name: filled(member.type, path[1:] if path[1:2] == (name,) else (), text)
            for name, member in bare.fields.items()
            if is_required_input_field(member) or path[1:2] == (name,)
        }
    if path:
        return text
    named = get_named_type(kind)
    return next(iter(named.values)) if isinstance(named, GraphQLEnumType) else GOOD.get(named.name, "sample")


def given(arguments: dict[str, GraphQLArgument], place: Place, text: str) -> dict[str, Any]:
    """Returns the variables that put a text in a place."""
    return {
        name: filled(argument.type, place.path if place.path[0] == name else (), text)
        for name, argument in arguments.items()
        if is_required_argument(argument) or place.path[0] == name
    }


def document(place: Place, variables: dict[str, Any]) -> str:
    """Writes the document for some variables; it asks for the identifiers of what comes back."""
    field = root_field(place)
    declared = ", ".join(f"${name}: {field.args[name].type}" for name in variables)
    passed = ", ".join(f"{name}: ${name}" for name in variables)
    inner = get_named_type(field.type)
    shown = "" if not hasattr(inner, "fields") else "{ __typename id }" if "id" in inner.fields else "{ __typename }"
    operation = "query" if place.root == "Query" else "mutation"
    head, call = (f"({declared})", f"({passed})") if variables else ("", "")
    return f"{operation}{head} {{ {place.field}{call} {shown} }}"
