"""The executable schema: the contract's file, its resolvers, and a guard before each field that asks for a permission.

The file is the access list: a field that ought to name a permission and does not keeps the server from starting.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from operator import attrgetter
from typing import Any

from graphql import (
    FieldDefinitionNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    ListValueNode,
    StringValueNode,
    build_schema,
    get_named_type,
)

from rxauth.api.context import Info
from rxauth.api.errors import ForbiddenError
from rxauth.policy import decide
from rxauth.policy.permissions import BY_NAME
from rxauth.policy.subjects import NoOrganizationError, NotAPersonError, UserSubject

Resolver = Callable[..., Any]
ROOTS = ("Query", "Mutation")


class SchemaError(Exception):
    """The schema's file and the code do not fit together."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a schema's file is bound to.

    resolvers: by type and field; a field without one is read from the attribute of its name in snake case.
    inputs: what an input object becomes. kinds: the object type of a record, for interfaces.
    """

    resolvers: Mapping[str, Mapping[str, Resolver]]
    inputs: Mapping[str, Callable[..., Any]]
    scalars: Mapping[str, GraphQLScalarType]
    kind_of: Callable[[Any], str]


def read_contract(name: str) -> str:
    """Returns the text of a contract file of this package."""
    return (files("rxauth.api") / name).read_text()


def build(contract: str, binding: Binding) -> GraphQLSchema:
    """Builds the schema and checks that every field has its resolver and its permission.

    Raises:
        SchemaError: naming the field.
    """
    schema = build_schema(contract)
    for name, scalar in binding.scalars.items():
        _bind_scalar(schema, name, scalar)
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType):
            _bind_object(schema, kind, binding.resolvers.get(name, {}))
        elif isinstance(kind, GraphQLInputObjectType):
            _bind_input(kind, binding.inputs.get(name))
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = lambda record, _info, _type: binding.kind_of(record)
    return schema


def required_permissions(field: GraphQLField) -> tuple[str, ...] | None:
    """Returns the permissions of which one opens a field; None: it names none."""
    for directive in _directives(field):
        if directive.name.value == "requires":
            value = directive.arguments[0].value
            if isinstance(value, ListValueNode):
                return tuple(item.value for item in value.values if isinstance(item, StringValueNode))
    return None


def is_open_to_organizations(field: GraphQLField) -> bool:
    """Tells whether any valid token of an organization opens a field."""
    return any(directive.name.value == "requiresOrganization" for directive in _directives(field))


def is_open_to_people(field: GraphQLField) -> bool:
    """Tells whether any person who is signed in opens a field, in whichever organization, or in none yet."""
    return any(directive.name.value == "requiresPerson" for directive in _directives(field))


def paged_fields(schema: GraphQLSchema) -> frozenset[str]:
    """Returns the names of the fields that return pages."""
    return frozenset(
        name
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if "first" in field.args
    )


def snake_case(name: str) -> str:
    """Returns `dateOfBirth` as `date_of_birth`, `NPI` as `npi`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _bind_scalar(schema: GraphQLSchema, name: str, scalar: GraphQLScalarType) -> None:
    declared = schema.type_map[name]
    if not isinstance(declared, GraphQLScalarType):
        raise SchemaError(f"{name} is no scalar")
    declared.coerce_output_value = scalar.coerce_output_value
    declared.coerce_input_value = scalar.coerce_input_value
    declared.coerce_input_literal = scalar.coerce_input_literal


def _bind_input(kind: GraphQLInputObjectType, make: Callable[..., Any] | None) -> None:
    if make is None:
        raise SchemaError(f"{kind.name} becomes nothing: no input is bound to it")
    for name, field in kind.fields.items():
        field.out_name = snake_case(name)
    kind.out_type = lambda values: make(**values)  # type: ignore[method-assign, assignment]


def _bind_object(schema: GraphQLSchema, kind: GraphQLObjectType, resolvers: Mapping[str, Resolver]) -> None:
    unknown = resolvers.keys() - kind.fields.keys()
    if unknown:
        raise SchemaError(f"{kind.name} has no field {', '.join(sorted(unknown))}")
    for name, field in kind.fields.items():
        where = f"{kind.name}.{name}"
        for argument_name, argument in field.args.items():
            argument.out_name = snake_case(argument_name)
        if name not in resolvers and kind.name in ROOTS:
            raise SchemaError(f"{where} has no resolver")
        resolve = resolvers.get(name) or _attribute(snake_case(name))
        permissions = _permissions(schema, where, field)
        if is_open_to_organizations(field):
            field.resolve = _within_organization(resolve)
        elif is_open_to_people(field):
            field.resolve = _of_people(resolve)
        else:
            field.resolve = _guarded(resolve, permissions)


def _permissions(schema: GraphQLSchema, where: str, field: GraphQLField) -> tuple[str, ...] | None:
    permissions = required_permissions(field)
    for permission in permissions or ():
        if permission not in BY_NAME:
            raise SchemaError(f"{where} requires {permission!r}, which is no permission")
    if is_open_to_people(field):
        return None
    is_root = where.partition(".")[0] in ROOTS
    if not permissions and (_is_guarded(schema, field) or (is_root and not is_open_to_organizations(field))):
        raise SchemaError(f"{where} does not say which permission it requires")
    return permissions


def _is_guarded(schema: GraphQLSchema, field: GraphQLField) -> bool:
    """Tells whether a field can return a type marked @guarded, itself or behind an interface or union."""
    kind = get_named_type(field.type)
    kinds = schema.get_possible_types(kind) if isinstance(kind, (GraphQLInterfaceType, GraphQLUnionType)) else [kind]
    return any(
        directive.name.value == "guarded"
        for one in kinds
        if one.ast_node is not None
        for directive in one.ast_node.directives or ()
    )


def _guarded(resolve: Resolver, permissions: tuple[str, ...] | None) -> Resolver:
    if not permissions:
        return resolve

    def guarded(source: Any, info: Info, **arguments: Any) -> Any:
        context = info.context
        insufficient = decide.require(context.caller, permissions, context.clock.seconds())
        if insufficient is not None:
            raise ForbiddenError(insufficient)
        return resolve(source, info, **arguments)

    return guarded


def _within_organization(resolve: Resolver) -> Resolver:
    """Keeps out who did not choose an organization, though the field reads none of its records."""

    def guarded(source: Any, info: Info, **arguments: Any) -> Any:
        if info.context.caller.subject.organization_id is None:
            raise NoOrganizationError
        return resolve(source, info, **arguments)

    return guarded


def _of_people(resolve: Resolver) -> Resolver:
    """Keeps machines out: what the field returns is the person's own."""

    def guarded(source: Any, info: Info, **arguments: Any) -> Any:
        if not isinstance(info.context.caller.subject, UserSubject):
            raise NotAPersonError
        return resolve(source, info, **arguments)

    return guarded


def _attribute(name: str) -> Resolver:
    get = attrgetter(name)
    return lambda source, _info: get(source)


def _directives(field: GraphQLField) -> Any:
    node = field.ast_node
    return node.directives or () if isinstance(node, FieldDefinitionNode) else ()
