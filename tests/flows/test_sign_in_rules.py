"""What an organization asks of sign-ins is asked at the next sign-in, and at the next request of who is signed in."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from rxauth.domain import organization_settings
from rxauth.domain.sessions import Limits
from rxauth.edge.cookies import NAME
from rxauth.policy.assurance import FirstFactor
from tests.authenticator import Authenticator
from tests.browsing import Browser, form_with
from tests.live import Live
from tests.security.forging import READ
from tests.signing_in import Cast, answered
from tests.token_holders import Holders, refused
from tests.world import NOW

ALDER = "Alder Clinic"
BIRCH = "Birch Clinic"


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def rule(live: Live, **changes: Any) -> None:
    """Changes the rules of Alder Clinic."""
    alder, longest = live.world.alder.organization_id, Limits(3_600, 86_400)
    live.server.database.write(
        lambda tx: organization_settings.change(tx, alder, longest, live.clock.seconds(), **changes)
    )


def asked_for(browser: Browser, does: str) -> Any:
    """Returns what the page's script would ask an authenticator for."""
    found = re.search(rf'data-passkey="{does}" data-options="([^"]+)"', browser.page.text)
    assert found is not None, browser.page.text
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize(
    ("changes", "needs"),
    [
        ({"second_factor_required": True}, "second factor"),
        ({"sole_first_factor": FirstFactor.PASSKEY}, "passkey"),
        ({"session_lifetime_s": 300}, "too old"),
    ],
    ids=str,
)
def test_who_is_signed_in_with_less_is_asked_at_the_next_request(
    live: Live, changes: dict[str, Any], needs: str
) -> None:
    holders = Holders(live)
    user_id = holders.person()
    got = holders.tokens(user_id)
    live.clock.advance(301)
    assert live.graphql(got["access_token"], READ).status_code == 200

    rule(live, **changes)

    answer = live.graphql(got["access_token"], READ)
    assert answer.status_code == 401
    assert needs in answer.text
    refused(holders.refresh(got["refresh_token"]))


def test_rules_of_one_organization_are_not_those_of_another(live: Live) -> None:
    holders = Holders(live, live.world.birch.organization_id)
    got = holders.tokens()
    rule(live, second_factor_required=True, sole_first_factor=FirstFactor.PASSKEY, session_lifetime_s=300)
    live.clock.advance(301)
    assert live.graphql(got["access_token"], READ).status_code == 200


def test_who_proved_enough_goes_on(live: Live) -> None:
    holders = Holders(live)
    session, _ = holders.session(holders.person(), ("pwd", "pop", "user"))
    got = holders.redeemed(holders.code(session))
    rule(live, second_factor_required=True, sole_first_factor=FirstFactor.PASSKEY)
    assert live.graphql(got["access_token"], READ).status_code == 200
    assert holders.refresh(got["refresh_token"]).status_code == 200


def test_who_has_no_passkey_adds_one_and_signs_in_with_it_from_then_on(cast: Cast) -> None:
    rule(cast.live, sole_first_factor=FirstFactor.PASSKEY)
    browser, device = cast.browser(), Authenticator()
    browser.open(cast.request())
    cast.log_in(browser)
    assert browser.heading() == "Add a passkey"
    browser.submit(form=form_with(browser, "passkey"), passkey=device.create(asked_for(browser, "create")))
    assert browser.heading() == "Keep your recovery codes"
    browser.open(browser.forms()[0].action)
    assert "code" in answered(browser.page)

    other = cast.browser()
    other.open(cast.request(organization=ALDER))
    cast.log_in(other)
    assert other.heading() == "Confirm that it is you"  # the passkey is a second factor to the password
    other.submit(passkey=device.get(asked_for(other, "get")), act="passkey")
    assert "code" in answered(other.page)


def test_a_password_alone_leads_to_the_passkey_that_somebody_has(cast: Cast) -> None:
    """A recovery code stands in for a passkey as a second factor, and not as the first."""
    rule(cast.live, sole_first_factor=FirstFactor.PASSKEY)
    holders = Holders(cast.live)
    _, handle = holders.session(cast.ada.id, ("pwd",))
    device, browser = Authenticator(), cast.browser()
    browser.cookies[NAME] = handle
    browser.open("/account/security")
    browser.submit(form=form_with(browser, "passkey"), passkey=device.create(asked_for(browser, "create")), name="Mine")
    _, handle = holders.session(cast.ada.id, ("pwd", "rc"))
    browser.cookies[NAME] = handle

    browser.open(cast.request())

    assert browser.heading() == "Log in to continue to Alder App"
    assert "asks you to sign in with a passkey" in browser.page.text
    assert 'type="password"' not in browser.page.text
    browser.submit(passkey=device.get(asked_for(browser, "get")))
    assert "code" in answered(browser.page)


def test_an_authenticator_app_is_not_the_passkey_that_is_asked_for(cast: Cast) -> None:
    rule(cast.live, sole_first_factor=FirstFactor.PASSKEY)
    browser = cast.browser()
    browser.open(cast.request())
    cast.log_in(browser)
    form = browser.forms()[form_with(browser, "passkey")]
    assert "authenticator app" not in browser.page.text
    browser.send("POST", form.action, data=form.fields | {"act": "totp", "code": "123456"})
    assert browser.page.status_code == 422
    assert "asks for a passkey" in browser.page.text


def test_an_old_session_proves_itself_before_a_passkey_is_added(cast: Cast) -> None:
    """S-08."""
    browser = cast.signed_in()
    rule(cast.live, sole_first_factor=FirstFactor.PASSKEY)
    cast.live.clock.advance(700)
    browser.open(cast.request())
    assert browser.heading() == "Log in to continue to Alder App"
    cast.log_in(browser)
    assert browser.heading() == "Add a passkey"


def test_where_passkeys_are_not_allowed_a_password_is_asked_for(cast: Cast) -> None:
    rule(cast.live, sole_first_factor=FirstFactor.PASSWORD)
    _, handle = Holders(cast.live).session(cast.ada.id, ("pop", "user"))
    browser = cast.browser()
    browser.cookies[NAME] = handle
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "login_required"
    browser.open(cast.request())
    assert "Use a passkey" not in browser.page.text
    cast.log_in(browser)
    assert "code" in answered(browser.page)


def test_the_login_page_says_what_the_organization_asks_for(cast: Cast) -> None:
    alder = cast.live.world.alder.organization_id
    rule(cast.live, sole_first_factor=FirstFactor.PASSKEY)
    browser = cast.browser()
    browser.open(cast.request(organization=alder))
    assert f"{ALDER}</bdi> asks you to sign in with a passkey" in browser.page.text
    assert "No passkey yet?" in browser.page.text
    browser.open(cast.request())
    assert "asks you to sign in with a passkey" not in browser.page.text
    browser.open(cast.request(organization=BIRCH))
    assert BIRCH not in browser.page.text  # nobody learns from a name whether there is such an organization
    rule(cast.live, sole_first_factor=FirstFactor.PASSWORD)
    browser.open(cast.request(organization=alder))
    assert "passkey" not in browser.page.text.replace("passkeys.", "")


def test_a_second_factor_is_asked_for_at_the_next_sign_in(cast: Cast) -> None:
    browser = cast.signed_in()
    rule(cast.live, second_factor_required=True)
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "interaction_required"
    browser.open(cast.request())
    assert browser.heading() == "Set up a second factor"


def test_a_shorter_idle_time_holds_at_the_next_sign_in(cast: Cast) -> None:
    browser = cast.signed_in()
    cast.live.clock.advance(100)
    rule(cast.live, session_idle_s=60)
    assert answered(browser.open(cast.request(prompt="none")))["error"] == "login_required"
    assert cast.live.clock.seconds() == NOW + 100
