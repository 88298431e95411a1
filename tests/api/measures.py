"""The whole schema, as it is served, and what the limits count of a document."""

from typing import Any

from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, parse

from rxauth.api import contract, limits
from rxauth.api.schema import paged_fields

FILES = ("clinical.graphql", "screening.graphql")
SCHEMA: GraphQLSchema = contract.schema()
PAGED = paged_fields(SCHEMA)


def weight(text: str) -> Any:
    """Returns what the limits count for the first operation of a document."""
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return limits._Measure(fragments, PAGED).selection(operation.selection_set)
