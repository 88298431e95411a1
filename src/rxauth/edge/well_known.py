"""The documents that a server publishes of itself."""

from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, published
from rxauth.oauth.endpoints import discovery


async def metadata(edge: Edge, _request: Request) -> Answer:
    """Answers with the server's metadata."""
    return published(discovery.metadata(edge.server), edge.server.lifetimes.key_set_s)


async def key_set(edge: Edge, _request: Request) -> Answer:
    """Answers with the keys that verify tokens; it may be kept for as long as a new key is published before its use."""
    # A process that has not heard from its database for too long may have missed a key: then nobody keeps its answer.
    lifetime_s = edge.server.lifetimes.key_set_s if edge.server.feed.is_fresh() else 0
    return published(discovery.key_set(edge.server), lifetime_s)
