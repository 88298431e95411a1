"""Guessing secrets: whoever fails too often waits, and shuts nobody else out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto.secrets import new_secret
from rxauth.edge.guards import FailureLimiter, network_of
from rxauth.ids import new_client_id
from tests.live import Live, basic, credentials, http_client, process
from tests.world import StandingClock, Tenant, World

PER_MINUTE = 5
NETWORK_SHARE = 4  # a network may fail as often as four of its clients


class Stopwatch:
    """Monotonic seconds that a test moves."""

    now_s = 0.0

    def __call__(self) -> float:
        """Returns the seconds so far."""
        return self.now_s


@pytest.fixture
def stopwatch() -> Stopwatch:
    """The limiter's own time."""
    return Stopwatch()


@pytest.fixture
def limited(sqlite_world: World, clock: StandingClock, stopwatch: Stopwatch) -> Iterator[Live]:
    """A server that lets a client fail five times a minute from one network."""
    running = Live(sqlite_world, clock, limiter=FailureLimiter(PER_MINUTE, stopwatch))
    yield running
    running.stop()


@contextmanager
def elsewhere(live: Live) -> Iterator[httpx.Client]:
    """A connection from another address."""
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with http_client(base_url=live.url, transport=transport) as http:
        yield http


def guess(live: Live, tenant: Tenant, times: int) -> list[int]:
    """Tries as many wrong secrets; returns the statuses."""
    return [live.exchange(replace(tenant, secret=new_secret())).status_code for _ in range(times)]


def test_guessing_a_secret_is_stopped_and_told_how_long_to_wait(limited: Live, stopwatch: Stopwatch) -> None:
    """RFC 6585 §4."""
    tenant = limited.world.alder
    assert guess(limited, tenant, PER_MINUTE) == [401] * PER_MINUTE

    answer = limited.exchange(replace(tenant, secret=new_secret()))

    assert answer.status_code == 429
    assert list(answer.json()) == ["error", "error_description"]
    assert answer.headers["cache-control"] == "no-store"
    wait_s = int(answer.headers["retry-after"])
    assert 1 <= wait_s <= 60
    assert limited.exchange(tenant).status_code == 429
    stopwatch.now_s += wait_s
    assert limited.exchange(tenant).status_code == 200


def test_guessing_a_secret_does_not_lock_its_owner_out_from_elsewhere(limited: Live) -> None:
    tenant = limited.world.alder
    assert guess(limited, tenant, PER_MINUTE + 1)[-1] == 429

    with elsewhere(limited) as http:
        assert http.post("/oauth/token", json=credentials(tenant)).status_code == 200


def test_guessing_a_secret_does_not_lock_a_neighbour_out(limited: Live) -> None:
    assert guess(limited, limited.world.alder, PER_MINUTE + 1)[-1] == 429

    assert limited.exchange(limited.world.birch).status_code == 200


def test_guessing_with_many_client_ids_stops_the_network_and_no_other(limited: Live) -> None:
    tenant = limited.world.alder
    made_up = [replace(tenant, client_id=new_client_id()) for _ in range(PER_MINUTE * NETWORK_SHARE)]
    assert {limited.exchange(one).status_code for one in made_up} == {401}

    assert limited.exchange(replace(tenant, client_id=new_client_id())).status_code == 429
    assert limited.exchange(tenant).status_code == 429
    with elsewhere(limited) as http:
        assert http.post("/oauth/token", json=credentials(tenant)).status_code == 200


def test_guessing_in_a_basic_header_is_stopped_as_soon_as_in_the_body(limited: Live) -> None:
    tenant = limited.world.alder

    def guessed() -> int:
        header = basic(tenant.client_id, new_secret())
        body = {"grant_type": "client_credentials"}
        return limited.http.post("/oauth/token", data=body, headers={"authorization": header}).status_code

    assert [guessed() for _ in range(PER_MINUTE)] == [401] * PER_MINUTE
    assert guessed() == 429
    assert limited.exchange(tenant).status_code == 429


def test_a_guess_cut_short_counts_like_a_whole_one(limited: Live) -> None:
    tenant = replace(limited.world.alder, secret="guess")

    assert [limited.exchange(tenant).status_code for _ in range(PER_MINUTE + 1)] == [401] * PER_MINUTE + [429]


def test_a_stopped_guess_is_not_looked_up(limited: Live) -> None:
    tenant = limited.world.alder
    assert guess(limited, tenant, PER_MINUTE + 1)[-1] == 429
    limited.server.clients.forget(tenant.client_id)

    assert limited.exchange(tenant).status_code == 429

    assert limited.server.clients.peek(tenant.client_id) is None


def test_whoever_proves_itself_is_not_limited_whatever_else_it_gets_wrong(limited: Live) -> None:
    tenant = limited.world.alder

    for _ in range(PER_MINUTE * NETWORK_SHARE + 1):
        assert limited.exchange(tenant).status_code == 200
        assert limited.exchange(tenant, scope="write:prescription").status_code == 400
        assert limited.exchange(tenant, grant_type="password").status_code == 400


def test_a_made_up_forwarding_header_does_not_make_a_new_source(sqlite_world: World) -> None:
    tenant = replace(sqlite_world.alder, secret=new_secret())
    with process(sqlite_world.settings) as running:
        statuses = [
            running.http.post(
                "/oauth/token",
                json=credentials(tenant),
                headers={"x-forwarded-for": f"10.0.0.{number}", "forwarded": f"for=10.0.0.{number}"},
            ).status_code
            for number in range(90)
        ]

    assert statuses[0] == 401
    assert statuses[-1] == 429


@given(st.integers(1, 300), st.integers(1, 20), st.floats(0, 3_600))
def test_whoever_waits_as_long_as_told_may_try_again(failures: int, per_minute: int, later_s: float) -> None:
    stopwatch = Stopwatch()
    limiter = FailureLimiter(per_minute, stopwatch)
    for _ in range(failures):
        limiter.count_failure("network", "client")
    stopwatch.now_s += later_s

    wait_s = limiter.wait_s("network", "client")
    if wait_s:
        stopwatch.now_s += wait_s

    assert limiter.wait_s("network", "client") == 0
    assert wait_s <= 60 / per_minute + 1


@given(st.integers(1, 50), st.integers(1, 50))
def test_no_more_failures_are_let_through_than_the_burst_and_the_rate(per_minute: int, minutes: int) -> None:
    stopwatch = Stopwatch()
    limiter = FailureLimiter(per_minute, stopwatch)

    let_through = 0
    while stopwatch.now_s < 60 * minutes:
        while limiter.wait_s("network", "client") == 0:
            limiter.count_failure("network", "client")
            let_through += 1
        stopwatch.now_s += limiter.wait_s("network", "client")

    assert let_through <= per_minute * (minutes + 1)


def test_failing_elsewhere_or_as_somebody_else_costs_nothing() -> None:
    limiter = FailureLimiter(PER_MINUTE, Stopwatch())
    for _ in range(PER_MINUTE):
        limiter.count_failure("network", "client")

    assert limiter.wait_s("network", "client") > 0
    assert limiter.wait_s("network", "another client") == 0
    assert limiter.wait_s("another network", "client") == 0


def test_failing_for_long_from_many_places_does_not_fill_the_memory() -> None:
    limiter = FailureLimiter(1, Stopwatch())
    limiter.count_failure("the first network", "client")
    assert limiter.wait_s("the first network", "client") > 0

    for number in range(50_001):  # two places each
        limiter.count_failure(f"network {number}", "client")

    assert limiter.wait_s("the first network", "client") == 0
    assert limiter.wait_s("network 50000", "client") > 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        (None, "local"),
        ("not an address", "unknown"),
    ],
)
def test_a_source_is_one_ipv4_address_or_one_ipv6_network(address: str | None, network: str) -> None:
    """RFC 4291 §2.5.4: whoever has one IPv6 address has the /64 around it."""
    assert network_of(address) == network
