"""The browser of an administrator at the settings pages, which may ask providers on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network

from rxauth.domain.webhooks import Keeper
from rxauth.edge.cookies import NAME
from rxauth.edge.outbound import Outbound
from rxauth.policy.roles import Role
from tests.browsing import Browser
from tests.live import Live
from tests.token_holders import Holders
from tests.world import ISSUER

LOOPBACK = (ip_network("127.0.0.0/8"),)


@contextmanager
def desk_at(live: Live) -> Iterator[Browser]:
    """Opens the browser of an administrator who proved two factors a moment ago."""
    live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
    live.edge.look_ups = Outbound(LOOPBACK)
    holders = Holders(live)
    _, handle = holders.session(holders.person(Role.ADMINISTRATOR), ("pwd", "otp"))
    browser = Browser(live.url, ISSUER)
    browser.cookies[NAME] = handle
    yield browser
    browser.close()
