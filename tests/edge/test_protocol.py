"""How a server stops: whoever connected before gets an answer."""

import socket

import pytest
import uvloop
from starlette.responses import PlainTextResponse
from starlette.routing import Router

from rxauth.edge import protocol


@pytest.mark.parametrize("is_shared", [False, True], ids=["alone", "one of several"])
def test_who_waits_in_the_kernel_s_queue_when_a_server_stops_is_answered(is_shared: bool) -> None:
    async def story() -> list[bytes]:
        server = protocol.make_server(Router(default=PlainTextResponse("here")), is_shared=is_shared)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        listening = socket.create_server(("127.0.0.1", 0))
        await server.startup([listening])
        # Nothing is awaited until it stops: so nobody is let in before.
        clients = [socket.create_connection(listening.getsockname(), 30) for _ in range(3)]
        for one in clients:
            one.sendall(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
        await server.shutdown([listening])
        answers = [one.recv(65_536) for one in clients]
        for one in clients:
            one.close()
        return answers

    answers = uvloop.run(story())
    assert [one.partition(b"\r\n")[0] for one in answers] == [b"HTTP/1.1 200 OK"] * 3
