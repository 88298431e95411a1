"""Attacks on sign-ins and sessions: fixation, skipped steps, guessing, and sessions that outlive their time."""

import re
from collections.abc import Iterator

import pytest

from rxauth.domain import failed_proofs, organizations, sessions, users
from rxauth.domain.failed_proofs import FAILURES_LIMIT
from tests.browsing import Browser
from tests.live import Live
from tests.people import PASSWORD
from tests.signing_in import Cast, answered
from tests.world import NOW

COOKIE = "__Host-rxauth"
ACTS = ["password", "passkey", "totp", "recovery", "organization", "allow", "kept", "finish", ""]


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def test_the_cookie_is_bound_to_this_host_and_out_of_the_reach_of_scripts(cast: Cast) -> None:
    """S-11."""
    browser = cast.browser()
    header = browser.send("GET", cast.request()).headers["set-cookie"]
    value = re.fullmatch(r"__Host-rxauth=([\w-]{43}); Path=/; Secure; HttpOnly; SameSite=Lax", header)
    assert value is not None
    browser.open(browser.page.headers["location"])
    assert cast.log_in(browser).headers["set-cookie"].startswith(COOKIE)
    assert browser.cookies[COOKIE] != value[1]


def test_a_cookie_that_was_set_before_the_login_is_nobody_s_afterwards(cast: Cast) -> None:
    """A-26: at login and at step-up."""
    browser = cast.browser()
    browser.open(cast.request())
    planted = dict(browser.cookies)
    cast.log_in(browser)
    attacker = cast.browser()
    attacker.cookies = planted
    assert answered(attacker.open(cast.request(prompt="none")))["error"] == "login_required"
    first = dict(browser.cookies)
    browser.open(cast.request(prompt="login"))
    cast.log_in(browser)
    attacker.cookies = first
    assert answered(attacker.open(cast.request(prompt="none")))["error"] == "login_required"
    assert "code" in answered(browser.open(cast.request(prompt="none")))


def test_two_cookies_of_the_name_are_no_cookie(cast: Cast) -> None:
    browser = cast.signed_in()
    doubled = f"{COOKIE}={browser.cookies[COOKIE]}; {COOKIE}={'A' * 43}"
    browser.cookies = {}
    assert answered(browser.open(cast.request(prompt="none"), headers={"cookie": doubled}))["error"] == "login_required"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", ["logging in", "choosing", "consenting"])
def test_no_form_skips_the_step_that_is_due(cast: Cast, state: str, act: str) -> None:
    """A-28: whatever is sent, only what is due is done, and the pending step is shown again."""
    browser, due = cast.browser(), {"logging in": "password", "choosing": "organization", "consenting": "allow"}[state]
    if act == due or (state, act) == ("logging in", "passkey"):
        act = "unknown"
    client = cast.third_party_id if state == "consenting" else cast.client_id
    browser.open(cast.request(client_id=client))
    if state != "logging in":
        cast.log_in(browser, "ben@example.com" if state == "choosing" else "ada@example.com")
    heading, form = browser.heading(), browser.forms()[0]
    data = form.fields | {"act": act, "code": "000000", "organization": cast.live.world.alder.organization_id}
    answer = browser.send("POST", form.action, data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, form.action)
    browser.open(form.action)
    assert browser.heading() == heading


def test_a_finished_sign_in_cannot_be_replayed(cast: Cast) -> None:
    """A-28: the back button, and the same form again."""
    browser = cast.browser()
    browser.open(cast.request())
    page, form = browser.page, browser.forms()[0]
    cast.log_in(browser)
    assert browser.open(form.action).status_code == 400
    browser.page = page
    assert browser.send("POST", form.action, data=form.fields | {"act": "password"}).status_code == 403


def test_another_browser_cannot_go_on_with_a_sign_in(cast: Cast) -> None:
    """A-22."""
    browser, other = cast.browser(), cast.browser()
    browser.open(cast.request())
    form = browser.forms()[0]
    assert other.open(form.action).status_code == 400
    other.open(cast.request())
    data = form.fields | {"email": "ada@example.com", "password": PASSWORD}
    assert other.send("POST", form.action, data=data).status_code == 403
    other.cookies = {}
    assert other.send("POST", form.action, data=data).status_code == 403


def refusal(cast: Cast, email: str, password: str) -> tuple[int, str, list[str]]:
    """Returns what somebody is told who does not get in, without what was typed and what is random."""
    browser = cast.browser()
    browser.open(cast.request())
    answer = cast.log_in(browser, email, password)
    text = re.sub(r'(sin_\w+|name="csrf" value="[^"]+"|data-options="[^"]*")', "", answer.text.replace(email, ""))
    return answer.status_code, text, sorted(answer.headers)


def test_an_unknown_a_wrong_a_blocked_and_a_disabled_account_look_the_same(cast: Cast) -> None:
    """S-01."""
    database = cast.live.server.database
    wrong = refusal(cast, "ada@example.com", "not this one at all")
    assert refusal(cast, "nobody@example.com", PASSWORD) == wrong
    for _ in range(FAILURES_LIMIT):
        database.write(lambda tx: failed_proofs.count(tx, cast.ada.id, NOW))
    assert refusal(cast, "ada@example.com", PASSWORD) == wrong
    database.write(lambda tx: users.disable(tx, cast.ben.id, NOW))
    assert refusal(cast, "ben@example.com", PASSWORD) == wrong


def test_guessing_is_slowed_down_and_then_stopped(cast: Cast) -> None:
    """S-04: every page counts together, and a right guess during a pause does not count."""
    browser = cast.browser()
    browser.open(cast.request())
    for _ in range(failed_proofs.FREE_FAILURES):
        cast.log_in(browser, password="not this one at all")
    assert cast.log_in(browser).status_code == 422
    cast.live.clock.advance(2)
    assert "code" in answered(cast.log_in(browser))


@pytest.mark.parametrize(("waits_s", "ended"), [([3_599], False), ([3_600], True), ([3_000] * 28, False)])
def test_a_session_ends_without_activity(cast: Cast, waits_s: list[int], ended: bool) -> None:
    """S-13: one hour idle; each answer to a client is activity."""
    browser = cast.signed_in()
    told = {}
    for wait_s in waits_s:
        cast.live.clock.advance(wait_s)
        told = answered(browser.open(cast.request(prompt="none")))
    assert ("error" in told) is ended


def test_a_session_ends_after_a_day_however_active(cast: Cast) -> None:
    """S-13."""
    browser = cast.signed_in()
    for _ in range(28):
        cast.live.clock.advance(3_000)
        assert "code" in answered(browser.open(cast.request(prompt="none")))
    cast.live.clock.advance(2_400)
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "login_required"


def test_an_organization_s_stricter_limits_hold_for_it_alone(cast: Cast) -> None:
    """S-13."""
    database, owner = cast.live.server.database, cast.live.world.birch.organization_id
    database.write(lambda tx: organizations.limit_sessions(tx, owner, NOW, idle_s=300, lifetime_s=None))
    browser = cast.signed_in("ben@example.com", organization="Alder Clinic")
    cast.live.clock.advance(301)
    birch = cast.request(prompt="none", organization="Birch Clinic")
    assert answered(browser.open(birch))["error"] == "login_required"
    assert "code" in answered(browser.open(cast.request(prompt="none", organization="Alder Clinic")))


def test_no_page_that_depends_on_a_session_is_kept(cast: Cast) -> None:
    """S-14, A-20."""
    browser = cast.signed_in()
    for path in ("/account", "/account/security", "/account/sessions", "/reset", cast.request(prompt="login")):
        answer = browser.open(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "'unsafe" not in answer.headers["content-security-policy"]


def test_an_ended_session_s_cookie_opens_nothing(cast: Cast) -> None:
    """S-12, S-15."""
    browser = cast.signed_in()
    [session] = cast.live.server.database.read(lambda tx: sessions.of_user(tx, cast.ada.id))
    cast.live.server.database.write(lambda tx: sessions.end(tx, session.id, cast.ada.id, NOW))
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "login_required"
    browser.open("/account")
    assert browser.heading().startswith("Log in")
    forged = Browser(cast.live.url, "http://localhost:8000/")
    forged.cookies = {COOKIE: session.id.ljust(43, "A")[:43]}
    assert answered(forged.open(cast.request(prompt="none")))["error"] == "login_required"
    forged.close()
