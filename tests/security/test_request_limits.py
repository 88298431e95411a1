"""Asking too much: whoever does waits, and nobody who knows a name can have its owner wait."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from rxauth.crypto.secrets import new_secret
from rxauth.edge.guards import FailureLimiter
from tests.live import GENEROUS, Live, credentials, http_client
from tests.token_holders import Holders
from tests.world import NOW, StandingClock, World

FEW = 5
SECONDS_LEFT = 60 - NOW % 60
QUERY = "{ organization { id } }"
Limit = Callable[..., Live]


@pytest.fixture
def limit(world: World, clock: StandingClock) -> Iterator[Limit]:
    """Serves a world on each engine, and allows less."""
    yield from limited(world, clock)


@pytest.fixture
def sqlite_limit(sqlite_world: World, clock: StandingClock) -> Iterator[Limit]:
    """Serves a world on SQLite and allows less, for what does not depend on the engine."""
    yield from limited(sqlite_world, clock)


def limited(world: World, clock: StandingClock) -> Iterator[Limit]:
    """Serves a world, and allows less."""
    running = []

    def serve(**limits: int) -> Live:
        running.append(Live(world, clock, requests=replace(GENEROUS, **limits), limiter=FailureLimiter(1_000)))
        return running[-1]

    yield serve
    for one in running:
        one.let_go()


def require_refused(answer: httpx.Response, name: str) -> None:
    """Checks that a request was refused for a quota of this name, and told for how long."""
    assert answer.status_code == 429, answer.text
    assert answer.headers["retry-after"] == str(SECONDS_LEFT)
    assert answer.headers["ratelimit"] == f'"{name}";r=0;t={SECONDS_LEFT}'
    assert answer.headers["ratelimit-policy"] == f'"{name}";q={FEW};w=60'


def test_a_client_that_asks_for_too_many_tokens_is_told_when_to_come_back(limit: Limit) -> None:
    """RFC 6585 §4."""
    live = limit(client=FEW)
    answers = [live.exchange(live.world.alder) for _ in range(FEW)]
    assert {one.status_code for one in answers} == {200}
    assert answers[0].headers["ratelimit"].startswith(f'"client";r={FEW - 1};t={SECONDS_LEFT}, "organization";')

    refused = live.exchange(live.world.alder)
    require_refused(refused, "client")
    assert refused.json()["error"] == "temporarily_unavailable"
    assert live.exchange(live.world.birch).status_code == 200
    live.clock.advance(SECONDS_LEFT)
    assert live.exchange(live.world.alder).status_code == 200


def test_the_api_refuses_in_graphql_s_shape_and_counts_with_the_token_endpoint(limit: Limit) -> None:
    live = limit(client=FEW)
    token = live.token(live.world.alder)
    for _ in range(FEW - 1):
        assert "ratelimit" in live.graphql(token, QUERY).headers

    refused = live.graphql(token, QUERY)
    require_refused(refused, "client")
    assert [one["extensions"]["code"] for one in refused.json()["errors"]] == ["TOO_MANY_REQUESTS"]
    introspected = live.http.post("/oauth/introspect", data=credentials(live.world.alder) | {"token": token})
    require_refused(introspected, "client")


def test_a_stranger_who_knows_a_client_id_cannot_use_up_its_quota(sqlite_limit: Limit) -> None:
    """Neither with wrong secrets, nor with tokens that were revoked or made up."""
    live = sqlite_limit(client=FEW)
    alder = live.world.alder
    revoked = live.sign(live.claims(alder, secret_id="sec_00000000000000000000000000"))
    for _ in range(FEW + 1):
        assert live.exchange(replace(alder, secret=new_secret())).status_code == 401
        assert live.graphql(revoked, QUERY).status_code == 401
        assert live.graphql(revoked[:-8] + "AAAAAAAA", QUERY).status_code == 401

    assert live.exchange(alder).status_code == 200


def test_a_person_who_asks_too_much_waits_and_a_refresh_token_is_not_spent_for_it(limit: Limit) -> None:
    live = limit(person=FEW)
    holders = Holders(live)
    session, _ = holders.session(holders.person())
    tokens = holders.redeemed(holders.code(session))
    for _ in range(FEW - 1):
        assert live.graphql(tokens["access_token"], QUERY).status_code == 200

    require_refused(live.graphql(tokens["access_token"], QUERY), "person")
    require_refused(live.http.get("/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}), "person")
    require_refused(holders.refresh(tokens["refresh_token"]), "person")
    live.clock.advance(SECONDS_LEFT)
    assert holders.refresh(tokens["refresh_token"]).status_code == 200


def test_a_job_gone_wild_does_not_keep_people_from_their_work(sqlite_limit: Limit) -> None:
    live = sqlite_limit(organization=FEW)
    holders = Holders(live)
    person = holders.redeemed(holders.code(holders.session(holders.person())[0]))["access_token"]
    token = live.token(live.world.alder)
    for _ in range(FEW - 1):
        live.graphql(token, QUERY)
    require_refused(live.graphql(token, QUERY), "organization")

    assert live.graphql(person, QUERY).status_code == 200
    assert live.exchange(live.world.birch).status_code == 200


@pytest.mark.parametrize("path", ["/authorize", "/.well-known/jwks.json", "/reset", "/sign-in/sin_0", "/"])
def test_a_network_that_asks_for_pages_all_the_time_waits_and_no_other(sqlite_limit: Limit, path: str) -> None:
    live = sqlite_limit(network=FEW)
    for _ in range(FEW):
        assert live.http.get(path).status_code != 429
    require_refused(live.http.get(path), "network")

    with http_client(base_url=live.url, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as elsewhere:
        assert elsewhere.get(path).status_code != 429
    assert live.http.get("/readyz").status_code != 429


def test_a_flood_of_bad_tokens_is_refused_and_good_ones_from_the_same_network_are_not(sqlite_limit: Limit) -> None:
    live = sqlite_limit(network=FEW)
    good = live.token(live.world.alder)
    for bad in ("made.up", good[:-8] + "AAAAAAAA", None, "made.up", None):
        assert live.graphql(bad, QUERY).status_code == 401
    require_refused(live.graphql("made.up", QUERY), "network")
    require_refused(live.graphql(None, QUERY), "network")

    assert live.graphql(good, QUERY).status_code == 200
    assert live.exchange(live.world.alder).status_code == 200


def test_preflights_of_made_up_origins_are_read_from_the_database_only_so_often(sqlite_limit: Limit) -> None:
    live = sqlite_limit(network=FEW)

    def ask(number: int) -> int:
        headers = {"origin": f"https://made-up-{number}.example", "access-control-request-method": "POST"}
        return live.http.options("/oauth/token", headers=headers).status_code

    assert [ask(number) for number in range(FEW + 1)] == [204] * FEW + [429]


def test_two_processes_hear_of_each_other_s_counts(limit: Limit) -> None:
    """A client that goes from one process to the other gets no second quota, once they exchanged their counts."""
    first, second = limit(client=FEW), limit(client=FEW)
    alder = first.world.alder
    assert [first.exchange(alder).status_code for _ in range(FEW - 1)] == [200] * (FEW - 1)
    first.edge.quotas.exchange()
    assert second.exchange(alder).status_code == 200
    second.edge.quotas.exchange()
    require_refused(second.exchange(alder), "client")
