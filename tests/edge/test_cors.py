"""Cross-origin requests: which pages may ask, and which may read the answer (threats A-24, B-10)."""

from typing import Any

import pytest

from rxauth.domain import changes, peoples_clients
from rxauth.domain.changes import ChangeKind
from rxauth.domain.client_urls import Registered
from rxauth.domain.clients import SPA
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.edge.cors import Origins
from tests.live import Live
from tests.security.forging import READ
from tests.token_holders import Holders
from tests.world import NOW

OWN = "http://localhost:3000"
OTHERS = "https://app.birch.example"
SHARED = ["/oauth/token", "/oauth/revoke", "/userinfo", "/graphql"]
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "auth0-client,content-type"}
FOREIGN = [
    "https://evil.example",
    "null",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://localhost",
    "http://localhost:3000.evil.example",
    "http://localhost:3000/",
    "HTTP://LOCALHOST:3000",
    "*",
    "https://" + "a" * 10_000,
    "",
]


@pytest.fixture
def holders(sqlite_live: Live) -> Holders:
    """Clients and people."""
    return Holders(sqlite_live)


def _other_client(holders: Holders) -> str:
    """Adds a client whose pages have an origin of their own."""
    new = PeoplesClient("Birch App", SPA, Registered((f"{OTHERS}/callback",)))
    made = holders.write(
        lambda tx: peoples_clients.create_peoples_client(tx, holders.live.world.birch.organization_id, new, NOW)
    )
    return str(made[0])


def _preflight(live: Live, path: str, origin: str) -> Any:
    return live.http.options(path, headers=PREFLIGHT | {"origin": origin})


@pytest.mark.parametrize("path", SHARED)
def test_a_preflight_is_answered_for_an_origin_that_some_client_registered(holders: Holders, path: str) -> None:
    for origin in (OWN, OTHERS):
        if origin == OTHERS:
            assert "access-control-allow-origin" not in _preflight(holders.live, path, origin).headers
            _other_client(holders)  # and what was remembered is forgotten
        answer = _preflight(holders.live, path, origin)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        allowed = answer.headers["access-control-allow-headers"].split(", ")
        assert {"auth0-client", "content-type", "authorization", "idempotency-key"} < set(allowed)
        assert {"x-photon-sdk-version", "x-photon-elements-version"} < set(allowed)
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", [*SHARED, "/authorize", "/oauth/introspect", "/v2/logout", "/oidc/logout"])
@pytest.mark.parametrize("origin", FOREIGN, ids=lambda origin: origin[:40] or "empty")
def test_an_origin_that_nobody_registered_is_never_allowed(holders: Holders, path: str, origin: str) -> None:
    """B-10."""
    for answer in (_preflight(holders.live, path, origin), holders.live.http.post(path, headers={"origin": origin})):
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/authorize", "/oauth/introspect", "/v2/logout", "/oidc/logout"])
def test_what_no_page_asks_by_script_is_not_shared_with_any(holders: Holders, path: str) -> None:
    """A-24."""
    for answer in (
        _preflight(holders.live, path, OWN),
        holders.live.http.get(path, headers={"origin": OWN}),
        holders.live.http.get(path, params={"client_id": holders.spa.client_id}, headers={"origin": OWN}),
    ):
        assert "access-control-allow-origin" not in answer.headers


def test_a_page_reads_why_its_token_is_refused_though_its_client_was_just_forgotten(holders: Holders) -> None:
    """The published clients renew what they can read to be too old; what they cannot read is a failure to them."""
    token, now = holders.tokens()["access_token"], holders.live.clock.seconds()
    holders.live.clock.advance(3_601)
    holders.write(lambda tx: changes.record(tx, ChangeKind.CLIENT, holders.spa.client_id, now))
    assert holders.live.server.clients.peek(holders.spa.client_id) is None

    headers = {"authorization": f"Bearer {token}", "origin": OWN}
    answer = holders.live.http.post("/graphql", json={"query": READ}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == OWN


def test_an_answer_may_be_read_by_pages_of_the_client_itself_alone(holders: Holders) -> None:
    """Another client's origin passes the preflight, and still reads nothing."""
    _other_client(holders)
    got = holders.tokens()
    bearer = {"authorization": f"Bearer {got['access_token']}"}

    def answers(origin: str) -> list[Any]:
        post, sent = holders.live.http.post, {"origin": origin}
        return [
            holders.post({**holders.spa.credentials, "grant_type": "refresh_token", "refresh_token": "x"}, **sent),
            holders.post({**holders.spa.credentials, "token": "x"}, "/oauth/revoke", **sent),
            holders.live.http.get("/userinfo", headers=bearer | sent),
            post("/graphql", json={"query": READ}, headers=bearer | sent),
        ]

    for answer in answers(OWN):
        assert answer.headers["access-control-allow-origin"] == OWN
        assert (
            answer.headers["access-control-expose-headers"]
            == "WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id"
        )
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
    for origin in (OTHERS, "null", "https://evil.example"):
        for answer in answers(origin):
            assert "access-control-allow-origin" not in answer.headers
            assert answer.headers["vary"] == "Origin"


def test_why_a_token_is_refused_may_be_read_by_its_client_if_the_signature_is_ours(holders: Holders) -> None:
    """Keycloak CVE-2026-37977: nothing is taken from a token that was not verified."""
    holders.live.clock.advance(-10_000)
    token = holders.tokens()["access_token"]
    holders.live.clock.advance(10_000)
    forged = token[:-8] + "AAAAAAAA"
    for sent, is_shared in ((token, True), (forged, False)):
        headers = {"authorization": f"Bearer {sent}", "origin": OWN}
        for answer in (
            holders.live.http.post("/graphql", json={"query": READ}, headers=headers),
            holders.live.http.get("/userinfo", headers=headers),
        ):
            assert answer.status_code == 401
            assert ("access-control-allow-origin" in answer.headers) == is_shared


def test_a_machine_has_no_pages(holders: Holders) -> None:
    alder = holders.live.world.alder
    body = {"grant_type": "client_credentials", "client_id": alder.client_id, "client_secret": alder.secret}

    assert "access-control-allow-origin" not in holders.post(body, origin=OWN).headers


def test_made_up_origins_push_none_out_of_memory_that_is_registered(holders: Holders) -> None:
    known, made_up = Origins(holders.live.server, 10), [f"https://made-up-{number}.example" for number in range(30)]
    assert known.fetch_all([OWN]) == {OWN: True}
    for origin in made_up:
        assert known.fetch_all([origin]) == {origin: False}
    assert known.peek(OWN) is True
    assert {known.peek(one) for one in made_up} == {False, None}
    assert known.fetch_all([*made_up, OWN]) == {**dict.fromkeys(made_up, False), OWN: True}
