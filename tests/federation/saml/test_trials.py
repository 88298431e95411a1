"""Trying a SAML connection: one sign-in is walked, everything that was said is shown, and nobody is signed in."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from rxauth.crypto import secrets
from rxauth.domain import connection_trials, upstream_requests, users
from rxauth.domain.connection_trials import Trial
from rxauth.domain.upstream_requests import Sent
from rxauth.edge.sso import saml
from rxauth.federation.saml import parties, requests
from rxauth.federation.saml.requests import Wishes
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.federation.saml.conftest import Clinic


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """What is kept of a trial is the same on both."""
    return str(request.param)


def sent(clinic: Clinic, browser: Browser) -> str:
    """Notes that Ben tries the connection; returns where his browser goes."""
    server, request_id, state = clinic.live.server, requests.new_message_id(), secrets.new_handle()
    digest, now = secrets.digest(browser.cookies["__Host-rxauth"]), server.clock.seconds()

    def work(tx: Transaction) -> None:
        what, key, ben = Sent(state, request_id), server.sealing_key, clinic.cast.ben.id
        upstream_requests.begin(tx, clinic.connection, what, key, now, browser_digest=digest, tried_by=ben)

    clinic.write(work)
    us = parties.us(server.issuer, clinic.connection, saml.keys_of(server, clinic.connection))
    them = parties.them(clinic.connection.settings)  # type: ignore[arg-type]
    return requests.authentication_request(us, them, Wishes(), now, request_id=request_id, relay_state=state).url


def outcome(clinic: Clinic, location: str) -> Trial:
    name, key, ben = dict(parse_qsl(urlsplit(location).query))["of"], clinic.live.server.sealing_key, clinic.cast.ben.id
    now = clinic.live.clock.seconds()
    _, trial = clinic.read(lambda tx: connection_trials.find(tx, clinic.alder, ben, name, key, now=now))
    assert isinstance(trial, Trial)
    return trial


def test_a_trial_shows_everything_that_was_said_and_signs_nobody_in(clinic: Clinic) -> None:
    browser = clinic.cast.signed_in("ben@example.com", organization=clinic.alder)
    clinic.upstream.present("uma", groups=["it", "doctors"])
    posted = clinic.post(clinic.upstream.answer(sent(clinic, browser)))
    assert clinic.cast.browser().open(posted.headers["location"]).status_code == 400
    trial = outcome(clinic, browser.send("GET", posted.headers["location"]).headers["location"])
    assert (trial.claims["NameID"], trial.claims["groups"]) == ("uma", ["it", "doctors"])
    assert (trial.email, trial.roles, trial.code) == ("uma@alder.example", (Role.DEVELOPER, Role.STAFF), None)
    assert clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example")) is None


def test_a_trial_says_what_is_wrong_in_an_administrator_s_words(clinic: Clinic) -> None:
    browser = clinic.cast.signed_in("ben@example.com", organization=clinic.alder)
    clinic.upstream.present("uma", options={"audience": "https://other.example/metadata"})
    posted = clinic.post(clinic.upstream.answer(sent(clinic, browser)))
    trial = outcome(clinic, posted.headers["location"])
    assert trial.code == "wrong_audience"
    assert "https://other.example/metadata" in (trial.explanation or "")
