"""The reference of the GraphQL API: a page for each noun, with each field's permission beside it."""

from collections.abc import Iterator
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from reference.wording import code, one_line, table
from rxauth.api import contract
from rxauth.api.schema import is_open_to_organizations, is_open_to_people, required_permissions

ROOTS: Final = ("Query", "Mutation")
Fields = dict[str, list[tuple[str, str, GraphQLField]]]


def pages() -> dict[str, str]:
    """Returns a page for each noun, and one of them all."""
    schema = contract.schema()
    nouns = by_noun(schema)
    owners = owners_of(schema, nouns)
    made = {path_of(noun): _page(schema, noun, fields, owners) for noun, fields in nouns.items()}
    scalars = [(code(kind.name), one_line(kind.description)) for kind in _own_scalars(schema)]
    index = ["# GraphQL API\n", "One endpoint, `POST /graphql`. A page for each noun:\n"]
    index += [f"- [{title(noun)}]({noun}.md)" for noun in nouns]
    index += ["\n## Scalars\n", table(("Scalar", "What it is"), scalars)]
    return {"reference/graphql/index.md": "\n".join(index), **made}


def by_noun(schema: GraphQLSchema) -> Fields:
    """Groups the root fields by the noun whose module resolves them."""
    found: Fields = {}
    resolvers = contract.binding().resolvers
    for root in ROOTS:
        kind = schema.type_map[root]
        assert isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items():
            noun = resolvers[root][name].__module__.rpartition(".")[2].replace("_", "-")
            found.setdefault(noun, []).append((root, name, field))
    return dict(sorted(found.items()))


def owners_of(schema: GraphQLSchema, nouns: Fields) -> dict[str, str]:
    """Says on which noun's page each type is: the first that answers with it, or else that reaches it."""
    owners: dict[str, str] = {}
    frontier = [(noun, kind) for noun, fields in nouns.items() for _, _, field in fields for kind in _named_in(field)]
    while frontier:
        onward = []
        for noun, kind in frontier:
            if kind.name not in owners and not isinstance(kind, GraphQLScalarType):
                owners[kind.name] = noun
                onward += [(noun, one) for one in _members(schema, kind)]
        frontier = onward
    return owners


def path_of(noun: str) -> str:
    """Returns the page of a noun."""
    return f"reference/graphql/{noun}.md"


def title(noun: str) -> str:
    """Returns the title of a noun's page."""
    return noun.replace("-", " ").capitalize()


def opened_by(field: GraphQLField) -> str:
    """Says what a token must have for a field; empty: whatever opens what the field is in."""
    permissions = required_permissions(field)
    if permissions is not None:
        return " or ".join(code(one) for one in permissions)
    if is_open_to_people(field):
        return "any signed-in person"
    return "any token of an organization" if is_open_to_organizations(field) else ""


def _page(schema: GraphQLSchema, noun: str, fields: list[tuple[str, str, GraphQLField]], owners: dict[str, str]) -> str:
    parts = [f"# {title(noun)}\n"]
    for root, heading in (("Query", "Queries"), ("Mutation", "Mutations")):
        listed = [(name, field) for of, name, field in fields if of == root]
        if listed:
            parts.append(f"## {heading}\n")
            parts += [_operation(name, field, noun, owners) for name, field in listed]
    kinds = [schema.type_map[name] for name, owner in sorted(owners.items()) if owner == noun]
    if kinds:
        parts.append("## Types\n")
        parts += [_type(schema, kind, noun, owners) for kind in kinds]
    return "\n".join(parts)


def _operation(name: str, field: GraphQLField, noun: str, owners: dict[str, str]) -> str:
    lines = [f"### {name}\n", f"Opened by {opened_by(field)}. Answers with {_linked(field, noun, owners)}.\n"]
    if field.description:
        lines.append(f"{one_line(field.description)}\n")
    if field.args:
        rows = [
            (code(argument), _linked(one, noun, owners), one_line(one.description))
            for argument, one in field.args.items()
        ]
        lines.append(table(("Argument", "Type", "Meaning"), rows))
    return "\n".join(lines)


def _type(schema: GraphQLSchema, kind: GraphQLNamedType, noun: str, owners: dict[str, str]) -> str:
    lines = [f"### {kind.name} {{ #{_anchor(kind)} }}\n"]
    if kind.description:
        lines.append(f"{one_line(kind.description)}\n")
    if isinstance(kind, GraphQLEnumType):
        lines.append(table(("Value", "Meaning"), [(code(n), one_line(v.description)) for n, v in kind.values.items()]))
    elif isinstance(kind, GraphQLUnionType):
        lines.append(f"One of {', '.join(_link(one, noun, owners) for one in kind.types)}.\n")
    elif isinstance(kind, GraphQLInputObjectType):
        rows = [(code(n), _linked(one, noun, owners), one_line(one.description)) for n, one in kind.fields.items()]
        lines.append(table(("Member", "Type", "Meaning"), rows))
    elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        if isinstance(kind, GraphQLInterfaceType):
            made = ", ".join(_link(one, noun, owners) for one in schema.get_possible_types(kind))
            lines.append(f"It is one of {made}.\n")
        rows_of_fields = [
            (code(n), _linked(one, noun, owners), opened_by(one), one_line(one.description))
            for n, one in kind.fields.items()
        ]
        lines.append(table(("Field", "Type", "Needs", "Meaning"), rows_of_fields))
    return "\n".join(lines)


def _linked(one: GraphQLField | GraphQLArgument, noun: str, owners: dict[str, str]) -> str:
    """Returns a type as it is written, `[Patient!]!`, with its name as a link."""
    kind, written = get_named_type(one.type), str(one.type)
    before, _, after = written.partition(kind.name)
    link = _link(kind, noun, owners)
    return f"{before.replace('[', '&#91;')}{link}{after.replace(']', '&#93;')}"


def _link(kind: GraphQLNamedType, noun: str, owners: dict[str, str]) -> str:
    owner = owners.get(kind.name)
    if owner is None:
        return code(kind.name)
    return f"[{kind.name}]({'' if owner == noun else f'{owner}.md'}#{_anchor(kind)})"


def _anchor(kind: GraphQLNamedType) -> str:
    """Returns the anchor of a type; an operation of the same name has another."""
    return f"type-{kind.name.lower()}"


def _members(schema: GraphQLSchema, kind: GraphQLNamedType) -> Iterator[GraphQLNamedType]:
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        yield from schema.get_possible_types(kind)
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for field in kind.fields.values():
            yield from _named_in(field)
    if isinstance(kind, GraphQLInputObjectType):
        for member in kind.fields.values():
            yield get_named_type(member.type)


def _named_in(field: GraphQLField) -> list[GraphQLNamedType]:
    return [get_named_type(field.type), *(get_named_type(one.type) for one in field.args.values())]


def _own_scalars(schema: GraphQLSchema) -> list[GraphQLScalarType]:
    return [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLScalarType)]
