"""The management contract beside that of the published clients: it adds, under new names, and changes nothing."""

import pytest
from graphql import GraphQLObjectType, ObjectTypeExtensionNode, TypeDefinitionNode, build_schema, parse

from rxauth.api import contract
from rxauth.api.schema import ROOTS, read_contract, required_permissions
from tests.contract.test_clinical_contract import AGREED, CONTRACT, types

SERVED = contract.schema()
CLINICAL = build_schema(read_contract("clinical.graphql"))
OWN = parse("\n".join(read_contract(file) for file in ("management.graphql", "apps.graphql", "activity.graphql")))
ADDED = [one.name.value for one in OWN.definitions if isinstance(one, TypeDefinitionNode)]
ADDED_FIELDS = [
    f"{one.name.value}.{field.name.value}"
    for one in OWN.definitions
    if isinstance(one, ObjectTypeExtensionNode) and one.name.value in ROOTS
    for field in one.fields or ()
]


@pytest.mark.parametrize("name", ADDED)
def test_a_type_that_is_added_has_a_new_name(name: str) -> None:
    assert name not in CONTRACT.type_map


@pytest.mark.parametrize("where", ADDED_FIELDS)
def test_a_root_field_that_is_added_has_a_new_name_and_asks_for_a_permission(where: str) -> None:
    root, _, name = where.partition(".")
    kind = SERVED.type_map[root]
    assert isinstance(kind, GraphQLObjectType)
    assert where not in AGREED
    assert required_permissions(kind.fields[name])


def test_what_is_clinical_is_served_as_its_file_says() -> None:
    for kind in types(CLINICAL):
        served = SERVED.type_map[kind.name]
        if isinstance(kind, GraphQLObjectType) and isinstance(served, GraphQLObjectType):
            for name, field in kind.fields.items():
                assert str(served.fields[name].type) == str(field.type)
                assert required_permissions(served.fields[name]) == required_permissions(field)
