"""Attacks on the authorization endpoint: where its answers go, and what it can be talked into."""

import socket
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxauth.domain import organizations, users
from tests.domain.test_client_urls import FORGED
from tests.live import Live
from tests.signing_in import CALLBACK, Cast, answered, pkce
from tests.world import ISSUER

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def refused(cast: Cast, **changes: str | None) -> dict[str, str]:
    """Returns what the client of a signed-in person is told of a request."""
    return answered(cast.signed_in().open(cast.request(**changes)))


@pytest.mark.parametrize("client_id", ["zzz", None, "", "0" * 32])
def test_an_unknown_client_gets_a_page_and_no_redirect(cast: Cast, client_id: str | None) -> None:
    """A-01."""
    answer = cast.browser().open(cast.request(client_id=client_id))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert answer.headers["content-type"].startswith("text/html")


def test_a_repeated_client_id_or_redirect_uri_gets_a_page(cast: Cast) -> None:
    """A-01, A-07."""
    for name, value in (("client_id", cast.client_id), ("redirect_uri", CALLBACK)):
        answer = cast.browser().open(f"{cast.request()}&{urlencode({name: value})}")
        assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_a_machine_client_cannot_be_signed_in_to(cast: Cast) -> None:
    """A-01."""
    answer = cast.browser().open(cast.request(client_id=cast.live.world.alder.client_id))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize("forged", FORGED)
def test_an_unregistered_redirect_uri_is_never_redirected_to_nor_echoed(cast: Cast, forged: str) -> None:
    """A-02, with a live session, and with parameters that would each be an error of their own (A-04, A-06)."""
    browser = cast.signed_in()
    presented = forged.format(CALLBACK)
    for changes in ({}, {"prompt": "none"}, {"response_type": "foo"}, {"scope": "\x01", "prompt": "none"}):
        answer = browser.open(cast.request(redirect_uri=presented or None, **changes))
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert presented not in answer.text or not presented


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:42]}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "A"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:42] + "="}, "invalid_request"),
        ({"code_challenge": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 43}, "invalid_request"),
        ({"code_challenge": "A" * 129}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "sudo"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "abc"}, "invalid_request"),
        ({"max_age": "99999999999999"}, "invalid_request"),
        ({"max_age": "\N{ARABIC-INDIC DIGIT ONE}"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"scope": "openid\x00"}, "invalid_scope"),
        ({"scope": " ".join(["x"] * 101)}, "invalid_scope"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"),
        ({"resource": "https://elsewhere.example"}, "invalid_request"),
        ({"id_token_hint": "not.a.token"}, "invalid_request"),
    ],
    ids=str,
)
def test_a_bad_request_is_answered_to_the_registered_uri_in_the_standard_s_terms(
    cast: Cast, changes: dict[str, str | None], error: str
) -> None:
    """A-05, A-08, A-09, A-10, A-14, A-16, A-19; every answer says whose it is (A-11), and none has a token."""
    told = refused(cast, **changes)
    assert (told["error"], told["state"], told["iss"]) == (error, "a state==", ISSUER)
    assert not {"code", "access_token", "id_token"} & set(told)


@pytest.mark.parametrize("name", ["scope", "state", "code_challenge", "nonce", "audience"])
def test_a_repeated_parameter_is_refused(cast: Cast, name: str) -> None:
    """A-07."""
    answer = cast.signed_in().open(f"{cast.request()}&{name}=again")
    assert answered(answer)["error"] == "invalid_request"


def test_a_request_uri_is_not_fetched(cast: Cast) -> None:
    """A-18."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        told = refused(cast, request_uri=f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert told["error"] == "request_uri_not_supported"
        with pytest.raises(TimeoutError):
            listening.accept()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_state_comes_back_as_it_was_sent_and_splits_no_header(cast: Cast, state: str) -> None:
    """A-12."""
    told = answered(cast.browser().open(cast.request(state=state, prompt="none")))
    assert told["state"] == state


def test_a_state_of_four_kilobytes_comes_back(cast: Cast) -> None:
    """A-12."""
    state = '"><script>alert(1)</script>\r\nSet-Cookie: x=y' * 90
    assert refused(cast, state=state)["state"] == state


def test_nobody_is_bothered_when_the_client_asks_for_silence(cast: Cast) -> None:
    """A-13: login_required, interaction_required, consent_required, and never a page."""
    assert answered(cast.browser().open(cast.request(prompt="none")))["error"] == "login_required"
    browser = cast.signed_in("ben@example.com")
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "interaction_required"
    third = {"client_id": cast.third_party_id, "organization": cast.live.world.alder.organization_id}
    told = answered(browser.open(cast.request(prompt="none", **third)))
    assert (told["error"], told["error_description"]) == ("consent_required", "Consent required.")


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}])
def test_an_old_sign_in_does_not_stand_in_for_the_new_one_that_was_asked_for(
    cast: Cast, asked: dict[str, str | None]
) -> None:
    """A-15: cancelling gives no code, changes nothing, and ends the request."""
    browser = cast.signed_in()
    handle = dict(browser.cookies)
    browser.open(cast.request(**asked))
    page = browser.page
    assert browser.heading().startswith("Log in")
    cancelled = browser.submit(form=len(browser.forms()) - 1)
    assert answered(cancelled)["error"] == "access_denied"
    assert browser.cookies == handle
    browser.page = page
    assert cast.log_in(browser).status_code == 400
    browser.open(cast.request(**asked))
    assert "code" in answered(cast.log_in(browser))


@pytest.mark.parametrize("method", ["get", "post"])
def test_both_methods_work_and_what_is_not_known_is_ignored(cast: Cast, method: str) -> None:
    """A-31."""
    browser = cast.signed_in()
    path = cast.request(surprise="yes", auth0Client="e30=")
    if method == "get":
        answer = browser.open(path)
    else:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = browser.send("POST", "/authorize", content=path.partition("?")[2], headers=headers)
    assert "code" in answered(answer)


def test_the_answer_after_a_password_is_a_303(cast: Cast) -> None:
    """A-23."""
    browser = cast.browser()
    browser.open(cast.request())
    form = browser.forms()[0]
    sent = browser.send("POST", form.action, data=form.fields | {"email": "ada@example.com", "password": "no"})
    assert sent.status_code == 422
    assert cast.log_in(browser).status_code == 303


def test_another_origin_s_script_cannot_read_the_authorization_endpoint(cast: Cast) -> None:
    """A-24."""
    for origin in ("https://x.example", "http://localhost:3000"):
        answer = cast.browser().open(cast.request(), headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "x-forwarded-proto", "forwarded"])
def test_a_foreign_host_header_changes_no_link(cast: Cast, header: str) -> None:
    """A-25."""
    browser = cast.browser()
    answer = browser.open(cast.request(), headers={header: "evil.example"})
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)


def test_the_organization_of_another_client_lets_nobody_in(cast: Cast) -> None:
    """A-29: somebody of one organization, the other organization, by identifier and by name."""
    browser = cast.signed_in()
    for organization in (cast.live.world.birch.organization_id, "Birch Clinic", "org_nobody", "birch clinic"):
        told = answered(browser.open(cast.request(organization=organization)))
        assert told["error"] == "access_denied"
        assert "is not part of the org" in told["error_description"]
    for organization in (cast.live.world.alder.organization_id, "ALDER clinic"):
        assert "code" in answered(browser.open(cast.request(organization=organization)))


def test_a_challenge_that_was_used_before_is_refused(cast: Cast) -> None:
    """C-14."""
    browser = cast.signed_in()
    pair = pkce()
    assert "code" in answered(browser.open(cast.request(challenge=pair.challenge)))
    assert answered(browser.open(cast.request(challenge=pair.challenge)))["error"] == "invalid_request"


def test_the_hint_of_another_person_is_not_answered_with_this_one(cast: Cast) -> None:
    """A-17."""
    claims = {"iss": ISSUER, "aud": cast.client_id, "sub": cast.ben.id}
    hint = cast.live.sign(claims, token_type="JWT")
    browser = cast.signed_in()
    assert answered(browser.open(cast.request(prompt="none", id_token_hint=hint)))["error"] == "login_required"
    hint = cast.live.sign(claims | {"sub": cast.ada.id}, token_type="JWT")
    assert "code" in answered(browser.open(cast.request(prompt="none", id_token_hint=hint)))


def test_a_disabled_person_client_or_organization_gets_no_code(cast: Cast) -> None:
    """M-23, at the authorization endpoint."""
    database, now = cast.live.server.database, cast.live.clock.seconds()
    browser = cast.signed_in()
    database.write(lambda tx: users.disable(tx, cast.ada.id, now))
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "login_required"
    browser = cast.signed_in("ben@example.com", organization="Birch Clinic")
    database.write(lambda tx: organizations.disable(tx, cast.live.world.birch.organization_id, now))
    assert answered(browser.open(cast.request(organization="Birch Clinic")))["error"] == "access_denied"


def test_quotes_in_a_refused_uri_do_not_reach_the_page(cast: Cast) -> None:
    """A-02."""
    answer = cast.browser().open(cast.request(redirect_uri=f"{CALLBACK}?x=" + quote('"><script>')))
    assert "<script>alert" not in answer.text
    assert CALLBACK not in answer.text
