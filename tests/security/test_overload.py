"""More than can be answered: what is cheap to ask again is sent away at the door, and nothing else waits for it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from rxauth.api.execute import Api
from rxauth.edge.door import Door
from rxauth.policy.subjects import Caller, MachineSubject
from tests.live import Live
from tests.security.test_slow_clients import PATIENCE_S, Wire, until
from tests.token_holders import Holders
from tests.world import StandingClock, World

QUERY = "{ organization { id } }"
Serve = Callable[..., Live]


@pytest.fixture
def serve(sqlite_world: World, clock: StandingClock) -> Iterator[Serve]:
    """Serves a world with a door of few places."""
    running = []

    def start(**limits: int) -> Live:
        running.append(Live(sqlite_world, clock, door=Door(**limits)))
        return running[-1]

    yield start
    for one in running:
        one.let_go()


@contextmanager
def busy(live: Live, path: str, count: int, headers: str = "content-type: application/json\r\n") -> Iterator[None]:
    """Has so many requests be under way, whose bodies do not come."""
    port = int(live.url.rpartition(":")[2])
    waiting = [socket.create_connection(("127.0.0.1", port), PATIENCE_S) for _ in range(count)]
    for one in waiting:
        one.sendall(f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: 9\r\n\r\n".encode())
    lane = live.edge.door.lane(path.encode())
    assert lane is not None
    until(lambda: lane.under_way == count)
    yield
    for one in waiting:
        one.close()
    until(lambda: lane.under_way == 0)


def require_sent_away(answer: httpx.Response, code: str) -> None:
    """Checks that a request was sent away at the door, in the words of its endpoint."""
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    assert answer.headers["cache-control"] == "no-store"
    assert code in answer.text


def test_token_requests_beyond_the_bound_are_sent_away_and_people_still_come_in(serve: Serve) -> None:
    live = serve(tokens=2)
    token = live.token(live.world.alder)
    with busy(live, "/oauth/token", 2):
        require_sent_away(live.exchange(live.world.alder), "temporarily_unavailable")
        require_sent_away(live.http.post("/oauth/introspect"), "temporarily_unavailable")
        assert live.graphql(token, QUERY).status_code == 200
        assert live.http.get("/account").status_code == 303
    assert live.exchange(live.world.alder).status_code == 200
    assert live.edge.door.refused() == {"tokens": 2, "api": 0, "pages": 0}


def test_machines_are_sent_away_from_the_api_before_people_are(serve: Serve) -> None:
    live = serve(api=4)
    holders = Holders(live)
    person = holders.redeemed(holders.code(holders.session(holders.person())[0]))["access_token"]
    machine = live.token(live.world.alder)
    bearer = f"authorization: Bearer {person}\r\ncontent-type: application/json\r\n"
    with busy(live, "/graphql", 2, bearer):
        require_sent_away(live.graphql(machine, QUERY), "UNAVAILABLE")
        require_sent_away(live.graphql("made.up.token", QUERY), "UNAVAILABLE")
        require_sent_away(live.graphql("made.up", QUERY), "UNAVAILABLE")
        require_sent_away(live.graphql(None, QUERY), "UNAVAILABLE")
        assert live.graphql(person, QUERY).status_code == 200
    with busy(live, "/graphql", 4, bearer):
        require_sent_away(live.graphql(person, QUERY), "UNAVAILABLE")


def test_whether_the_server_lives_and_its_keys_are_told_however_much_is_asked(serve: Serve) -> None:
    """Health that fails under load has every process taken away at once."""
    live = serve(tokens=0, api=0, pages=0)
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/openid-configuration"):
        assert live.http.get(path).headers.get("x-request-id"), path
    require_sent_away(live.http.get("/account"), "Please wait a moment")
    assert live.http.head("/account").status_code == 503


def test_a_request_is_sent_away_before_its_body_comes_and_the_connection_is_kept(serve: Serve) -> None:
    live = serve(tokens=0)
    one = Wire(live)
    head = b"POST /oauth/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n"
    for _ in range(3):
        one.send(head % 5 + b"\r\n")
        assert one.read().startswith(b"HTTP/1.1 503")
        one.send(b"GET /\r")  # a body, and no request
    one.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert one.read().startswith(b"HTTP/1.1 200")
    one.send(head % 200_000 + b"\r\n")
    assert b"connection: close" in one.read()
    assert one.rest() == b""
    one.close()


@pytest.mark.parametrize("header", [b"expect: 100-continue\r\n", b"connection: close\r\n"])
def test_who_waits_for_a_word_before_it_sends_its_body_sends_none(serve: Serve, header: bytes) -> None:
    one = Wire(serve(tokens=0))
    one.send(b"POST /oauth/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n" + header + b"\r\n")
    assert one.read().startswith(b"HTTP/1.1 503")
    assert one.rest() == b""
    one.close()


class Slow:
    """An API whose operations take until a test says so."""

    def __init__(self, api: Api, is_slow: Callable[[Caller], bool]) -> None:
        self._api = api
        self._is_slow = is_slow
        self.entered, self.gate = threading.Semaphore(0), threading.Event()

    def run(self, caller: Caller, *arguments: Any, **options: Any) -> Any:
        """Runs an operation."""
        if self._is_slow(caller):
            self.entered.release()
            assert self.gate.wait(PATIENCE_S)
        return self._api.run(caller, *arguments, **options)


def test_slow_queries_leave_threads_for_signing_in_and_for_codes(live: Live) -> None:
    """F08: every thread that the API may have waits for the database, and the others do not."""
    holders = Holders(live)
    session, _ = holders.session(holders.person())
    code, token = holders.code(session), live.token(live.world.alder)
    slow = Slow(live.edge.api, lambda _caller: True)
    live.edge.api = slow  # type: ignore[assignment]
    asking = [threading.Thread(target=live.graphql, args=(token, QUERY)) for _ in range(12)]
    for one in asking:
        one.start()
    assert slow.entered.acquire(timeout=PATIENCE_S)

    assert "access_token" in holders.redeemed(code)
    assert live.http.get("/account").status_code == 303
    assert live.exchange(live.world.birch).status_code == 200
    slow.gate.set()
    for one in asking:
        one.join()


def test_a_machine_s_slow_queries_leave_threads_for_people_s(live: Live) -> None:
    holders = Holders(live)
    person = holders.redeemed(holders.code(holders.session(holders.person())[0]))["access_token"]
    token, slow = live.token(live.world.alder), Slow(live.edge.api, lambda one: isinstance(one.subject, MachineSubject))
    live.edge.api = slow  # type: ignore[assignment]
    asking = [threading.Thread(target=live.graphql, args=(token, QUERY)) for _ in range(12)]
    for one in asking:
        one.start()
    assert slow.entered.acquire(timeout=PATIENCE_S)

    assert live.graphql(person, QUERY).status_code == 200
    slow.gate.set()
    for one in asking:
        one.join()


@pytest.mark.parametrize(
    "more", [b"", b"connection: close\r\n", b"expect: 100-continue\r\n", b"x-content-length: 9\r\n"]
)
def test_a_whole_token_request_is_sent_away_as_one_in_pieces(serve: Serve, more: bytes) -> None:
    live = serve(tokens=0)
    one, whole = Wire(live), b"POST /oauth/token HTTP/1.1\r\nhost: localhost\r\n%bcontent-length: 5\r\n\r\nGET /" % more
    one.send(whole)
    answer = one.read()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b'"error":"temporarily_unavailable"' in answer
    if more and not more.startswith(b"x-"):
        assert one.rest() == b""
        one.close()
        return
    one.send(whole + whole)  # two at once: nothing of the first is taken for the second
    assert [one.read()[9:12] for _ in range(2)] == [b"503", b"503"]
    one.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert one.read().startswith(b"HTTP/1.1 200")
    assert live.edge.door.refused()["tokens"] == 3
    one.close()
