"""Signing out here and at an OpenID provider that nobody here wrote, whichever of the two it begins at (O-07)."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from rxauth.crypto.base64url import encode_base64url
from rxauth.domain import changes, sessions, users
from rxauth.domain.connection_urls import urls_of
from rxauth.edge.backchannel import LogoutNotices
from rxauth.edge.outbound import Outbound
from tests.browsing import Browser
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.conftest import CLIENTS, LOOPBACK, Clinic
from tests.federation.openid.upstream import Upstream
from tests.live import PATIENCE_S, decode
from tests.signing_in import APP
from tests.webhook_receiver import Receiver
from tests.world import ISSUER

URLS = urls_of(ISSUER, "alder-sso")
EVENT = "http://schemas.openid.net/event/backchannel-logout"
BYE = f"{APP}/bye"
HEAR = "/sso/alder-sso/backchannel-logout"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where the provider sends its logout tokens, in the place of this server, whose port it does not know."""
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def left(clinic: Clinic, receiver: Receiver) -> Iterator[tuple[Clinic, Browser]]:
    """A browser in which Uma signed in with the provider."""
    known = {"post_logout_redirect_uris": [URLS.signed_out], "backchannel_logout_uri": receiver.url}
    usual, *others = CLIENTS
    clinic.upstream.serve({**usual, **known, "backchannel_logout_session_required": True}, *others)
    browser, answer = clinic.sign_in("uma")
    assert "code=" in answer.headers["location"]
    yield clinic, browser
    clinic.upstream.serve(*CLIENTS)


def live_sessions(clinic: Clinic) -> list[str]:
    """Lists the sessions of Uma that did not end."""
    user = clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    return [one.id for one in clinic.read(lambda tx: sessions.of_user(tx, user.id))]


def logout_token(receiver: Receiver) -> str:
    """Returns the logout token that the provider sent."""
    ends_at = time.monotonic() + PATIENCE_S
    while not receiver.got:
        assert time.monotonic() < ends_at
        time.sleep(0.01)
    [token] = parse_qs(receiver.got[-1].body.decode())["logout_token"]
    return token


def test_a_federated_logout_ends_the_session_here_and_there_and_leads_back_to_the_client(
    left: tuple[Clinic, Browser],
) -> None:
    clinic, browser = left
    asked = {"client_id": clinic.cast.client_id, "returnTo": BYE}
    there = browser.send("GET", f"/v2/logout?{urlencode(asked)}&federated").headers["location"]
    assert there.startswith(f"{clinic.upstream.issuer}/session/end?")
    assert live_sessions(clinic) == []

    back = clinic.upstream.sign_out(there)
    assert back is not None
    assert back.startswith(URLS.signed_out + "?state=")
    assert browser.send("GET", back.removeprefix(ISSUER.rstrip("/"))).headers["location"] == BYE

    clinic.upstream.people.clear()
    clinic.upstream.http.put(f"{clinic.upstream.issuer}/people", json={"people": {}, "present": None})
    _, url = clinic.leave()
    assert "error=access_denied" in clinic.upstream.answer(url, ISSUER)  # nobody is signed in there any more


def test_a_logout_that_is_not_federated_leaves_the_provider_alone(left: tuple[Clinic, Browser]) -> None:
    clinic, browser = left
    asked = {"client_id": clinic.cast.client_id, "returnTo": BYE}
    assert browser.send("GET", f"/v2/logout?{urlencode(asked)}").headers["location"] == BYE
    assert live_sessions(clinic) == []


def test_a_provider_that_is_down_keeps_nobody_from_signing_out(left: tuple[Clinic, Browser]) -> None:
    clinic, browser = left
    clinic.live.edge.openid_providers._known.clear()
    clinic.live.edge.openid_providers._outbound = Outbound()  # which reaches no loopback
    asked = {"client_id": clinic.cast.client_id, "returnTo": BYE}
    assert browser.send("GET", f"/v2/logout?{urlencode(asked)}&federated").headers["location"] == BYE
    assert live_sessions(clinic) == []


@pytest.mark.parametrize("state", ["", "AAAA", "https://evil.example", "é"])
def test_the_way_back_from_the_provider_leads_nowhere_that_was_not_sealed(clinic: Clinic, state: str) -> None:
    answer = clinic.live.http.get(f"/sso/alder-sso/signed-out?{urlencode({'state': state})}")
    assert (answer.status_code, "location" in answer.headers) == (200, False)


def test_a_logout_at_the_provider_ends_the_session_here_and_its_clients_hear_of_it(
    left: tuple[Clinic, Browser], receiver: Receiver
) -> None:
    clinic, _ = left
    ours = Receiver()
    try:
        clinic.live.edge.logouts = LogoutNotices(Outbound(LOOPBACK))
        clinic.write(lambda tx: hears_of_logouts(tx, clinic.cast.client_id, ours.url))
        [session_id] = live_sessions(clinic)
        clinic.upstream.sign_out(f"{clinic.upstream.issuer}/session/end")
        token = logout_token(receiver)

        answer = clinic.live.http.post(HEAR, data={"logout_token": token})

        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert live_sessions(clinic) == []
        assert decode(logout_token(ours))[1]["sid"] == session_id
        # The same token a second time (O-07).
        assert clinic.live.http.post(HEAR, data={"logout_token": token}).status_code == 400
    finally:
        ours.stop()


def hears_of_logouts(tx: Any, client_id: str, url: str) -> None:
    """Gives a client a URL for logout tokens."""
    tx.connection.exec_driver_sql(f"UPDATE clients SET backchannel_logout_uri = '{url}' WHERE id = '{client_id}'")
    changes.record(tx, changes.ChangeKind.CLIENT, client_id, 0)


class Forger:
    """Somebody who signs what a provider could have signed: with its key, or with another."""

    def __init__(self, clinic: Clinic, upstream: Upstream) -> None:
        self.key = upstreams.signing_key()
        upstream.sign_with(self.key)
        clinic.live.edge.openid_providers._known.clear()
        now = clinic.live.clock.seconds()
        self.good: dict[str, Any] = {
            "iss": upstream.issuer,
            "aud": "rxauth",
            "iat": now,
            "exp": now + 120,
            "jti": "one of them",
            "sub": "uma",
            "events": {EVENT: {}},
        }

    def token(self, key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Returns a token; a change to None leaves a claim out."""
        claims = {name: value for name, value in (self.good | changes).items() if value is not None}
        said = {"alg": "RS256", "kid": self.key["kid"], "typ": "logout+jwt", **(header or {})}
        signing = key or RSAKey.import_key(self.key)
        return jws.serialize_compact(said, json.dumps(claims).encode(), signing, algorithms=[said["alg"]])


def test_forged_logout_tokens_are_refused_and_end_nothing(left: tuple[Clinic, Browser]) -> None:
    """O-07."""
    clinic, _ = left
    forger, now = Forger(clinic, clinic.upstream), clinic.live.clock.seconds()
    head, body, signature = forger.token().split(".")
    unsigned = encode_base64url(b'{"alg":"none","typ":"logout+jwt"}') + f".{body}."
    public = OctKey.import_key(json.dumps({"n": forger.key["n"]}))
    forged = {
        "of another key": forger.token(RSAKey.generate_key(2048, {"kid": forger.key["kid"]})),
        "unsigned": unsigned,
        "without its signature": f"{head}.{body}.",
        "signed with the public key": forger.token(public, {"alg": "HS256"}),
        "altered": f"{head}.{body[:-2]}AA.{signature}",
        "with a nonce": forger.token(nonce="n"),
        "without events": forger.token(events=None),
        "with other events": forger.token(events={"http://schemas.openid.net/event/other": {}}),
        "with an event that is none": forger.token(events={EVENT: "yes"}),
        "of another provider": forger.token(iss="https://login.birch.example"),
        "for another client": forger.token(aud="rxauth-birch"),
        "for nobody": forger.token(aud=None),
        "expired": forger.token(iat=now - 400, exp=now - 100),
        "from long ago, and good for ever": forger.token(iat=now - 86_400, exp=now + 86_400),
        "from the future": forger.token(iat=now + 400, exp=now + 500),
        "without a time": forger.token(iat=None),
        "without an identifier": forger.token(jti=None),
        "about nobody": forger.token(sub=None),
        "about several": forger.token(sub=["uma"]),
        "an access token": forger.token(header={"typ": "at+jwt"}),
        "no token": "a.b.c",
        "nothing": "",
    }
    taken = {
        name: answer.status_code
        for name, token in forged.items()
        if (answer := clinic.live.http.post(HEAR, data={"logout_token": token})).status_code != 400
    }
    assert taken == {}
    assert clinic.live.http.post(HEAR, data={}).status_code == 400
    twice = f"logout_token={forger.token()}&logout_token={forger.token()}"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert clinic.live.http.post(HEAR, content=twice, headers=form).status_code == 400
    other = HEAR.replace("alder-sso", "birch-sso")
    assert clinic.live.http.post(other, data={"logout_token": forger.token()}).status_code == 400
    assert len(live_sessions(clinic)) == 1

    assert clinic.live.http.post(HEAR, data={"logout_token": forger.token(jti="a good one")}).status_code == 200
    assert live_sessions(clinic) == []


def test_a_logout_of_somebody_else_or_of_another_session_ends_nothing(left: tuple[Clinic, Browser]) -> None:
    clinic, _ = left
    forger = Forger(clinic, clinic.upstream)
    others: list[dict[str, Any]] = [{"sub": "somebody else"}, {"sid": "another session"}, {"sub": None, "sid": "x"}]
    for number, about in enumerate(others):
        token = forger.token(jti=f"number {number}", **about)
        assert clinic.live.http.post(HEAR, data={"logout_token": token}).status_code == 200
    assert len(live_sessions(clinic)) == 1


def test_a_hint_is_not_kept_where_it_can_be_read(left: tuple[Clinic, Browser]) -> None:
    clinic, _ = left
    rows = clinic.read(lambda tx: tx.connection.exec_driver_sql("SELECT sealed_hint FROM upstream_sessions").all())
    assert rows
    assert not any(b"eyJ" in bytes(row[0]) for row in rows)


def test_where_the_browser_goes_at_the_provider_names_the_session_and_no_secret(left: tuple[Clinic, Browser]) -> None:
    clinic, browser = left
    asked = {"client_id": clinic.cast.client_id, "returnTo": BYE}
    there = browser.send("GET", f"/v2/logout?{urlencode(asked)}&federated").headers["location"]
    sent = parse_qs(urlsplit(there).query)
    assert set(sent) == {"id_token_hint", "client_id", "post_logout_redirect_uri", "state"}
    assert BYE not in sent["state"][0]
