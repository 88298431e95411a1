"""What the limits count of a document, for tests of the limits."""

from typing import Any

from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, parse

from rxauth.api import limits
from rxauth.api.clinical import BINDING
from rxauth.api.schema import build, paged_fields, read_contract

SCHEMA: GraphQLSchema = build(read_contract("clinical.graphql"), BINDING)
PAGED = paged_fields(SCHEMA)


def weight(text: str) -> Any:
    """Returns what the limits count for the first operation of a document."""
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return limits._Measure(fragments, PAGED).selection(operation.selection_set)
