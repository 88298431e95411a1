"""A body that never comes, or comes drop by drop, holds nothing open for long; time passes at once here."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rxauth.edge.errors import BodyTimeoutError, token_endpoint_answer
from rxauth.edge.guards import BODY_TIMEOUT_S
from rxauth.edge.requests import Request

PATIENCE_S = 3_600.0


class Selector(selectors.SelectSelector):
    """Adds up the time that an event loop would have slept, and does not sleep."""

    slept_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Returns at once, as if the time had passed."""
        assert timeout is not None, "nothing would ever happen again"
        self.slept_s += max(0.0, timeout)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next thing that happens."""

    def __init__(self) -> None:
        self._jumping = Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Returns the seconds that were slept through."""
        return self._jumping.slept_s


async def nothing() -> AsyncIterator[bytes]:
    """A body of which not a byte comes."""
    await asyncio.sleep(PATIENCE_S)
    yield b""


async def a_beginning() -> AsyncIterator[bytes]:
    """A body that stops after its first bytes."""
    yield b'{"client_id":"'
    await asyncio.sleep(PATIENCE_S)


async def drops() -> AsyncIterator[bytes]:
    """A body that comes a byte at a time, each well within the limit, and does not end."""
    while True:
        await asyncio.sleep(BODY_TIMEOUT_S / 4)
        yield b" "


async def a_slow_whole() -> AsyncIterator[bytes]:
    """A body that takes its time, and is whole before the limit."""
    for byte in b"whole":
        await asyncio.sleep(BODY_TIMEOUT_S / 6)
        yield bytes([byte])


def request(pieces: AsyncIterator[bytes]) -> Request:
    """Returns a request whose body comes in these pieces, as an ASGI server passes them on."""

    async def receive() -> dict[str, Any]:
        piece = await anext(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return Request({"type": "http", "client": ("127.0.0.1", 1), "headers": []}, receive)


def read(pieces: AsyncIterator[bytes]) -> tuple[bytes | None, float]:
    """Reads a body; returns it, None if it was given up, and the seconds that this took."""

    async def reading() -> tuple[bytes | None, float]:
        loop = asyncio.get_running_loop()
        try:
            body: bytes | None = await asyncio.wait_for(request(pieces).body(), PATIENCE_S / 2)
        except BodyTimeoutError:
            body = None
        return body, loop.time()

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(reading())


@pytest.mark.parametrize("body", [nothing, a_beginning, drops])
def test_a_body_that_does_not_end_is_given_up_after_ten_seconds(body: Callable[[], AsyncIterator[bytes]]) -> None:
    received, after_s = read(body())

    assert received is None
    assert after_s == pytest.approx(BODY_TIMEOUT_S, abs=0.5)


def test_a_slow_body_that_ends_in_time_is_read() -> None:
    assert read(a_slow_whole())[0] == b"whole"


def test_giving_up_is_answered_with_408() -> None:
    """RFC 9110 §15.5.9."""
    answer = token_endpoint_answer(BodyTimeoutError(), "request")

    assert answer.status == 408
    assert b'"error":"invalid_request"' in answer.body
