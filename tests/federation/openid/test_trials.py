"""Trying a connection: one sign-in is walked, every claim is shown, and nobody is signed in."""

from urllib.parse import parse_qsl, urlsplit

from rxauth.crypto import secrets
from rxauth.domain import connection_trials, sessions, upstream_requests, users
from rxauth.domain.upstream_requests import Sent
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.federation.openid.conftest import Attack


def sent(attack: Attack, browser: Browser) -> str:
    """Notes that Ben tries the connection; returns where the provider sends the browser back to."""
    clinic = attack.clinic
    server, handle = clinic.live.server, browser.cookies["__Host-rxauth"]
    state = secrets.new_handle()
    attack.forger.nonce = "a nonce"

    def work(tx: Transaction) -> None:
        what = Sent(state, "a nonce", "a verifier")
        who = {"browser_digest": secrets.digest(handle), "tried_by": clinic.cast.ben.id}
        upstream_requests.begin(tx, clinic.connection, what, server.sealing_key, server.clock.seconds(), **who)  # type: ignore[arg-type]

    clinic.write(work)
    return f"/sso/alder-sso/callback?code=a-code&state={state}"


def outcome(attack: Attack, location: str) -> connection_trials.Trial:
    """Returns what came of a trial whose page is at a URL."""
    clinic, name = attack.clinic, dict(parse_qsl(urlsplit(location).query))["of"]
    key, now, ben = clinic.live.server.sealing_key, clinic.live.clock.seconds(), clinic.cast.ben.id
    connection_id, trial = clinic.read(lambda tx: connection_trials.find(tx, clinic.alder, ben, name, key, now=now))
    assert connection_id == clinic.connection.id
    ada = clinic.cast.ada.id
    found = clinic.read(lambda tx: connection_trials.find(tx, clinic.alder, ada, name, key, now=now))
    assert found is None, "it is Ben's own"
    return trial  # type: ignore[no-any-return]


def test_a_trial_shows_every_claim_and_what_it_means_and_signs_nobody_in(attack: Attack) -> None:
    browser = attack.clinic.cast.signed_in("ben@example.com", organization=attack.clinic.alder)
    attack.forger.claims = {"groups": ["it", "doctors"], "amr": ["mfa"]}
    answer = browser.send("GET", sent(attack, browser))
    trial = outcome(attack, answer.headers["location"])
    assert (trial.claims["groups"], trial.email) == (["it", "doctors"], "mallory@alder.example")
    assert (trial.roles, trial.methods, trial.code) == ((Role.DEVELOPER, Role.STAFF), ("mfa",), None)
    assert "mallory" not in repr(trial)
    assert attack.clinic.read(lambda tx: users.find_by_email(tx, "mallory@alder.example")) is None
    assert len(attack.clinic.read(lambda tx: sessions.of_user(tx, attack.clinic.cast.ben.id))) == 1


def test_a_trial_says_what_is_wrong_in_an_administrator_s_words(attack: Attack) -> None:
    browser = attack.clinic.cast.signed_in("ben@example.com", organization=attack.clinic.alder)
    attack.forger.claims = {"email": "mallory@elsewhere.example"}
    trial = outcome(attack, browser.send("GET", sent(attack, browser)).headers["location"])
    assert (trial.code, trial.claims["sub"]) == ("domain_not_verified", "mallory")
    attack.forger.claims = {"aud": "another"}
    trial = outcome(attack, browser.send("GET", sent(attack, browser)).headers["location"])
    assert trial.code == "audience_differs"
    assert "another application" in (trial.explanation or "")


def test_nobody_else_comes_back_from_a_trial(attack: Attack) -> None:
    ben = attack.clinic.cast.signed_in("ben@example.com", organization=attack.clinic.alder)
    url = sent(attack, ben)
    for other in (attack.clinic.cast.browser(), attack.clinic.cast.signed_in("ada@example.com")):
        assert other.open(url).status_code == 400
    assert ben.send("GET", url).status_code == 303
    assert ben.send("GET", url).status_code == 400
