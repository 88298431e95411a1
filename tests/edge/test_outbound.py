"""The client for outgoing HTTP: where it must never go, whatever a client registered (threat M-24)."""

import asyncio
import socket
from ipaddress import ip_network
from typing import Any

import pytest

from rxauth.domain.destinations import Network
from rxauth.edge.outbound import ForbiddenAddressError, Outbound
from tests.webhook_receiver import Receiver

PRIVATE = [
    "http://127.0.0.1/x",
    "http://127.1.2.3:8080/x",
    "http://localhost/x",
    "http://0.0.0.0/x",
    "http://10.0.0.1/x",
    "http://172.16.0.1/x",
    "http://192.168.1.1/x",
    "http://100.64.0.1/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://224.0.0.1/x",
    "http://255.255.255.255/x",
    "http://[::1]/x",
    "http://[::]/x",
    "http://[::ffff:7f00:1]/x",
    "http://[::ffff:169.254.169.254]/x",
    "http://[64:ff9b::7f00:1]/x",
    "http://[2002:7f00:1::]/x",
    "http://[fe80::1]/x",
    "http://[fc00::1]/x",
    "http://[ff02::1]/x",
    "http://2130706433/x",
    "http://0x7f000001/x",
]


def _post(url: str, *networks: Network) -> int:
    async def post() -> int:
        outbound = Outbound(networks)
        try:
            return await outbound.post_form(url, {"a": "b"})
        finally:
            await outbound.close()

    return asyncio.run(post())


@pytest.mark.parametrize("url", PRIVATE)
def test_an_address_that_is_not_public_is_never_called(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        _post(url)


def test_a_network_that_is_named_may_be_called_and_no_other() -> None:
    with pytest.raises(ConnectionError):  # it was called, and nobody listens
        _post("http://127.0.0.1:9/x", ip_network("127.0.0.0/8"))
    with pytest.raises(ForbiddenAddressError):
        _post("http://10.0.0.1/x", ip_network("127.0.0.0/8"))


def test_where_nobody_listens_at_the_first_address_of_a_name_the_next_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver, real = Receiver(), socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host != "two.example":
            return real(host, port, *arguments, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", port)) for last in (2, 1)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    status = _post(receiver.url.replace("127.0.0.1", "two.example"), ip_network("127.0.0.0/8"))
    receiver.stop()
    assert status == 200
    assert [got.headers["host"].partition(":")[0] for got in receiver.got] == ["two.example"]
