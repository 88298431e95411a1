"""Documents that ask for everything: one for each field of Query and each combination of its filter's members."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

_DEPTH: Final = 3
_NESTED_ROWS: Final = 2


@dataclass(frozen=True)
class Asked:
    """A document with its variables."""

    field: str
    text: str
    variables: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.field} {self.variables}"


def every_query(schema: GraphQLSchema, fields: Sequence[str], values: Mapping[str, Sequence[Any]]) -> Iterator[Asked]:
    """Asks for fields of Query with every combination of optional arguments and members of filters.

    values: what an argument may be, by `field.argument` or `argument` and likewise for members of filters; an argument
    that nobody gave a value for is a KeyError.
    """
    assert schema.query_type is not None
    for name in fields:
        field = schema.query_type.fields[name]
        declared = ", ".join(f"${argument}: {one.type}" for argument, one in field.args.items())
        given = ", ".join(f"{argument}: ${argument}" for argument in field.args)
        head = f"query({declared}) {{ {name}({given})" if field.args else f"query {{ {name}"
        text = f"{head} {_selection(field, _DEPTH)} }}"
        for variables in _variables(name, field, values):
            yield Asked(name, text, variables)


def _variables(name: str, field: GraphQLField, values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    choices = [
        [{argument: chosen} for chosen in _choices(name, argument, one, values)] for argument, one in field.args.items()
    ]
    for combination in itertools.product(*choices):
        merged = {key: value for one in combination for key, value in one.items() if value is not None}
        yield merged


def _choices(name: str, argument: str, one: GraphQLArgument, values: Mapping[str, Sequence[Any]]) -> list[Any]:
    kind = get_named_type(one.type)
    optional = [] if isinstance(one.type, GraphQLNonNull) else [None]
    if f"{name}.{argument}" not in values and isinstance(kind, GraphQLInputObjectType):
        return [*optional, *_filters(name, kind, values)]
    if argument == "first":
        return [None]
    return [*optional, *_known(name, argument, kind, values)]


def _filters(name: str, kind: GraphQLInputObjectType, values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    members = [[None, *_known(name, member, get_named_type(one.type), values)] for member, one in kind.fields.items()]
    for combination in itertools.product(*members):
        chosen = dict(zip(kind.fields, combination, strict=True))
        given = {member: value for member, value in chosen.items() if value is not None}
        required = {member for member, one in kind.fields.items() if isinstance(one.type, GraphQLNonNull)}
        if given and required <= given.keys():
            yield given


def _known(name: str, member: str, kind: Any, values: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    if f"{name}.{member}" in values:
        return values[f"{name}.{member}"]
    if isinstance(kind, GraphQLEnumType):
        return list(kind.values)
    if isinstance(kind, GraphQLInputObjectType):
        return list(_filters(name, kind, values))
    return values[member]


def _selection(field: GraphQLField, depth: int) -> str:
    kind = get_named_type(field.type)
    if not isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
        return ""
    members = []
    for name, one in kind.fields.items():
        if is_leaf_type(get_named_type(one.type)):
            members.append(name)
        elif depth > 1:
            rows = f"(first: {_NESTED_ROWS})" if "first" in one.args else ""
            members.append(f"{name}{rows} {_selection(one, depth - 1)}")
    return f"{{ __typename {' '.join(members)} }}"
