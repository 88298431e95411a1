"""The same app, whose tokens for machines are signed with ES256: what a token costs when its signature is cheap.

It is served by a program of its own, never by a setting: `python -m bench.es256_app`, with the environment of
`rxauth serve`.
"""

from unittest.mock import patch

from rxauth.app import make_app
from rxauth.cli.server import _listen, _server
from rxauth.clock import Clock
from rxauth.domain.signing_keys import KeyRing
from rxauth.oauth.keys import Keys
from rxauth.settings import read

_take = Keys._take


def take(keys: Keys, ring: KeyRing) -> None:
    """Takes a ring into use, and the key of another algorithm for machines."""
    _take(keys, ring)
    keys.access_token_signer = keys.access_token_signers["ES256"]


if __name__ == "__main__":
    chosen = read()
    listening = _listen(chosen)
    with patch.object(Keys, "_take", take):  # keys that change later are taken in the same way
        _server(make_app(chosen, Clock())).run(sockets=[listening])
