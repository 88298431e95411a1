"""Signing out over HTTP: the published clients' way, the standard's, and what other clients hear of it (A-32, O-07)."""

import http.server
import ipaddress
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest

from rxauth.crypto import passwords as hashes
from rxauth.domain import passwords, sessions
from rxauth.domain.sessions import Session
from rxauth.edge.backchannel import LogoutNotices
from rxauth.edge.cookies import NAME
from rxauth.edge.outbound import Outbound
from tests.browsing import Browser
from tests.live import PATIENCE_S, Live, decode
from tests.people import CHEAP, PASSWORD
from tests.security.forging import READ
from tests.token_holders import Holders, refused
from tests.world import ISSUER, NOW, StandingClock, World

BYE = "http://localhost:3000/bye"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def holders(live: Live) -> Holders:
    """Clients and people on each engine."""
    return Holders(live)


@pytest.fixture
def lite(sqlite_live: Live) -> Holders:
    """Clients and people, for what does not depend on the engine."""
    return Holders(sqlite_live)


@contextmanager
def _browser(holders: Holders) -> Iterator[tuple[Browser, Session]]:
    """A browser in which somebody is signed in."""
    session, handle = holders.session(holders.person())
    browser = Browser(holders.live.url, ISSUER)
    browser.cookies[NAME] = handle
    try:
        yield browser, session
    finally:
        browser.close()


def _is_live(holders: Holders, session: Session) -> bool:
    found = holders.live.server.database.read(lambda tx: sessions.load(tx, session.id))
    return found is not None and found.ended_at is None


def _v2(holders: Holders, **changes: str) -> str:
    asked = {"client_id": holders.spa.client_id, "returnTo": BYE, "auth0Client": "e30="} | changes
    return "/v2/logout?" + urlencode(asked)


def test_a_logout_ends_the_session_its_tokens_and_the_cookie_at_once(holders: Holders) -> None:
    with _browser(holders) as (browser, session):
        got = holders.redeemed(holders.code(session))
        answer = browser.send("GET", _v2(holders) + "&federated")

        assert (answer.status_code, answer.headers["location"]) == (303, BYE)
        assert NAME not in browser.cookies
        assert answer.headers["cache-control"] == "no-store"
        assert not _is_live(holders, session)
        refused(holders.refresh(got["refresh_token"]))
        assert holders.live.graphql(got["access_token"], READ).status_code == 401
        assert browser.send("GET", _v2(holders)).headers["location"] == BYE


ELSEWHERE = [
    "https://evil.example/",
    "http://localhost:3000/bye/",
    "http://localhost:3000/bye?a=b",
    "http://localhost:3000/Bye",
    "http://localhost:3000/bye#x",
    "http://localhost:3000/bye\r\nset-cookie: a=b",
    "http://localhost:3000@evil.example/bye",
    "//evil.example/bye",
    "javascript:alert(1)",
    "",
]


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_logout_goes_nowhere_that_the_client_did_not_register(lite: Holders, where: str) -> None:
    with _browser(lite) as (browser, session):
        answer = browser.send("GET", _v2(lite, returnTo=where))

        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert browser.heading() == "You are signed out"
        assert not _is_live(lite, session)


def test_a_logout_of_no_client_or_a_disabled_one_goes_nowhere(lite: Holders) -> None:
    for client_id in ("", "0" * 32, lite.live.world.alder.client_id):
        with _browser(lite) as (browser, session):
            assert browser.send("GET", _v2(lite, client_id=client_id)).status_code == 200
            assert not _is_live(lite, session)


def _oidc(**asked: str | None) -> str:
    return "/oidc/logout?" + urlencode({name: value for name, value in asked.items() if value is not None})


def test_a_client_that_proves_which_session_it_means_ends_it_and_gets_its_state_back(lite: Holders) -> None:
    with _browser(lite) as (browser, session):
        hint = lite.redeemed(lite.code(session))["id_token"]
        lite.live.clock.advance(3_000)
        answer = browser.send("GET", _oidc(id_token_hint=hint, post_logout_redirect_uri=BYE, state="a b=="))

        assert (answer.status_code, answer.headers["location"]) == (303, f"{BYE}?state=a+b%3D%3D")
        assert not _is_live(lite, session)


def test_an_expired_hint_is_as_good_and_no_redirect_is_needed(lite: Holders) -> None:
    """RP-Initiated Logout §2: the ID token may have expired."""
    with _browser(lite) as (browser, session):
        claims = decode(lite.redeemed(lite.code(session))["id_token"])[1]
        hint = lite.live.sign(claims | {"exp": NOW - 10_000}, "JWT")
        browser.send("POST", "/oidc/logout", data={"id_token_hint": hint, "client_id": lite.spa.client_id})

        assert browser.heading() == "You are signed out"
        assert not _is_live(lite, session)


BAD: dict[str, dict[str, Any]] = {
    "no hint": {"id_token_hint": None},
    "no token as hint": {"id_token_hint": "x.y.z"},
    "a forged hint": {"forged": True},
    "an access token as hint": {"token_type": "at+jwt"},
    "a hint of another issuer": {"claims": {"iss": "https://other.example/"}},
    "a hint of another client": {"claims": {"aud": "a" * 32}, "client_id": True},
    "a hint of somebody else": {"claims": {"sub": "usr_01JD9X8V4M0000000000000000"}},
    "a hint of another session": {"claims": {"sid": "ses_01JD9X8V4M0000000000000000"}},
    "a URL that was not registered": {"post_logout_redirect_uri": "https://evil.example/"},
    "a URL with a query added": {"post_logout_redirect_uri": BYE + "?a=b"},
}


@pytest.mark.parametrize("bad", BAD)
def test_anything_less_certain_asks_the_person_and_ends_nothing_before(lite: Holders, bad: str) -> None:
    """A-32: a confirmation page, no redirect, the session is kept until it was confirmed."""
    changes = BAD[bad]
    with _browser(lite) as (browser, session):
        claims = decode(lite.redeemed(lite.code(session))["id_token"])[1] | changes.get("claims", {})
        hint = lite.live.sign(claims, changes.get("token_type", "JWT"))
        hint = hint[:-8] + "AAAAAAAA" if "forged" in changes else hint
        asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE}
        asked |= {name: changes[name] for name in asked if name in changes}
        if "client_id" in changes:
            asked["client_id"] = lite.spa.client_id
        answer = browser.send("GET", _oidc(**asked))

        assert (answer.status_code, browser.heading()) == (200, "Sign out?")
        assert _is_live(lite, session)
        browser.submit()
        assert browser.heading() == "You are signed out"
        assert not _is_live(lite, session)


def test_the_confirmation_cannot_be_sent_by_a_foreign_page(lite: Holders) -> None:
    with _browser(lite) as (browser, session):
        browser.open("/oidc/logout")
        form = browser.forms()[0]
        for fields, headers in (
            ({"act": "logout"}, {}),
            (form.fields | {"csrf": "x"}, {}),
            (form.fields, {"sec-fetch-site": "cross-site"}),
        ):
            assert browser.send("POST", form.action, data=fields, headers=headers).status_code == 403
        assert _is_live(lite, session)


def test_nobody_is_asked_when_nobody_is_signed_in(lite: Holders) -> None:
    answer = lite.live.http.get("/oidc/logout")

    assert answer.status_code == 200
    assert "You are signed out" in answer.text


class Listener(http.server.BaseHTTPRequestHandler):
    """A client's back channel: what comes is put into a queue, and answered with what the test wants."""

    def do_POST(self) -> None:
        """Takes a logout token."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        server: Any = self.server
        self.send_response(server.statuses.pop(0) if server.statuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()
        server.heard.put((self.path, self.headers["content-type"], parse_qs(body)))

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def _listener(*statuses: int) -> Iterator[Any]:
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.heard, server.statuses = queue.Queue(), list(statuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _signed_out(
    world: World, server: Any, *, networks: Any = LOOPBACK, pauses_s: tuple[float, ...] = (0.01, 0.01)
) -> Any:
    """Signs somebody out of two clients, of which one listens; returns the session and the client that does."""
    notices = LogoutNotices(Outbound(networks), pauses_s)
    live = Live(world, StandingClock(), logouts=notices)
    try:
        holders = Holders(live)
        uri = f"http://127.0.0.1:{server.server_port}/hear?a=b"
        listening = holders.app("Listening", backchannel_logout_uri=uri)
        with _browser(holders) as (browser, session):
            for app in (holders.spa, listening):
                holders.redeemed(holders.code(session, app))
            assert browser.send("GET", _v2(holders)).status_code == 303
            keys = live.http.get("/.well-known/jwks.json").json()
            heard = None if networks == () else server.heard.get(timeout=PATIENCE_S)
            if server.statuses:
                heard = server.heard.get(timeout=PATIENCE_S)
            return session, listening, keys, heard
    finally:
        live.stop()


def test_clients_of_the_session_hear_of_its_end_in_a_token_that_they_can_check(sqlite_world: World) -> None:
    """OpenID Connect Back-Channel Logout §2.4, §2.5; O-07 is what a client checks."""
    with _listener() as server:
        session, listening, keys, (path, media_type, form) = _signed_out(sqlite_world, server)
    [token] = form["logout_token"]
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(
        token,
        jwt.PyJWKSet.from_dict(keys)[header["kid"]],
        algorithms=["RS256"],
        audience=listening.client_id,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )

    assert (path, media_type) == ("/hear?a=b", "application/x-www-form-urlencoded")
    assert header["typ"] == "logout+jwt"
    assert (claims["sub"], claims["sid"]) == (session.user_id, session.id)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["exp"] - claims["iat"] == 120
    assert claims["jti"]
    assert "nonce" not in claims
    assert server.heard.empty()


def test_a_client_that_is_down_is_asked_again(sqlite_world: World) -> None:
    with _listener(503, 500) as server:
        _, _, _, first = _signed_out(sqlite_world, server, pauses_s=(0.01, 0.01, 0.01))

    assert first is not None


def test_a_client_hears_of_a_session_that_was_ended_on_the_account_page(sqlite_world: World) -> None:
    with _listener() as server:
        live = Live(sqlite_world, StandingClock(), logouts=LogoutNotices(Outbound(LOOPBACK)))
        holders = Holders(live)
        uri = f"http://127.0.0.1:{server.server_port}/hear"
        listening = holders.app("Listening", backchannel_logout_uri=uri)
        with _browser(holders) as (browser, session):
            other, _ = holders.session(session.user_id)
            holders.redeemed(holders.code(other, listening))
            browser.open("/account/sessions")
            form = next(number for number, one in enumerate(browser.forms()) if other.id in one.fields.values())
            browser.submit(form)
            _, _, heard = server.heard.get(timeout=PATIENCE_S)
        live.stop()

    assert decode(heard["logout_token"][0])[1]["sid"] == other.id


def test_a_client_hears_of_a_session_that_was_ended_over_the_api(sqlite_world: World) -> None:
    with _listener() as server:
        live = Live(sqlite_world, StandingClock(), logouts=LogoutNotices(Outbound(LOOPBACK)))
        holders = Holders(live)
        listening = holders.app("Listening", backchannel_logout_uri=f"http://127.0.0.1:{server.server_port}/hear")
        user_id = holders.person()
        bearer = str(holders.tokens(user_id)["access_token"])
        other, _ = holders.session(user_id)
        holders.redeemed(holders.code(other, listening))
        live.data(bearer, "mutation($id: ID!) { endMySession(id: $id) }", {"id": other.id})
        _, _, heard = server.heard.get(timeout=PATIENCE_S)
        live.stop()

    assert decode(heard["logout_token"][0])[1]["sid"] == other.id


def test_a_client_hears_of_sessions_that_a_new_password_ended(sqlite_world: World) -> None:
    """S-12."""
    with _listener() as server:
        live = Live(sqlite_world, StandingClock(), logouts=LogoutNotices(Outbound(LOOPBACK)))
        holders = Holders(live)
        listening = holders.app("Listening", backchannel_logout_uri=f"http://127.0.0.1:{server.server_port}/hear")
        with _browser(holders) as (browser, session):
            new_hash = hashes.new_hash(PASSWORD, CHEAP)
            holders.write(lambda tx: passwords.store(tx, session.user_id, new_hash, NOW))
            other, _ = holders.session(session.user_id)
            holders.redeemed(holders.code(other, listening))
            browser.open("/account/security")
            form = next(number for number, one in enumerate(browser.forms()) if "current_password" in one.fields)
            browser.submit(form, current_password=PASSWORD, password="copper wharf anvil lorry")
            _, _, heard = server.heard.get(timeout=PATIENCE_S)
        live.stop()

    assert decode(heard["logout_token"][0])[1]["sid"] == other.id


def test_an_address_that_is_not_allowed_is_never_called(sqlite_world: World) -> None:
    """M-24 as far as back-channel logout goes: nothing on this machine, unless it is named."""
    with _listener() as server:
        _signed_out(sqlite_world, server, networks=())
    assert server.heard.empty()


def test_a_logout_token_is_no_other_token(lite: Holders) -> None:
    claims = decode(lite.tokens()["access_token"])[1]
    token = lite.live.sign(claims, "logout+jwt")

    assert lite.live.graphql(token, READ).status_code == 401
