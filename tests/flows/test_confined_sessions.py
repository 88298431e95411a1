"""A session that an organization's identity provider vouched for: it opens that organization, and nothing else."""

from collections.abc import Iterator

import pytest

from rxauth.domain import memberships, sessions
from rxauth.domain.sessions import Proof
from tests.browsing import Browser
from tests.live import Live
from tests.signing_in import CALLBACK, Cast, answered, pkce


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def vouched(cast: Cast, *methods: str) -> Browser:
    """Returns a browser in which Ben, who works for two organizations, came from the provider of the second."""
    browser = cast.browser()
    birch = cast.live.world.birch.organization_id
    proof = Proof(cast.ben.id, methods or ("fed",), "192.0.2.1", "A browser", confined_to=birch)
    _, handle = cast.live.server.database.write(lambda tx: sessions.start(tx, proof, cast.live.clock.seconds()))
    browser.open("/account")
    [name] = browser.cookies
    browser.cookies[name] = handle
    return browser


def test_one_provider_does_not_open_the_person_s_other_organizations(cast: Cast) -> None:
    browser = vouched(cast)
    alder, birch = cast.live.world.alder.organization_id, cast.live.world.birch.organization_id
    assert "code" in answered(browser.open(cast.request())), "nothing is to be chosen"
    assert "code" in answered(browser.open(cast.request(organization=birch)))
    refused = answered(browser.open(cast.request(organization=alder)))
    assert refused["error"] == "access_denied"
    page = browser.open("/settings")
    assert "birch" in page.text.casefold()
    assert "alder clinic" not in page.text.casefold()


def test_a_membership_that_ended_leaves_nothing_and_no_token_without_an_organization(cast: Cast) -> None:
    browser = vouched(cast)
    birch = cast.live.world.birch.organization_id
    cast.live.server.database.write(lambda tx: memberships.remove(tx, birch, cast.ben.id, cast.live.clock.seconds()))
    refused = answered(browser.open(cast.request()))
    assert refused["error"] == "access_denied"


def test_a_password_opens_the_others_in_a_session_of_its_own(cast: Cast) -> None:
    browser = vouched(cast)
    [before] = browser.cookies.values()
    browser.open(cast.request(prompt="login"))
    cast.log_in(browser, "ben@example.com")
    assert browser.heading() == "Choose an organization"
    assert "code" in answered(browser.submit(press=cast.live.world.alder.organization_id))
    live = cast.live.server.database.read(lambda tx: sessions.of_user(tx, cast.ben.id))
    assert [one.confined_to for one in live] == [None], "the one from before has ended"
    assert before not in browser.cookies.values()


def test_a_token_of_what_it_opens_is_renewed(cast: Cast) -> None:
    pair = pkce()
    browser = vouched(cast)
    code = answered(browser.open(cast.request(challenge=pair.challenge)))["code"]
    form = {"client_id": cast.client_id, "redirect_uri": CALLBACK}
    exchanged = browser.http.post(
        browser.url + "/oauth/token",
        data=form | {"grant_type": "authorization_code", "code": code, "code_verifier": pair.verifier},
    ).json()
    asked = form | {"grant_type": "refresh_token", "refresh_token": exchanged["refresh_token"]}
    assert browser.http.post(browser.url + "/oauth/token", data=asked).status_code == 200
