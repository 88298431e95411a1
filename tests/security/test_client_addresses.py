"""Addresses made up in headers: they count for nothing, and a proxy's word counts everywhere alike."""

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from rxauth.crypto.secrets import new_secret
from rxauth.domain import sessions
from rxauth.domain.audit import Event
from rxauth.edge.guards import FailureLimiter
from rxauth.edge.proxies import Proxies
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.live import Live, credentials, http_client
from tests.signing_in import Cast
from tests.world import StandingClock, World

PER_MINUTE = 3
_ENTRIES = sql(select(audit_outbox.c.entry))
PROXIES = Proxies([ipaddress.ip_network("127.0.0.1/32")])


@pytest.fixture
def behind(sqlite_world: World, clock: StandingClock) -> Iterator[Live]:
    """A server behind a proxy, which is what asks from 127.0.0.1."""
    running = Live(sqlite_world, clock, proxies=PROXIES, limiter=FailureLimiter(PER_MINUTE))
    yield running
    running.stop()


def guess(http: httpx.Client, live: Live, address: str) -> int:
    """Tries a wrong secret, for a client at this address; returns the status."""
    body = credentials(replace(live.world.alder, secret=new_secret()))
    return http.post("/oauth/token", json=body, headers={"x-forwarded-for": address}).status_code


def test_who_guesses_behind_a_proxy_stops_nobody_else_behind_it(behind: Live) -> None:
    statuses = [guess(behind.http, behind, "203.0.113.7") for _ in range(PER_MINUTE + 1)]
    assert statuses == [401] * PER_MINUTE + [429]

    assert guess(behind.http, behind, "203.0.113.8") == 401
    assert guess(behind.http, behind, "198.51.100.1, 203.0.113.7") == 429


def test_who_guesses_past_the_proxy_cannot_take_a_new_address_each_time(behind: Live) -> None:
    with http_client(base_url=behind.url, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as http:
        statuses = [guess(http, behind, f"203.0.113.{number}") for number in range(PER_MINUTE + 1)]
    assert statuses == [401] * PER_MINUTE + [429]


def test_sessions_and_the_audit_log_name_the_client_s_network(behind: Live) -> None:
    cast = Cast(behind)
    browser = cast.browser()
    browser.http.headers["x-forwarded-for"] = "192.0.2.99, 2001:db8:1:2:3::4"
    browser.open(cast.request())
    cast.log_in(browser)

    (session,) = behind.server.database.read(lambda tx: sessions.of_user(tx, cast.ada.id))
    assert session.network == "2001:db8:1:2::/64"
    rows = behind.server.database.read(lambda tx: tx.all(_ENTRIES))
    records = [json.loads(row.entry) for row in rows]
    assert {one["network"] for one in records if one["event"] == Event.SIGNED_IN} == {session.network}
    cast.close()


@pytest.mark.parametrize(("issuer", "expected"), [("https://auth.example.com/", "max-age=31536000"), (None, None)])
def test_who_came_over_tls_once_never_comes_without_it(
    sqlite_world: World, clock: StandingClock, issuer: str | None, expected: str | None
) -> None:
    """RFC 6797 §7.1: every answer says so, those of a machine and those that find nothing too."""
    settings = replace(sqlite_world.settings, issuer=issuer or sqlite_world.settings.issuer)
    live = Live(replace(sqlite_world, settings=settings), clock)
    asked = [("GET", "/readyz"), ("GET", "/nothing"), ("POST", "/oauth/token"), ("DELETE", "/graphql"), ("GET", "/")]
    for method, path in asked:
        answer = live.http.request(method, path, headers={"x-forwarded-proto": "https"})
        assert answer.headers.get("strict-transport-security") == expected, path
    live.let_go()
