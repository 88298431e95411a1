"""Whose address a request comes from: what trusted proxies say, whatever else its headers claim (RFC 7239)."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.edge.proxies import Proxies

PROXY, SECOND, CLIENT, STRANGER = "10.0.0.1", "10.0.0.2", "203.0.113.7", "198.51.100.9"
PROXIES = Proxies([ipaddress.ip_network(one) for one in ("10.0.0.0/24", "2001:db8:aaaa::/48")])
Headers = list[tuple[str, str]]


def seen(peer: str | None, *headers: tuple[str, str], proxies: Proxies = PROXIES) -> str | None:
    """Returns the address that a request with these headers comes from."""
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return proxies.address({"type": "http", "client": None if peer is None else (peer, 1), "headers": sent})


def told(*values: str) -> Headers:
    """Returns X-Forwarded-For headers."""
    return [("x-forwarded-for", value) for value in values]


def forwarded(*values: str) -> Headers:
    """Returns Forwarded headers."""
    return [("forwarded", value) for value in values]


@pytest.mark.parametrize("peer", [STRANGER, "10.0.1.1", "::1", "2001:db8:bbbb::1", "not an address"])
@pytest.mark.parametrize("headers", [told(CLIENT), forwarded(f"for={CLIENT}"), [*told(CLIENT), ("x-real-ip", CLIENT)]])
def test_a_stranger_s_headers_are_not_read(peer: str, headers: Headers) -> None:
    assert seen(peer, *headers) == peer


def test_without_a_trusted_proxy_nobody_s_headers_are_read() -> None:
    assert seen("127.0.0.1", *told(CLIENT), proxies=Proxies()) == "127.0.0.1"
    assert seen(None, *told(CLIENT)) is None


@pytest.mark.parametrize(
    "headers",
    [
        told(CLIENT),
        told(f" {CLIENT} "),
        told(f"{CLIENT}:41234"),
        told(f"::ffff:{CLIENT}"),
        told(f"{STRANGER}, {CLIENT}"),
        told(f"{STRANGER}, {CLIENT}, {SECOND}"),
        told(f"{CLIENT}, {SECOND}", PROXY),
        told(STRANGER, CLIENT),
        told(f"127.0.0.1, {SECOND}, {CLIENT}"),
        told(f"unknown, <script>, {CLIENT}"),
        told(f",,{CLIENT}"),
        forwarded(f"for={CLIENT}"),
        forwarded(f'For="{CLIENT}:41234";proto=https;by={PROXY}'),
        forwarded(f"for={STRANGER}, for={CLIENT};host=auth.example.com"),
        forwarded(f"for={STRANGER}", f"proto=https;for={CLIENT}", f"for={SECOND}"),
        forwarded(f'for=_hidden;by="a,b;for={STRANGER}", for={CLIENT}'),
        [*told(f"{STRANGER}, {CLIENT}"), *forwarded(f"for={CLIENT}")],
    ],
)
def test_the_last_address_that_is_no_trusted_proxy_s_is_the_client_s(headers: Headers) -> None:
    """What stands before it, the client may have written: no chain of made-up hops gets around that."""
    assert seen(PROXY, *headers) == CLIENT
    assert seen(f"::ffff:{PROXY}", *headers) == CLIENT


@pytest.mark.parametrize(
    "headers",
    [
        [],
        told(""),
        told("unknown"),
        told("203.0.113.7.example.com"),
        told("203.0.113.007"),
        told(f"{CLIENT}, "),
        told(f"{CLIENT}, 10.0.0.300"),
        told(f"{CLIENT} {SECOND}"),
        told(f"{CLIENT}:port"),
        told(f"{CLIENT}:"),
        told(f"[{CLIENT}]"),
        told("[2001:db8::1"),
        told("fe80::1%eth0"),
        told(f"{CLIENT}, " * 400 + CLIENT),
        forwarded("for=_hidden"),
        forwarded("for=unknown"),
        forwarded("proto=https"),
        forwarded(CLIENT),
        forwarded(f"for={CLIENT};for={STRANGER}"),
        forwarded(f'for="{CLIENT}'),
        forwarded(f'for="x, for="{CLIENT}"'),
        forwarded(f'for=1.1.1.1;x=", for={CLIENT}'),
        forwarded(f"for={CLIENT},"),
        [*told(CLIENT), *forwarded(f"for={STRANGER}")],
        [*told(CLIENT), *forwarded("for=_hidden")],
    ],
)
def test_what_is_malformed_hidden_or_contradicts_itself_counts_as_the_proxy_s_own(headers: Headers) -> None:
    """A proxy that writes one header may pass the other on as the client made it up: alone it decides nothing."""
    assert seen(PROXY, *headers) == PROXY


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        (told("2001:db8:1::5"), "2001:db8:1::5"),
        (told("[2001:db8:1::5]:443"), "2001:db8:1::5"),
        (told("2001:DB8:1:0:0:0:0:5, 2001:db8:aaaa::7"), "2001:db8:1::5"),
        (forwarded('for="[2001:db8:1::5]:41234"'), "2001:db8:1::5"),
        (forwarded('for="[2001:db8:1::5]", for="[2001:db8:aaaa::7]"'), "2001:db8:1::5"),
    ],
)
def test_addresses_of_ipv6(headers: Headers, address: str) -> None:
    assert seen("2001:db8:aaaa::1", *headers) == address


def test_who_asks_from_within_the_trusted_networks_is_the_first_in_the_chain() -> None:
    assert seen(PROXY, *told("10.0.0.77, 10.0.0.2")) == "10.0.0.77"


@given(st.sampled_from([told, forwarded]), st.text(st.characters(max_codepoint=255), max_size=60))
def test_nothing_that_a_client_writes_makes_it_somebody_else(write: object, made_up: str) -> None:
    """Its own address is added by the proxy: whatever stands before it, that counts, or the proxy's."""
    headers = told(f"{made_up}, {CLIENT}") if write is told else forwarded(f"{made_up}, for={CLIENT}")
    assert seen(PROXY, *headers) in {CLIENT, PROXY}
