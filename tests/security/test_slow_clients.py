"""Clients that are slow on purpose: none keeps a connection, memory or others' answers for long."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rxauth.edge import connections
from rxauth.edge.connections import BODY_S, HEAD_S, HEADERS_LIMIT, IDLE_S, PIPELINE_LIMIT, STUCK_S, Connections
from rxauth.edge.proxies import Proxies
from rxauth.setting_checks import networks
from tests.live import Live, credentials
from tests.world import StandingClock, World

PATIENCE_S = 30
HEAD = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
WHOLE = HEAD + b"\r\n"


class Wire:
    """One connection, byte by byte."""

    def __init__(self, live: Live, *, window_bytes: int | None = None) -> None:
        self._live = live
        self._socket = socket.socket()
        if window_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window_bytes)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(("127.0.0.1", int(live.url.rpartition(":")[2])))
        self._port = self._socket.getsockname()[1]
        until(lambda: self.found() is not None)

    def found(self) -> Any:
        """Returns the server's side of the connection; None: it has none."""
        known = list(self._live.edge.connections.open)
        return next((one for one in known if one.client is not None and one.client[1] == self._port), None)

    def send(self, data: bytes) -> None:
        """Sends bytes."""
        self._socket.sendall(data)

    def read(self) -> bytes:
        """Reads to the end of one answer that says how long it is."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self._socket.recv(1)
            assert byte, head
            head += byte
        (length,) = (int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        body = b""
        while len(body) < length:
            body += self._socket.recv(length - len(body))
        return head + body

    def rest(self) -> bytes:
        """Reads until the server closes the connection."""
        data = b""
        try:
            while piece := self._socket.recv(65_536):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def grow_older(self, seconds: float) -> None:
        """Has the server believe that nothing has come for so long."""
        self.found().since -= seconds

    def close(self) -> None:
        """Closes it."""
        self._socket.close()


def until(holds: Callable[[], bool]) -> None:
    """Waits for something that happens in another thread."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def is_reading(one: Wire, part: str) -> Callable[[], bool]:
    """Returns whether the server has come so far with what a connection sent."""
    return lambda: one.found()._reading.name == part


@pytest.fixture
def dial(sqlite_live: Live) -> Iterator[Callable[..., Wire]]:
    """Opens connections to a server."""
    made: list[Wire] = []

    def open_one(live: Live = sqlite_live, **options: Any) -> Wire:
        made.append(Wire(live, **options))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


def test_slowloris_heads_that_never_end_are_given_up_while_others_are_served(
    sqlite_live: Live, dial: Callable[..., Wire]
) -> None:
    slow, young, silent, kept = [dial() for _ in range(20)], dial(), dial(), dial()
    for one in (*slow, young):
        one.send(HEAD)
        until(is_reading(one, "HEAD"))
    kept.send(WHOLE)
    assert kept.read().startswith(b"HTTP/1.1 200")
    assert sqlite_live.exchange(sqlite_live.world.alder).status_code == 200

    for one in slow:
        one.grow_older(HEAD_S + 0.1)
    for one in (silent, kept):
        one.grow_older(IDLE_S + 0.1)

    assert {one.rest().partition(b"\r\n")[0] for one in slow} == {b"HTTP/1.1 408 Request Timeout"}
    assert silent.rest() == b""
    assert kept.rest() == b""
    young.send(b"\r\n")
    assert young.read().startswith(b"HTTP/1.1 200")
    assert sqlite_live.edge.connections.why_closed() | {"full": 0} == dict.fromkeys(connections.REASONS, 0) | {
        "head": len(slow),
        "idle": 2,
    }


def test_slowloris_a_body_that_goes_on_after_its_answer_ends_the_connection(dial: Callable[..., Wire]) -> None:
    one = dial()
    one.send(b"POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nx")
    assert one.read().startswith(b"HTTP/1.1 404")
    one.send(b"x")
    one.grow_older(BODY_S + 0.1)
    assert one.rest() == b""


def test_a_client_that_reads_no_answers_is_cut_off(sqlite_live: Live, dial: Callable[..., Wire]) -> None:
    one = dial(window_bytes=2_048)
    ask = b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n"
    server_side, asked = one.found(), 0

    def is_stuck() -> bool:
        return bool(server_side.transport.get_write_buffer_size())

    def is_done() -> bool:
        return bool(server_side.server_state.total_requests >= asked)

    while not is_stuck():
        one.send(ask)
        asked += 1
        until(lambda: is_done() or is_stuck())

    one.grow_older(STUCK_S + 0.1)
    until(lambda: one.found() is None)
    assert sqlite_live.edge.connections.why_closed()["unread"] == 1


def test_a_flood_of_pipelined_requests_is_not_kept_in_memory(dial: Callable[..., Wire]) -> None:
    one = dial()
    server_side = one.found()
    one.send(WHOLE * 3_000)

    answers = one.rest().count(b"HTTP/1.1 200")

    assert answers <= PIPELINE_LIMIT + 1
    assert len(server_side.pipeline) <= PIPELINE_LIMIT


def test_a_few_pipelined_requests_are_answered_in_order(dial: Callable[..., Wire]) -> None:
    one = dial()
    one.send(HEAD.replace(b"healthz", b"nothing") + b"\r\n" + WHOLE * 3)
    assert [one.read()[9:12] for _ in range(4)] == [b"404", b"200", b"200", b"200"]


@pytest.mark.parametrize(("count", "status"), [(HEADERS_LIMIT - 1, b"200"), (HEADERS_LIMIT, b"431"), (4_000, b"431")])
def test_a_head_with_very_many_headers_is_refused(dial: Callable[..., Wire], count: int, status: bytes) -> None:
    one = dial()
    one.send(HEAD + b"a: b\r\n" * count + b"\r\n")
    assert one.read()[9:12] == status


def test_a_head_of_a_megabyte_is_refused_before_it_ends(dial: Callable[..., Wire]) -> None:
    """F17."""
    one = dial()
    one.send(HEAD + b"a: " + b"b" * 100_000)
    assert one.read().startswith(b"HTTP/1.1 431")
    assert one.rest() == b""


def test_headers_that_come_after_a_body_are_none_and_are_not_kept(
    sqlite_world: World, clock: StandingClock, dial: Callable[..., Wire]
) -> None:
    """RFC 9110 §6.5.1: a trusted proxy may pass trailers on, and they would be the last word on who asks."""
    live = Live(sqlite_world, clock, proxies=Proxies(networks("127.0.0.0/8")))
    seen = []
    told = live.edge.proxies.address

    def note(scope: Any) -> str | None:
        seen.append(told(scope))
        return seen[-1]

    live.edge.proxies.address = note  # type: ignore[method-assign]
    one, body = dial(live), json.dumps(credentials(sqlite_world.alder)).encode()
    trailers = b"x-forwarded-for: 198.51.100.9\r\n" * 2_000
    one.send(
        b"POST /oauth/token HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 203.0.113.7\r\n"
        b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"%x\r\n%s\r\n0\r\n%s\r\n"
        % (len(body), body, trailers)
    )
    assert one.read().startswith(b"HTTP/1.1 200")
    assert seen == ["203.0.113.7"]
    assert len(one.found().headers) == 4
    live.let_go()


def test_idle_connections_make_room_for_new_ones_and_busy_ones_do_not(
    sqlite_world: World, clock: StandingClock, dial: Callable[..., Wire]
) -> None:
    """F17: as many connections as there may be, and somebody new."""
    live = Live(sqlite_world, clock, connections=Connections(3))
    first, second, third = (dial(live) for _ in range(3))
    for one in (second, third):
        one.send(HEAD)
        until(is_reading(one, "HEAD"))

    fourth = dial(live)
    assert first.rest() == b""
    fourth.send(HEAD)
    until(is_reading(fourth, "HEAD"))
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2])), PATIENCE_S) as fifth:
        assert fifth.recv(1_000).startswith(b"HTTP/1.1 503")
    for one in (second, third, fourth):
        one.send(b"\r\n")
        assert one.read().startswith(b"HTTP/1.1 200")
    live.let_go()
