"""The whole contract: one schema, made of the files of clinical work, organizations, their management and webhooks."""

from typing import Final

from graphql import GraphQLSchema

from rxauth.api import activity, clinical, domains, management, people, webhooks
from rxauth.api.clinical import catalogs, ordering, screening
from rxauth.api.management import apps, connection_inputs, connection_shown
from rxauth.api.schema import Binding, Resolver, build, read_contract

FILES: Final = (
    "clinical.graphql",
    "orders.graphql",
    "screening.graphql",
    "catalogs.graphql",
    "organizations.graphql",
    "management.graphql",
    "account.graphql",
    "people.graphql",
    "apps.graphql",
    "connections.graphql",
    "providers.graphql",
    "webhooks.graphql",
    "machine.graphql",
    "domains.graphql",
    "scim.graphql",
    "activity.graphql",
)


def schema() -> GraphQLSchema:
    """Builds the schema that is served.

    Raises:
        SchemaError: see `build`.
    """
    return build("\n".join(read_contract(file) for file in FILES), binding())


def binding() -> Binding:
    """Returns what the files are bound to; a type of one file may be extended by the other."""
    resolvers: dict[str, dict[str, Resolver]] = {}
    clinical_ones = (clinical.BINDING.resolvers, ordering.RESOLVERS, screening.RESOLVERS, catalogs.RESOLVERS)
    others = (management.RESOLVERS, people.RESOLVERS, apps.RESOLVERS, webhooks.RESOLVERS, activity.RESOLVERS)
    for one in (*clinical_ones, *others, connection_shown.RESOLVERS, domains.RESOLVERS):
        for kind, fields in one.items():
            resolvers.setdefault(kind, {}).update(fields)
    inputs = {
        **clinical.BINDING.inputs,
        **screening.INPUTS,
        **management.INPUTS,
        **people.INPUTS,
        **apps.INPUTS,
        **connection_inputs.INPUTS,
    }
    return Binding(resolvers, inputs, clinical.BINDING.scalars, clinical.BINDING.kind_of)
