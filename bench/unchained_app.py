"""The app composed without the audit log's sequencer: what a token costs when nobody numbers and chains its record.

It is served by a program of its own, never by a setting: `python -m bench.unchained_app`, with the environment of
`rxauth serve`.
"""

from unittest.mock import patch

from starlette.types import ASGIApp

from rxauth import app
from rxauth.cli.server import _listen, _server
from rxauth.clock import Clock
from rxauth.settings import Settings, read


def make_unchained_app(settings: Settings) -> ASGIApp:
    """Returns the application; records wait in the outbox."""
    with patch.object(app, "make_sequencer", lambda *_: None):
        return app.make_app(settings, Clock())


if __name__ == "__main__":
    chosen = read()
    listening = _listen(chosen)
    _server(make_unchained_app(chosen)).run(sockets=[listening])
