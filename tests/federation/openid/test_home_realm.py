"""An address says where its person signs in, and nothing about whether there is one."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from rxauth.domain import (
    connections,
    domain_acts,
    domains,
    emergency_access,
    failed_proofs,
    organization_settings,
    peoples_clients,
    sessions,
    users,
)
from rxauth.domain.client_urls import Registered
from rxauth.domain.clients import SPA
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.domain.sessions import LONGEST
from rxauth.policy.assurance import FirstFactor
from tests.browsing import Browser
from tests.federation.openid.conftest import BOTH, Clinic
from tests.people import PASSWORD, add_person
from tests.security.test_forced_sign_on import totp_of
from tests.signing_in import CALLBACK, answered
from tests.single_sign_on import BY
from tests.world import ISSUER, NOW


@pytest.fixture
def home(clinic: Clinic) -> Clinic:
    """A clinic whose domain leads to its provider."""

    def lead(tx):  # type: ignore[no-untyped-def]
        [domain] = domains.all_of(tx, clinic.alder)
        domains.lead_to(tx, domain, clinic.connection.id)

    clinic.write(lead)
    return clinic


def at_the_door(clinic: Clinic, **changes: str | None) -> Browser:
    """Returns a browser at the login page."""
    browser = clinic.cast.browser()
    browser.open(clinic.cast.request(**changes))
    return browser


def where(browser: Browser) -> str | None:
    """Returns where the page that comes between leads; None: it is another page."""
    found = re.search(r'<a class="button" href="([^"]+)"', browser.page.text)
    return found[1].replace("&amp;", "&") if found is not None and "Continue to" in browser.heading() else None


def test_an_address_of_the_domain_goes_to_its_provider_and_comes_back_signed_in(home: Clinic) -> None:
    home.upstream.present("uma")
    browser = at_the_door(home)
    assert "Leave it empty" in browser.page.text
    browser.submit(email="uma@Alder.Example", password="")
    url = where(browser)
    assert url is not None
    assert parse_qs(urlsplit(url).query)["login_hint"] == ["uma@Alder.Example"]
    assert "code" in answered(browser.open(home.upstream.answer(url, ISSUER)))


def test_what_the_page_does_depends_on_the_domain_alone(home: Clinic) -> None:
    """An account oracle would be an answer that differs between somebody who is there and somebody who is not."""
    home.write(lambda tx: add_person(tx, "uma@alder.example"))
    seen = {}
    for email in ("uma@alder.example", "nobody@alder.example", "ada@example.com", "nobody@example.com"):
        browser = at_the_door(home)
        browser.submit(email=email, password="")
        text = re.sub(r"(state|nonce|code_challenge)=[^&\"]+", "", browser.page.text)
        text = re.sub(r'/sign-in/\w+|value="[^"]+"|login_hint=[^&"]+|data-options="[^"]+"', "", text)
        seen[email] = (browser.page.status_code, text)
    assert seen["uma@alder.example"] == seen["nobody@alder.example"]
    assert seen["ada@example.com"] == seen["nobody@example.com"]
    assert seen["ada@example.com"] != seen["uma@alder.example"]


def test_a_password_beside_such_an_address_is_not_looked_at(home: Clinic) -> None:
    """It would be that of somebody else's server: it is neither judged nor counted."""
    uma = home.write(lambda tx: add_person(tx, "uma@alder.example"))
    for password in ("what the provider knows", PASSWORD):
        browser = at_the_door(home)
        browser.submit(email="uma@alder.example", password=password)
        assert where(browser) is not None
        assert password not in browser.page.text
    now = home.live.clock.seconds()
    assert home.read(lambda tx: failed_proofs.wait_s(tx, uma.id, now, is_known=False)) == 0


def test_whoever_wants_to_logs_in_with_a_password_here(home: Clinic) -> None:
    home.write(lambda tx: add_person(tx, "uma@alder.example"))
    browser = at_the_door(home)
    browser.open(f"{browser.forms()[0].action}?way=password")
    browser.submit(email="uma@alder.example", password="wrong")
    assert "do not open an account" in browser.page.text
    browser.submit(email="uma@alder.example", password=PASSWORD)
    assert "code" in answered(browser.page)


def test_others_are_asked_for_a_password_as_always(home: Clinic) -> None:
    browser = at_the_door(home)
    browser.submit(email="ada@example.com", password="")
    assert (browser.page.status_code, "Enter your password." in browser.page.text) == (422, True)
    assert 'value="ada@example.com"' in browser.page.text
    home.cast.log_in(browser)
    assert "code" in answered(browser.page)


def test_a_domain_leads_nowhere_that_the_client_does_not_serve_or_that_is_switched_off(home: Clinic) -> None:
    def fill(tx):  # type: ignore[no-untyped-def]
        birch = home.live.world.birch.organization_id
        mine = PeoplesClient("Birch App", SPA, Registered((CALLBACK,), ()))
        return peoples_clients.create_peoples_client(tx, birch, mine, NOW)[0]

    other = at_the_door(home, client_id=home.write(fill))
    assert "Leave it empty" not in other.page.text
    other.submit(email="uma@alder.example", password=PASSWORD)
    assert "do not open an account" in other.page.text

    home.write(lambda tx: connections.switch(tx, home.connection, NOW, on=False))
    browser = at_the_door(home)
    browser.submit(email="uma@alder.example", password=PASSWORD)
    assert "do not open an account" in browser.page.text


def test_who_came_before_is_refused_once_the_domain_is_verified_no_longer(home: Clinic) -> None:
    home.sign_in("uma")
    home.write(lambda tx: domains.remove(tx, domains.all_of(tx, home.alder)[0]))
    browser, answer = home.sign_in("uma")
    assert (answer.status_code, browser.heading()) == (403, "You could not be signed in")
    assert home.read(lambda tx: users.find_by_email(tx, "uma@alder.example")) is not None


@BOTH
def test_a_domain_that_is_gone_ends_the_sessions_of_its_own_people(home: Clinic) -> None:
    def people(tx):  # type: ignore[no-untyped-def]
        domains.verify(tx, domains.add(tx, home.alder, "elm.example", NOW), NOW)
        return [one for one in domains.all_of(tx, home.alder) if one.name == "elm.example"]

    [elm] = home.write(people)
    home.sign_in("uma")
    home.sign_in("vera", claims={"email": "vera@elm.example"})
    vera = home.read(lambda tx: users.find_by_email(tx, "vera@elm.example"))

    ended = home.write(lambda tx: domain_acts.remove(tx, elm, BY, NOW * 1_000_000))

    assert [one.user_id for one in ended] == [vera.id]
    assert home.read(lambda tx: sessions.of_user(tx, vera.id)) == []
    uma = home.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    assert len(home.read(lambda tx: sessions.of_user(tx, uma.id))) == 1


def test_where_everybody_must_use_it_the_page_offers_the_provider_and_a_password_leads_back_to_it(home: Clinic) -> None:
    def force(tx):  # type: ignore[no-untyped-def]
        totp_of(tx, home.cast.ben.id, home.live)
        emergency_access.name(tx, home.alder, [home.cast.ben.id], BY, NOW * 1_000_000)
        connections.note_proven(tx, home.connection, NOW)
        organization_settings.change(tx, home.alder, LONGEST, NOW, sole_first_factor=FirstFactor.CONNECTION)

    home.write(force)
    home.upstream.present("uma")
    browser = at_the_door(home, organization=home.alder)
    assert 'type="password"' not in browser.page.text
    action = browser.forms()[0].action
    browser.open(f"{action}?way=password")
    browser.submit(email="ada@example.com", password=PASSWORD)
    assert "Continue with" in browser.page.text
    browser.submit()
    url = where(browser)
    assert url is not None
    assert "code" in answered(browser.open(home.upstream.answer(url, ISSUER)))
