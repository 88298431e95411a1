"""URLs of clients: what may be registered, and that nothing else matches (RFC 9700 §2.1, §2.6)."""

import itertools

import pytest

from rxauth.domain.client_urls import Registered, UrlKind, given, matches, require_url
from rxauth.domain.errors import InvalidError

WITH_PATH = "https://app.example.com/callback"
ORIGIN = "https://app.example.com"
# What an attacker tries against a stored URL; none of it is that URL.
FORGED = [
    "{}?a=b",
    "{}/",
    "{}/../evil",
    "{}/..%2Fevil",
    "{}%252f..",
    "{}..;/",
    "{};evil=1",
    "{}#f",
    "{}#",
    "{} ",
    "{}%00",
    "{}\t",
    "{}/\thttps://evil.com",
    "HTTPS://app.example.com/callback",
    "https://APP.example.com/callback",
    "https://app.example.com/CALLBACK",
    "http://app.example.com/callback",
    "https://app.example.com:443/callback",
    "https://user@app.example.com/callback",
    "https://app.example.com.evil.com/callback",
    "https://app.example.com@evil.com/callback",
    "https://evil.com\\@app.example.com/callback",
    "//evil.com",
    "https://\N{CYRILLIC SMALL LETTER A}pp.example.com/callback",
    "https://app.example.com./callback",
    "https://appxexample.com/callback",
    "https://app.example.com",
    "",
]


@pytest.mark.parametrize("forged", FORGED)
def test_a_redirect_uri_that_is_nearly_the_registered_one_does_not_match(forged: str) -> None:
    assert not matches({WITH_PATH}, forged.format(WITH_PATH), is_native=False)
    assert not matches({WITH_PATH}, forged.format(WITH_PATH), is_native=True)


def test_an_origin_is_stored_in_the_four_forms_that_clients_send_and_no_other_matches() -> None:
    stored = {url for kind, url in Registered((ORIGIN,)).stored(is_native=False) if kind is UrlKind.CALLBACK}

    assert stored == {ORIGIN, f"{ORIGIN}/", f"{ORIGIN}?photon=true", f"{ORIGIN}/?photon=true"}
    assert matches(stored, f"{ORIGIN}?photon=true", is_native=False)
    for forged in (*FORGED[:2], *FORGED[3:13]):
        presented = forged.format(ORIGIN)
        assert matches(stored, presented, is_native=False) is (presented in stored)
    for other in ("?photon=false", "?photon=true&a=b", "//", "/?photon=true#", "?Photon=true"):
        assert not matches(stored, ORIGIN + other, is_native=False)


URLS = [
    ORIGIN,
    f"{ORIGIN}/",
    f"{ORIGIN}?photon=true",
    f"{ORIGIN}/?photon=true",
    f"{ORIGIN}?",
    WITH_PATH,
    f"{WITH_PATH}/",
    f"{WITH_PATH}?photon=true",
    "http://[::1]:3000",
    "com.example.app:/callback",
]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_urls_that_were_given_are_read_back_from_those_that_are_stored(count: int) -> None:
    pages = "https://pages.example.com"
    for callbacks in itertools.combinations(URLS, count):
        stored = Registered(callbacks, callbacks, (pages,)).stored(is_native=True)
        again = given(stored)
        assert again.stored(is_native=True) == stored
        assert set(again.callbacks) <= {*callbacks, ORIGIN}
        assert again.origins == (pages,)
        assert given(again.stored(is_native=True)) == again


def test_localhost_is_not_127_0_0_1() -> None:
    assert not matches({"http://localhost:3000/"}, "http://127.0.0.1:3000/", is_native=False)
    assert not matches({"http://localhost:3000/"}, "http://localhost:3001/", is_native=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_only_a_native_client_s_loopback_port_is_free(host: str) -> None:
    """RFC 8252 §7.3."""
    registered = {f"http://{host}/callback"}

    assert matches(registered, f"http://{host}:49152/callback", is_native=True)
    assert not matches(registered, f"http://{host}:49152/callback", is_native=False)
    assert not matches(registered, f"http://{host}:49152/callback/", is_native=True)
    assert not matches(registered, f"http://{host}:49152@evil.com/callback", is_native=True)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "http://app.example.com/",
        "https://app.example.com/#f",
        "https://app.example.com/#",
        "https://user:pass@app.example.com/",
        "https://*.example.com/",
        "https://app.example.com/../x",
        "https://App.example.com/",
        "https:///path",
        "https://app.example.com:99999/",
        "https://app.example.com/ space",
        "https://app.example.com\\x",
        "com.example.app:/callback",
        "",
        "https://app.example.com/" + "a" * 2_000,
    ],
    ids=lambda url: url[:40],
)
def test_a_dangerous_redirect_uri_cannot_be_registered(url: str) -> None:
    with pytest.raises(InvalidError):
        require_url(url, is_native=False)
    for registered in (Registered((url,)), Registered((WITH_PATH,), (url,)), Registered((WITH_PATH,), (), (url,))):
        with pytest.raises(InvalidError):
            registered.stored(is_native=False)


@pytest.mark.parametrize("scheme", ["javascript", "data", "myapp", "file"])
def test_a_native_client_s_own_scheme_is_a_reversed_domain_name(scheme: str) -> None:
    require_url("com.example.app:/callback", is_native=True)
    with pytest.raises(InvalidError):
        require_url(f"{scheme}:/callback", is_native=True)
