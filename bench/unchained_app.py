"""The app composed without the audit log's sequencer: what a token costs when nobody numbers and chains its record.

It is served by a program of its own, never by a setting: `python -m bench.unchained_app`, with the environment of
`rxauth serve`.
"""

from starlette.types import ASGIApp

from rxauth.app import make_api, make_server
from rxauth.cli.server import _listen, _server
from rxauth.clock import Clock
from rxauth.edge.context import Edge
from rxauth.edge.routes import application
from rxauth.settings import Settings, read


def make_unchained_app(settings: Settings) -> ASGIApp:
    """Returns the application; records wait in the outbox."""
    server = make_server(settings, Clock())
    return application(Edge(server, make_api(server)))


if __name__ == "__main__":
    chosen = read()
    listening = _listen(chosen)
    _server(make_unchained_app(chosen)).run(sockets=[listening])
