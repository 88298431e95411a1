"""What the limits count of a document, for tests of the limits."""

from dataclasses import replace
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, parse

from rxauth.api import limits
from rxauth.api.clinical import BINDING, screening
from rxauth.api.schema import Binding, build, paged_fields, read_contract


def with_screening(binding: Binding) -> Binding:
    """Returns what the two clinical files are bound to."""
    resolvers = {
        kind: {**binding.resolvers.get(kind, {}), **screening.RESOLVERS.get(kind, {})}
        for kind in binding.resolvers.keys() | screening.RESOLVERS.keys()
    }
    return replace(binding, resolvers=resolvers, inputs={**binding.inputs, **screening.INPUTS})


FILES = ("clinical.graphql", "screening.graphql")
SCHEMA: GraphQLSchema = build("\n".join(map(read_contract, FILES)), with_screening(BINDING))
PAGED = paged_fields(SCHEMA)


def weight(text: str) -> Any:
    """Returns what the limits count for the first operation of a document."""
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return limits._Measure(fragments, PAGED).selection(operation.selection_set)
