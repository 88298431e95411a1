"""An administrator connects a SAML provider that nobody here wrote, on the pages: tries it, and people sign in."""

import html
import re
from collections.abc import Iterator

import pytest

from rxauth.domain.connection_urls import urls_of
from rxauth.edge.settings.connection_new import PATH
from rxauth.policy.roles import Role
from tests.browsing import Browser, form_with
from tests.federation.desk import desk_at
from tests.federation.saml.conftest import Clinic
from tests.federation.saml.issuing import OUR_KEY
from tests.federation.saml.test_signing_in import roles
from tests.signing_in import answered
from tests.world import ISSUER

PAGE_NAME = "alder-page"
URLS = urls_of(ISSUER, PAGE_NAME)
LEAVING = "Your organization signs in there."


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The pages ask the API, which is tried on both."""
    return str(request.param)


@pytest.fixture
def desk(clinic: Clinic) -> Iterator[Browser]:
    """The browser of an administrator who proved two factors a moment ago."""
    with desk_at(clinic.live) as browser:
        yield browser
    clinic.upstream.know(metadata(clinic, clinic.connection.name))


def metadata(clinic: Clinic, name: str = PAGE_NAME) -> bytes:
    """Returns our metadata, as the provider reads them."""
    return clinic.live.http.get(f"/sso/{name}/metadata").content


def do(browser: Browser, act: str, **fields: str) -> str:
    """Sends the form of an act; returns the text of the page that comes next."""
    return html.unescape(browser.submit(form_with(browser, act), **fields).text)


def way_of(page: str) -> str:
    """Returns where a page leads that stands between this server and the provider."""
    assert LEAVING in page, page
    return page.partition("0;url=")[2].partition('">')[0]


def come_back(desk: Browser, clinic: Clinic, way: str) -> str:
    """Walks an administrator's browser through the provider; returns the text of the page that it ends on."""
    answer = clinic.post(clinic.upstream.answer(way), name=PAGE_NAME)
    return html.unescape(desk.open(answer.headers["location"]).text)


def added(desk: Browser, clinic: Clinic, **given: str) -> str:
    """Adds the connection on its page, and hands the provider our metadata; returns the path of its own page."""
    desk.open(f"{PATH}/new/saml?name={PAGE_NAME}")
    assert all(url in desk.page.text for url in (URLS.entity_id, URLS.assertion_consumer, URLS.single_logout))
    text = do(desk, "add_saml", display_name="Alder's own", joining="just_in_time", **given)
    assert "The connection was added." in text, text
    path = desk.page.url.path
    desk.open(f"{path}/claims")
    do(desk, "connection_claims", groups="groups")
    desk.open(f"{path}/groups")
    do(desk, "connection_groups", rol_support="nurses")
    clinic.upstream.know(metadata(clinic))
    clinic.upstream.present("uma", groups=["nurses", "porters"])
    return path


def test_an_administrator_connects_a_provider_by_its_url_tries_it_and_somebody_signs_in(
    desk: Browser, clinic: Clinic
) -> None:
    path = added(desk, clinic, metadata_url=f"{clinic.upstream.base}/metadata")
    assert clinic.upstream.key.certificate.fingerprint[:8] in desk.open(f"{path}/certificates").text
    desk.open(path)
    assert "nobody signs in with it" in do(desk, "connection_off").casefold()
    desk.open(f"{path}/trial")
    text = come_back(desk, clinic, way_of(do(desk, "try_connection")))
    shown = (
        "is switched off",
        "uma@alder.example",
        "NameID",
        "nurses, porters",
        "AuthnContextClassRef",
        "PasswordProtected",
    )
    for words in shown:
        assert words in re.sub(r"<[^>]*>", "", text), text
    assert roles(clinic) == set()
    desk.open(path)
    assert "People can sign in with it again." in do(desk, "connection_on")
    desk.open(f"{path}/trial")
    assert "let in" in come_back(desk, clinic, way_of(do(desk, "try_connection")))
    browser, way = clinic.leave(connection=PAGE_NAME)
    answer = clinic.post(clinic.upstream.answer(way), name=PAGE_NAME)
    assert "code" in answered(browser.open(answer.headers["location"]))
    assert roles(clinic) == {Role.SUPPORT}


def test_our_certificate_is_changed_in_three_steps_and_nobody_is_kept_out(desk: Browser, clinic: Clinic) -> None:
    path = added(desk, clinic, metadata=clinic.upstream.metadata())
    own, before = f"{path}/own-certificate", metadata(clinic)
    desk.open(own)
    assert "Now give it to the provider." in do(desk, "publish_own")
    assert metadata(clinic).count(b'use="signing"') == 2
    refused = clinic.upstream.http.get(way_of(do(desk, "try_next")))
    assert refused.status_code == 400, refused.text
    _, way = clinic.leave(connection=PAGE_NAME)
    assert clinic.upstream.answer(way)
    clinic.upstream.know(metadata(clinic), place=1)
    clinic.upstream.present("uma", groups=["nurses"])
    desk.open(own)
    assert "let in" in come_back(desk, clinic, way_of(do(desk, "try_next")))
    desk.open(f"{own}/use")
    assert "Nobody signs in through this connection yet." in desk.page.text
    assert "This server signs with the new certificate." in do(desk, "use_own")
    assert "The one before" in desk.page.text
    browser, way = clinic.leave(connection=PAGE_NAME)
    answer = clinic.post(clinic.upstream.answer(way), name=PAGE_NAME)
    assert "code" in answered(browser.open(answer.headers["location"]))
    assert metadata(clinic) != before


def test_a_stale_page_puts_no_certificate_to_use(desk: Browser, clinic: Clinic) -> None:
    path = added(desk, clinic, metadata=clinic.upstream.metadata())
    desk.open(f"{path}/own-certificate")
    do(desk, "publish_own")
    desk.open(f"{path}/own-certificate/use")
    other = Browser(clinic.live.url, ISSUER)
    other.cookies = desk.cookies
    other.open(f"{path}/own-certificate")
    assert "taken back" in do(other, "withdraw_own")
    do(other, "publish_own")
    other.close()
    assert "Somebody changed this since you opened it." in do(desk, "use_own")
    assert "This server signs" not in desk.open(f"{path}/own-certificate").text


def test_metadata_that_are_read_anew_show_what_would_change_and_only_that_is_taken(
    desk: Browser, clinic: Clinic
) -> None:
    theirs = clinic.upstream.metadata()
    path = f"{added(desk, clinic, metadata=theirs)}/certificates"
    other = theirs.replace(clinic.upstream.key.certificate.base64, OUR_KEY.certificate.base64)
    desk.open(path)
    text = re.sub(r"<[^>]*>", "", do(desk, "look_at_metadata", metadata=other))
    assert f"new {OUR_KEY.certificate.fingerprint}" in text
    assert f"goes {clinic.upstream.key.certificate.fingerprint}" in text
    assert "not the metadata that you looked at" in do(desk, "saml_metadata", metadata=theirs)
    assert OUR_KEY.certificate.fingerprint not in desk.open(path).text
    do(desk, "look_at_metadata", metadata=other)
    assert "The metadata were taken." in do(desk, "saml_metadata")
    assert OUR_KEY.certificate.fingerprint in desk.page.text
    assert "Nobody answered" in do(desk, "look_at_metadata", metadata_url="http://127.0.0.1:9/")
