"""People sign in: from the client to the pages and back, in one browser, over HTTP."""

import re
from collections.abc import Iterator

import pyotp
import pytest

from tests.browsing import Browser
from tests.live import Live
from tests.signing_in import Cast, answered
from tests.world import ISSUER


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def test_a_person_logs_in_and_goes_back_to_the_client_with_a_code(cast: Cast) -> None:
    browser = cast.browser()
    browser.open(cast.request())
    assert browser.heading() == "Log in to continue to Alder App"

    sent_back = answered(cast.log_in(browser))

    assert set(sent_back) == {"code", "state", "iss"}
    assert (sent_back["state"], sent_back["iss"]) == ("a state==", ISSUER)


def test_a_second_client_in_the_browser_needs_no_second_login(cast: Cast) -> None:
    browser = cast.signed_in()

    assert "code" in answered(browser.open(cast.request(client_id=cast.client_id)))
    assert "code" in answered(browser.open(cast.request(prompt="none")))


def test_a_wrong_password_is_told_and_what_was_typed_stays(cast: Cast) -> None:
    browser = cast.browser()
    browser.open(cast.request())
    answer = cast.log_in(browser, password="not this one at all")

    assert answer.status_code == 422
    assert browser.forms()[0].fields["email"] == "ada@example.com"
    assert browser.forms()[0].fields["password"] == ""
    assert "code" in answered(cast.log_in(browser))


def test_somebody_of_two_organizations_chooses_one_and_is_not_asked_again(cast: Cast) -> None:
    browser = cast.signed_in("ben@example.com")
    assert browser.heading() == "Choose an organization"

    assert "code" in answered(browser.submit(press=cast.live.world.birch.organization_id))
    assert "code" in answered(browser.open(cast.request()))
    browser.open(cast.request(prompt="select_account"))
    assert browser.heading().startswith("Log in")


def _app_code(browser: Browser, cast: Cast) -> str:
    """Returns what an authenticator app shows that was given the key on the page."""
    key = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', browser.page.text)
    assert key is not None
    return pyotp.TOTP(key[1].replace(" ", "")).at(cast.live.clock.seconds())


def test_a_second_factor_that_is_asked_for_is_set_up_and_proven_from_then_on(cast: Cast) -> None:
    browser = cast.browser()
    browser.open(cast.request(acr_values="aal2"))
    cast.log_in(browser)
    assert browser.heading() == "Set up a second factor"
    secret = _app_code(browser, cast)
    form = next(number for number, one in enumerate(browser.forms()) if "code" in one.fields)
    browser.submit(form=form, code=secret)
    assert browser.heading() == "Keep your recovery codes"
    codes = re.findall(r"<li><code>([^<]+)</code>", browser.page.text)
    assert "code" in answered(browser.submit())
    assert "code" in answered(browser.open(cast.request(acr_values="aal2", prompt="none")))

    elsewhere = cast.browser()
    elsewhere.open(cast.request())
    cast.log_in(elsewhere)
    assert elsewhere.heading() == "Confirm that it is you"
    elsewhere.submit(code=secret)
    assert elsewhere.page.status_code == 422  # the code was used when the app was set up
    elsewhere.open(f"{elsewhere.page.url.path}?method=recovery")
    assert "code" in answered(elsewhere.submit(code=codes[0]))


def test_consent_is_asked_once_for_a_client_of_somebody_else(cast: Cast) -> None:
    asked = {"client_id": cast.third_party_id, "scope": "openid read:patient"}
    browser = cast.browser()
    browser.open(cast.request(**asked))
    cast.log_in(browser)
    assert browser.heading() == "Allow Foreign App to use your account?"
    assert answered(browser.submit(press="cancel"))["error"] == "access_denied"
    browser.open(cast.request(**asked))
    assert "code" in answered(browser.submit(press="allow"))
    assert "code" in answered(browser.open(cast.request(prompt="none", **asked)))
    more = asked | {"scope": "openid read:patient write:patient"}
    assert answered(browser.open(cast.request(prompt="none", **more)))["error"] == "consent_required"
