"""The same app composed without verification and policy: what an API call costs when nobody asks who calls.

It is served by a program of its own, never by a setting: `python -m bench.bare_app ORGANIZATION_ID`, with the
environment of `rxauth serve`.
"""

import sys
from unittest.mock import patch

from graphql import GraphQLObjectType, GraphQLSchema
from starlette.types import ASGIApp

from rxauth.api import contract
from rxauth.api.execute import Api
from rxauth.app import make_server
from rxauth.cli.server import _listen, _server
from rxauth.clock import Clock
from rxauth.edge import graphql, operations
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request, require_json
from rxauth.edge.responses import Answer
from rxauth.edge.routes import application
from rxauth.policy.subjects import Caller, MachineSubject
from rxauth.settings import Settings, read


def make_bare_app(settings: Settings, organization_id: str) -> ASGIApp:
    """Returns the application; everybody is taken for the organization's machine, and what they touch is recorded."""
    nobody = Caller(MachineSubject("bench", organization_id, frozenset()), frozenset(), "bench", "bench")

    async def execute(edge: Edge, request: Request) -> Answer:
        require_json(request)
        body = await request.body()
        return graphql._answer(request, await edge.in_thread(operations.run, edge, request, nobody, body, ()))

    server = make_server(settings, Clock())
    edge = Edge(server, Api(_without_guards(), server.database, server.clock))
    with patch.object(graphql, "execute", execute):  # the table of routes takes it from there
        return application(edge)


def _without_guards() -> GraphQLSchema:
    """Builds the schema, and puts the resolvers back in the place of the guards before them."""
    schema = contract.schema()
    for name, resolvers in contract.binding().resolvers.items():
        kind = schema.type_map[name]
        if isinstance(kind, GraphQLObjectType):
            for field, resolve in resolvers.items():
                kind.fields[field].resolve = resolve
    return schema


if __name__ == "__main__":
    chosen = read()
    listening = _listen(chosen)
    _server(make_bare_app(chosen, sys.argv[1])).run(sockets=[listening])
