"""The schema as the access list: a field that ought to name a permission and does not, does not start."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldDefinitionNode,
    ListValueNode,
    Node,
    ObjectTypeDefinitionNode,
    StringValueNode,
    parse,
    print_ast,
)

from rxauth.api.clinical import BINDING
from rxauth.api.schema import (
    ROOTS,
    Binding,
    SchemaError,
    build,
    is_open_to_organizations,
    paged_fields,
    read_contract,
    required_permissions,
    snake_case,
)
from rxauth.policy.permissions import BY_NAME

CONTRACT = read_contract("clinical.graphql")
TREE = parse(CONTRACT, no_location=True)


def fields() -> Iterator[tuple[str, FieldDefinitionNode]]:
    """Lists every field of every object type, as Type.field."""
    for kind in TREE.definitions:
        if isinstance(kind, ObjectTypeDefinitionNode):
            for field in kind.fields or ():
                yield f"{kind.name.value}.{field.name.value}", field


def named(directive: str) -> list[str]:
    """Lists the fields that have a directive."""
    return [where for where, field in fields() if any(one.name.value == directive for one in field.directives or ())]


def changed(where: str, change: Callable[[DirectiveNode], Node | None]) -> str:
    """Returns the contract with the directives of one field changed, or taken away."""
    kind_name, _, field_name = where.partition(".")

    def field(node: FieldDefinitionNode) -> FieldDefinitionNode:
        if node.name.value != field_name:
            return node
        kept = [new for one in node.directives or () if (new := change(one)) is not None]
        new_node: FieldDefinitionNode = copy(node, directives=tuple(kept))
        return new_node

    definitions = [
        copy(one, fields=tuple(field(node) for node in one.fields or ()))
        if isinstance(one, ObjectTypeDefinitionNode) and one.name.value == kind_name
        else one
        for one in TREE.definitions
    ]
    return print_ast(DocumentNode(definitions=tuple(definitions)))


def copy(node: Any, **changes: Any) -> Any:
    """Returns a syntax node with other children."""
    return type(node)(**{key: getattr(node, key) for key in node.keys} | changes)


def requires(*permissions: str) -> Callable[[DirectiveNode], DirectiveNode]:
    """Returns a change that lets a field require other permissions."""

    def change(directive: DirectiveNode) -> DirectiveNode:
        values = tuple(StringValueNode(value=name) for name in permissions)
        (argument,) = directive.arguments or ()
        new: DirectiveNode = copy(directive, arguments=(copy(argument, value=ListValueNode(values=values)),))
        return new

    return change


def test_the_contract_as_it_is_builds() -> None:
    schema = build(print_ast(TREE), BINDING)

    assert schema.query_type is not None
    assert schema.mutation_type is not None


@pytest.mark.parametrize("where", [*named("requires"), *named("requiresOrganization")])
def test_a_field_that_lost_its_directive_does_not_start(where: str) -> None:
    with pytest.raises(SchemaError, match=where):
        build(changed(where, lambda _: None), BINDING)


@pytest.mark.parametrize("where", named("requires"))
@pytest.mark.parametrize(
    "permissions",
    [("raed:patient",), ("read:patient", "write:patients"), ("READ:PATIENT",), ("read:patient ",), ("",), ()],
    ids=str,
)
def test_a_misspelt_permission_does_not_start(where: str, permissions: tuple[str, ...]) -> None:
    with pytest.raises(SchemaError, match=where):
        build(changed(where, requires(*permissions)), BINDING)


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_field_without_a_resolver_does_not_start(root: str) -> None:
    for name in BINDING.resolvers[root]:
        others = {other: resolve for other, resolve in BINDING.resolvers[root].items() if other != name}
        binding = replace(BINDING, resolvers={**BINDING.resolvers, root: others})
        with pytest.raises(SchemaError, match=f"{root}.{name}"):
            build(CONTRACT, binding)


@pytest.mark.parametrize("kind", BINDING.resolvers)
def test_a_resolver_of_a_field_that_is_not_there_does_not_start(kind: str) -> None:
    resolvers = {**BINDING.resolvers[kind], "misspelt": lambda *_: None}

    with pytest.raises(SchemaError, match="misspelt"):
        build(CONTRACT, replace(BINDING, resolvers={**BINDING.resolvers, kind: resolvers}))


@pytest.mark.parametrize("name", BINDING.inputs)
def test_an_input_that_becomes_nothing_does_not_start(name: str) -> None:
    inputs = {other: make for other, make in BINDING.inputs.items() if other != name}

    with pytest.raises(SchemaError, match=name):
        build(CONTRACT, replace(BINDING, inputs=inputs))


HEAD = """
directive @requires(anyOf: [String!]!) on FIELD_DEFINITION
directive @requiresOrganization on FIELD_DEFINITION
directive @guarded on OBJECT
type Secret @guarded { id: ID! }
type Open { id: ID! }
"""
EMPTY = Binding(resolvers={"Query": {"one": lambda *_: None}}, inputs={}, scalars={}, kind_of=lambda _: "Secret")


@pytest.mark.parametrize(
    "types",
    [
        "type Query { one: Holder @requiresOrganization } type Holder { secret: Secret }",
        "type Query { one: Holder @requiresOrganization } type Holder { secrets: [[Secret!]!]! }",
        "union Any = Open | Secret type Query { one: Holder @requiresOrganization } type Holder { any: [Any] }",
        """
        interface Named { name: String } type Hidden implements Named @guarded { name: String }
        type Query { one: Holder @requiresOrganization } type Holder { named: Named! }
        """,
        """
        interface Named { name: String } interface Deeper implements Named { name: String }
        type Hidden implements Named & Deeper @guarded { name: String }
        type Query { one: Holder @requiresOrganization } type Holder { named: Named! }
        """,
        "type Query { one: Secret @requiresOrganization }",
        "type Query { one: Open }",
        "type Query { one: String }",
        "type Query { one: String @requires(anyOf: []) }",
    ],
)
def test_a_way_to_a_guarded_type_that_names_no_permission_does_not_start(types: str) -> None:
    with pytest.raises(SchemaError):
        build(HEAD + types, EMPTY)


def test_a_way_to_a_guarded_type_that_names_its_permission_starts() -> None:
    types = """
    union Any = Open | Secret
    type Query { one: Holder @requiresOrganization }
    type Holder { secret: Secret @requires(anyOf: ["read:patient"]) any: Any @requires(anyOf: ["read:order"]) }
    """

    assert "Holder" in build(HEAD + types, EMPTY).type_map


def test_every_permission_of_the_contract_is_one_of_the_table() -> None:
    schema = build(CONTRACT, BINDING)

    asked: set[str] = set()
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        for field in root.fields.values():
            permissions = required_permissions(field)
            assert (permissions is None) == is_open_to_organizations(field)
            asked.update(permissions or ())
    patients = {"read:patient", "write:patient", "update:patient"}
    prescribed = {"read:prescription", "write:prescription", "update:prescription", "read:order"}
    ordered = {"write:order", "create:order", "update:order"}
    assert asked == patients | prescribed | ordered | {"manage:organization"}
    assert asked <= BY_NAME.keys()


def test_the_paged_fields_are_those_that_take_first() -> None:
    assert paged_fields(build(CONTRACT, BINDING)) == {
        "medicalEquipment",
        "medications",
        "orders",
        "patients",
        "pharmacies",
        "prescriptions",
    }


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("dateOfBirth", "date_of_birth"),
        ("externalId", "external_id"),
        ("NPI", "npi"),
        ("productNDC", "product_ndc"),
        ("street1", "street1"),
        ("id", "id"),
        ("doNotFillBeforeDate", "do_not_fill_before_date"),
    ],
)
def test_a_field_is_read_from_the_attribute_of_its_name_in_snake_case(name: str, attribute: str) -> None:
    assert snake_case(name) == attribute
