"""The organization's settings pages: what each form changes, who may, and what becomes of bad input."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from rxauth.domain import memberships, organizations
from rxauth.domain.organizations import Organization
from rxauth.edge.cookies import NAME
from rxauth.edge.settings import organization_branding, organization_rules
from rxauth.policy.assurance import FirstFactor
from rxauth.policy.roles import Role
from tests.browsing import Browser, form_with
from tests.live import Live
from tests.pictures import JPEG, PNG
from tests.signing_in import Cast
from tests.token_holders import Holders
from tests.world import NOW

PAGE = "/settings/organization"
CONTACT = f"{PAGE}/contact"
EDITED = [CONTACT, *(one.path for one in (*organization_rules.SECTIONS, *organization_branding.SECTIONS))]
HOSTILE = '<script>alert(1)</script>"&\u202e'


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def at(cast: Cast, path: str = PAGE, *methods: str) -> Browser:
    """Returns a browser in which Ada, of the staff, opened a page; she proved two factors a moment ago, or these."""
    _, handle = Holders(cast.live).session(cast.ada.id, methods or ("pwd", "otp"))
    browser = cast.browser()
    browser.cookies[NAME] = handle
    browser.open(path)
    return browser


def alder(cast: Cast) -> Organization:
    """Returns the organization as it is now."""
    database, identifier = cast.live.server.database, cast.live.world.alder.organization_id
    found = database.read(lambda tx: organizations.find(tx, identifier))
    assert found is not None
    return found


def submitted(browser: Browser, act: str, **fields: str) -> int:
    """Sends a form of the page; returns the status of the answer."""
    return browser.submit(form=form_with(browser, act), **fields).status_code


def test_only_what_was_changed_in_the_form_is_changed(cast: Cast) -> None:
    browser = at(cast, CONTACT)
    address = {"street1": "1 Main Street", "city": "Albany", "state": "NY", "postal_code": "12207", "country": "US"}
    assert submitted(browser, "organization", npi="1245319599", phone="(212) 555-0100", **address) == 200
    one = alder(cast)
    assert (one.name, one.npi, one.phone, one.email) == ("Alder Clinic", "1245319599", "+12125550100", None)
    assert one.address is not None
    assert (one.address.street1, one.address.street2, one.address.postal_code) == ("1 Main Street", None, "12207")
    assert browser.heading() == "Organization"
    assert "The organization was changed." in browser.page.text
    assert "1 Main Street, Albany, NY 12207, US" in browser.page.text

    browser.open(CONTACT)
    fields = browser.forms()[form_with(browser, "organization")].fields
    assert (fields["phone"], fields["city"]) == ("+12125550100", "Albany")
    submitted(browser, "organization", npi="", **dict.fromkeys(address, ""))
    one = alder(cast)
    assert (one.npi, one.address, one.phone) == (None, None, "+12125550100")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": ""}, "name"),
        ({"npi": "1245319598"}, "npi"),
        ({"email": "nobody"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"street1": "1 Main Street", "city": ""}, "city"),
        ({"street1": "", "city": "Albany", "state": "NY", "postal_code": "12207"}, "street1"),
        ({"street1": "x" * 10_000, "city": "a", "state": "NY", "postal_code": "1"}, "street1"),
        ({"street1": "1 Main Street", "city": "a", "state": "NY", "postal_code": ""}, "postal_code"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_beside_its_field_and_stays_typed(cast: Cast, fields: dict[str, str], place: str) -> None:
    browser = at(cast, CONTACT)
    before = alder(cast)
    assert submitted(browser, "organization", fax="+12125550101", **fields) == 422
    assert f'<a href="#{place}">' in browser.page.text
    kept = browser.forms()[form_with(browser, "organization")].fields
    assert kept["fax"] == "+12125550101"
    assert all(kept[name] == value for name, value in fields.items())
    assert alder(cast) == before


def test_names_of_markup_stay_texts_on_every_page(cast: Cast) -> None:
    browser = at(cast, CONTACT)
    submitted(browser, "organization", name=HOSTILE, street1=HOSTILE, city=HOSTILE, state=HOSTILE, postal_code="1")
    assert alder(cast).name == HOSTILE
    for path in (PAGE, *EDITED):
        browser.open(path)
        assert browser.page.status_code == 200
        assert "<script>alert" not in browser.page.text


def test_who_may_read_sees_no_form_and_who_could(cast: Cast) -> None:
    identifier, ada = cast.live.world.alder.organization_id, cast.ada.id
    cast.live.server.database.write(lambda tx: memberships.set_roles(tx, identifier, ada, [Role.SUPPORT], NOW))
    browser = at(cast)
    assert (browser.page.status_code, browser.forms()) == (200, [])
    assert "Administrators and Staff can change this." in browser.page.text
    assert not [path for path in EDITED if path in browser.page.text]
    for path in EDITED:
        browser.open(path)
        assert browser.page.status_code == 403
        assert "manage:organization" in browser.page.text


@pytest.mark.parametrize("path", [one.path for one in organization_rules.SECTIONS])
def test_who_changes_how_people_sign_in_proves_two_factors_first(cast: Cast, path: str) -> None:
    browser = at(cast, path, "pwd")
    assert browser.heading() == "Set up a second factor"
    cast.live.clock.advance(151)
    browser = at(cast, path)
    assert browser.page.url.path == path
    cast.live.clock.advance(151)
    browser.open(path)
    assert browser.heading().startswith("Log in")


def test_sign_in_rules_are_changed_and_bad_ones_named(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/sign-in")
    sent = {"first_factors": "passkey", "email_domains": "alder.example\r\n @Birch.example\r\n\r\n"}
    assert submitted(browser, "sign_in_rules", **sent | {"email_domains": "alder\nbirch.example"}) == 422
    assert '<a href="#email_domains">' in browser.page.text
    assert "birch.example</textarea>" in browser.page.text
    assert re.search(r'value="passkey" checked', browser.page.text)
    submitted(browser, "sign_in_rules", **sent)
    one = alder(cast)
    assert (one.sole_first_factor, one.email_domains) == (FirstFactor.PASSKEY, ("alder.example", "birch.example"))
    assert browser.heading() == "Add a passkey"  # it holds for who changed it, too

    other = at(cast, f"{PAGE}/sign-in", "pop", "user")
    assert submitted(other, "sign_in_rules", first_factors="retina") == 422
    assert "Choose one of these ways." in other.page.text
    assert submitted(other, "sign_in_rules", first_factors="any", email_domains="") == 200
    one = alder(cast)
    assert (one.sole_first_factor, one.email_domains) == (None, ())


def test_requiring_a_second_factor_says_whom_it_touches_and_asks_once(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/second-factors")
    assert browser.heading() == "Require a second factor?"
    assert "2 of 2 members have no second factor yet." in browser.page.text
    submitted(browser, "second_factor_on")
    assert "A second factor is required of everybody now." in browser.page.text
    assert alder(cast).second_factor_required
    assert "2 of 2 members have none yet, and set one up at the next sign-in." in browser.page.text

    browser.open(f"{PAGE}/second-factors")
    assert browser.heading() == "Stop requiring a second factor?"
    submitted(browser, "second_factor_off")
    assert not alder(cast).second_factor_required


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"session_idle_seconds": "61"}, "session_idle_seconds"),
        ({"session_idle_seconds": "0"}, "session_idle_seconds"),
        ({"session_idle_seconds": "-5"}, "session_idle_seconds"),
        ({"session_idle_seconds": "\u0663"}, "session_idle_seconds"),
        ({"session_idle_seconds": "1e1"}, "session_idle_seconds"),
        ({"session_lifetime_seconds": "4"}, "session_lifetime_seconds"),
        ({"session_lifetime_seconds": "9" * 30}, "session_lifetime_seconds"),
    ],
    ids=str,
)
def test_a_time_that_no_session_has_is_named(cast: Cast, fields: dict[str, str], place: str) -> None:
    browser = at(cast, f"{PAGE}/sessions")
    assert submitted(browser, "session_limits", **fields) == 422
    assert f'<a href="#{place}">' in browser.page.text
    assert alder(cast).session_idle_s is alder(cast).session_lifetime_s is None


def test_session_limits_are_changed_in_minutes_and_seconds_are_not_lost(cast: Cast) -> None:
    identifier, database = cast.live.world.alder.organization_id, cast.live.server.database
    database.write(lambda tx: organizations.limit_sessions(tx, identifier, NOW, idle_s=90, lifetime_s=None))
    browser = at(cast, f"{PAGE}/sessions")
    submitted(browser, "session_limits", session_lifetime_seconds="480")
    assert (alder(cast).session_idle_s, alder(cast).session_lifetime_s) == (90, 28_800)
    assert "signed out after 8 hours" in browser.page.text
    browser.open(f"{PAGE}/sessions")
    submitted(browser, "session_limits", session_idle_seconds="", session_lifetime_seconds="")
    assert (alder(cast).session_idle_s, alder(cast).session_lifetime_s) == (None, None)


def test_rules_for_providers_are_changed(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/provider-rules")
    sent = {"solo": "yes", "home_state": "NY", "signing_max_age_seconds": "10"}
    assert submitted(browser, "provider_rules", **sent | {"signing_max_age_seconds": "1441"}) == 422
    assert '<a href="#signing_max_age_seconds">' in browser.page.text
    assert re.search(r'name="solo" value="yes" checked', browser.page.text)
    assert submitted(browser, "provider_rules", **sent | {"home_state": "ZZ"}) == 422
    submitted(browser, "provider_rules", **sent)
    one = alder(cast)
    assert (one.solo_authority, one.home_state, one.signing_max_age_s) == (True, "NY", 600)
    assert "count as patients in NY" in browser.page.text


def test_of_two_at_the_same_rules_the_second_is_told_and_nothing_typed_is_lost(cast: Cast) -> None:
    first, second = at(cast, f"{PAGE}/sessions"), at(cast, f"{PAGE}/sessions")
    submitted(first, "session_limits", session_idle_seconds="15")
    assert submitted(second, "session_limits", session_lifetime_seconds="480") == 409
    assert "Somebody changed this" in second.page.text
    assert second.forms()[form_with(second, "session_limits")].fields["session_lifetime_seconds"] == "480"
    assert alder(cast).session_lifetime_s is None
    submitted(second, "session_limits")
    assert (alder(cast).session_idle_s, alder(cast).session_lifetime_s) == (900, 28_800)


def test_a_colour_is_changed_shown_and_judged(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/branding")
    assert submitted(browser, "accent", accent_color="purple") == 422
    assert '<a href="#accent_color">' in browser.page.text
    submitted(browser, "accent", accent_color="#7C1FA0")
    assert alder(cast).accent_color == "#7c1fa0"
    assert "it can be read, and is used" in browser.page.text
    assert "so the usual colour stays" in browser.page.text
    assert browser.page.text.count('fill="#7c1fa0"') == 2
    submitted(browser, "accent", accent_color="")
    assert alder(cast).accent_color is None


def upload(browser: Browser, name: str, content: bytes) -> int:
    """Sends a file as the logo; returns the status of the answer."""
    return browser.submit(form=form_with(browser, "logo"), files={"logo": (name, content, "text/html")}).status_code


def test_a_logo_is_uploaded_shown_replaced_and_removed(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/branding")
    for content, kind in ((PNG, "png"), (JPEG, "jpg")):
        assert upload(browser, '../../evil".svg', content) == 200
        logo = alder(cast).logo
        assert logo is not None
        assert logo.endswith(f".{kind}")
        assert browser.page.text.count(f"/branding/{cast.live.world.alder.organization_id}/{logo}") == 3
    submitted(browser, "logo_remove")
    assert (alder(cast).logo, browser.page.text.count("/branding/org_")) == (None, 0)


NO_LOGO: dict[str, Any] = {
    "nothing": b"",
    "an SVG": b"<svg onload='alert(1)'/>",
    "a web page": b"<!doctype html><script>alert(1)</script>",
    "100 kB": PNG + bytes(100_000),
}


@pytest.mark.parametrize("name", NO_LOGO)
def test_what_is_no_logo_is_named_beside_its_field(cast: Cast, name: str) -> None:
    browser = at(cast, f"{PAGE}/branding")
    assert upload(browser, "logo.png", NO_LOGO[name]) == 422
    assert '<a href="#logo">' in browser.page.text
    assert alder(cast).logo is None


def test_ten_megabytes_are_refused_unread(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/branding")
    assert upload(browser, "logo.png", PNG + bytes(10_000_000)) == 413
    assert alder(cast).logo is None


def test_an_upload_of_a_foreign_page_does_nothing(cast: Cast) -> None:
    browser = at(cast, f"{PAGE}/branding")
    fields = browser.forms()[form_with(browser, "logo")].fields
    for changes, headers in (({"csrf": "x"}, {}), ({}, {"sec-fetch-site": "cross-site"})):
        answer = browser.send(
            "POST", f"{PAGE}/branding", data=fields | changes, files={"logo": ("a.png", PNG)}, headers=headers
        )
        assert answer.status_code == 403
    assert alder(cast).logo is None


def test_the_profile_is_a_page_of_the_account(cast: Cast) -> None:
    browser = at(cast, "/settings/profile")
    assert (browser.page.url.path, browser.heading()) == ("/account", "Profile")
    assert '<a href="/settings/organization"' in browser.page.text
