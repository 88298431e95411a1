"""A request's identifier: in the answer, the log and the records; said by trusted proxies, and by nobody else."""

import json
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from rxauth.edge.proxies import Proxies
from tests.domain.test_audit import entries
from tests.live import Live
from tests.world import StandingClock, World

OWN = r"[0-9a-f]{16}"
GOOD = ["7f3b8a2c-90cd-4f7e-8f43-2f1f6a1b9c55", "1-67891233-abcdef012345678912345678", "x" * 64]
BAD = [
    "short",
    "x" * 65,
    "two words here",
    'quote"quote"',
    "{}{}{}{}",
    "größer-als-das",
    "a,b,c,d,e,f",
]
PATHS = [
    ("GET", "/readyz"),
    ("GET", "/nothing"),
    ("GET", "/admin"),
    ("PUT", "/oauth/token"),
    ("POST", "/graphql"),
    ("GET", "/sign-in/x"),
]


@pytest.fixture
def behind(sqlite_world: World, clock: StandingClock) -> Iterator[Live]:
    """A server behind a proxy that it trusts."""
    live = Live(sqlite_world, clock, proxies=Proxies([ip_network("127.0.0.0/8")]))
    yield live
    live.let_go()


def answered(live: Live, sent: list[str], method: str = "GET", path: str = "/healthz") -> str:
    """Returns the one identifier of the answer to a request with these identifiers."""
    headers = [(b"x-request-id", one.encode()) for one in sent]
    answer = live.http.request(method, path, headers=headers)
    [identifier] = answer.headers.get_list("x-request-id")
    return identifier


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_answer_has_an_identifier_of_its_own(sqlite_live: Live, method: str, path: str) -> None:
    found = {answered(sqlite_live, [], method, path) for _ in range(3)}
    assert len(found) == 3
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in found)


def test_what_is_kept_in_memory_is_answered_with_one_identifier_too(sqlite_live: Live) -> None:
    page = sqlite_live.http.get("/authorize").text
    path = page.partition('href="/static/')[2].partition('"')[0]
    assert len({answered(sqlite_live, [], path=f"/static/{path}") for _ in range(3)}) == 3


def test_nobody_but_a_trusted_proxy_names_a_request(sqlite_live: Live) -> None:
    assert answered(sqlite_live, [GOOD[0]]) != GOOD[0]


@pytest.mark.parametrize("sent", GOOD)
def test_a_trusted_proxy_names_a_request(behind: Live, sent: str) -> None:
    assert answered(behind, [sent]) == sent
    assert answered(behind, [sent], path="/nothing") == sent


@pytest.mark.parametrize("sent", [[one] for one in BAD] + [GOOD[:2]], ids=repr)
def test_what_is_no_identifier_names_nothing(behind: Live, sent: list[str]) -> None:
    assert answered(behind, sent) not in sent


def test_the_identifier_is_in_the_record_of_the_request(behind: Live) -> None:
    alder = behind.world.alder
    body = {"grant_type": "client_credentials", "client_id": alder.client_id, "client_secret": alder.secret}
    answer = behind.http.post("/oauth/token", json=body, headers={"x-request-id": GOOD[0]})
    assert answer.status_code == 200
    assert GOOD[0] in json.dumps(entries(behind.world))
