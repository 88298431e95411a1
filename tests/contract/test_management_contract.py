"""The management contract beside that of the published clients: it adds, under new names, and changes nothing."""

import pytest
from graphql import GraphQLObjectType, build_schema

from rxauth.api import contract
from rxauth.api.schema import ROOTS, read_contract, required_permissions
from tests.contract.test_clinical_contract import AGREED, CONTRACT, types

SERVED = contract.schema()
CLINICAL = build_schema(read_contract("clinical.graphql"))
ADDED = sorted({kind.name for kind in types(SERVED)} - {kind.name for kind in types(CLINICAL)})


def added_fields() -> list[str]:
    """Lists the root fields that the management contract adds."""
    found = []
    for root in ROOTS:
        whole, clinical = SERVED.type_map[root], CLINICAL.type_map[root]
        assert isinstance(whole, GraphQLObjectType)
        assert isinstance(clinical, GraphQLObjectType)
        found += [f"{root}.{name}" for name in whole.fields if name not in clinical.fields]
    return found


@pytest.mark.parametrize("name", ADDED)
def test_a_type_that_is_added_has_a_new_name(name: str) -> None:
    assert name not in CONTRACT.type_map


@pytest.mark.parametrize("where", added_fields())
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
