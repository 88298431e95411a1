"""People sign in: from the client to the pages and back, in one browser, over HTTP."""

from collections.abc import Iterator

import pytest

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
