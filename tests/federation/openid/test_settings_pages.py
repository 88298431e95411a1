"""An administrator connects a provider that nobody here wrote, tries it on the page, and people sign in with it."""

import html
from collections.abc import Iterator

import pytest

from rxauth.domain.connection_urls import urls_of
from rxauth.edge.cookies import NAME
from rxauth.edge.settings.connection_new import PATH
from rxauth.policy.roles import Role
from tests.browsing import Browser, form_with
from tests.federation.desk import desk_at
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.conftest import PAGE_NAME, Clinic
from tests.federation.openid.test_signing_in import roles
from tests.signing_in import answered
from tests.token_holders import Holders
from tests.world import ISSUER, StandingClock

GIVEN = {"client_id": "rxauth-page", "secret": upstreams.SECRET, "display_name": "Alder's own"}


@pytest.fixture
def desk(clinic: Clinic) -> Iterator[Browser]:
    """The browser of an administrator who proved two factors a moment ago."""
    with desk_at(clinic.live) as browser:
        yield browser


def do(browser: Browser, act: str, **fields: str) -> str:
    """Sends the form of an act; returns the text of the page that comes next."""
    return html.unescape(browser.submit(form_with(browser, act), **fields).text)


def added(desk: Browser, clinic: Clinic, **changes: str) -> str:
    """Adds the connection on its page; returns the path of its own page."""
    desk.open(f"{PATH}/new/openid?name={PAGE_NAME}")
    assert urls_of(ISSUER, PAGE_NAME).callback in desk.page.text
    text = do(desk, "add_openid", **GIVEN | {"issuer": clinic.upstream.issuer} | changes)
    assert "The connection was added." in text, text
    return desk.page.url.path


def tried(desk: Browser, clinic: Clinic, path: str, subject: str | None, **claims: object) -> str:
    """Tries the connection as somebody; returns the text of the page that shows what came of it."""
    clinic.upstream.present(subject, **claims)
    desk.open(f"{path}/trial")
    page = do(desk, "try_connection")
    assert "Your organization signs in there." in page, page
    way = page.partition("0;url=")[2].partition('">')[0]
    return html.unescape(desk.open(clinic.upstream.answer(way, ISSUER)).text)


def test_an_administrator_connects_a_provider_tries_it_and_somebody_signs_in(desk: Browser, clinic: Clinic) -> None:
    path = added(desk, clinic)
    text = tried(desk, clinic, path, "uma", groups=["nurses"], amr=["pwd", "mfa"])
    assert "let in" not in text
    assert "only members and invited people may come through this connection" in text.casefold()
    assert "Invite the person, or let everybody in" in text
    assert desk.page.headers["cache-control"] == "no-store"
    assert not roles(clinic)

    desk.open(f"{path}/change")
    do(desk, "change_connection", joining="just_in_time", scopes="openid email profile")
    desk.open(f"{path}/claims")
    do(desk, "connection_claims", groups="groups")
    desk.open(f"{path}/groups")
    assert "The claims" not in do(desk, "connection_groups", rol_support="nurses\n porters ")
    desk.open(f"{path}/factors")
    assert "was changed" in do(desk, "connection_factors", second_factor="mfa\nhwk")
    text = tried(desk, clinic, path, "uma", groups=["nurses"], amr=["pwd", "mfa"])
    assert "let in" in text
    assert "uma@alder.example" in text
    assert "Support" in text
    assert "proven there" in text
    assert not roles(clinic)
    _, answer = clinic.sign_in("uma", claims={"groups": ["nurses"]}, connection=PAGE_NAME)
    assert "code" in answered(answer)
    assert roles(clinic) == {Role.SUPPORT}

    desk.open(f"{path}/secret")
    do(desk, "connection_secret", secret="not the one")
    text = tried(desk, clinic, path, "uma")
    assert "the provider gave no id token" in text.casefold()
    assert "Enter another secret" in text
    text = tried(desk, clinic, path, None)
    assert "the provider refused the sign-in" in text.casefold()
    desk.open(path)
    assert "nobody signs in with it" in do(desk, "connection_off").casefold()
    desk.open(f"{path}/remove")
    assert "1 person came through it." in desk.page.text
    assert "The connection was removed." in do(desk, "remove_connection")


def test_what_a_trial_shows_only_whoever_tried_sees_and_not_for_long(desk: Browser, clinic: Clinic) -> None:
    path = added(desk, clinic)
    tried(desk, clinic, path, "uma")
    shown = f"{desk.page.url.path}?{desk.page.url.query.decode()}"
    holders = Holders(clinic.live)
    holders._people = 40
    _, handle = holders.session(holders.person(Role.ADMINISTRATOR), ("pwd", "otp"))
    other = Browser(clinic.live.url, ISSUER)
    other.cookies[NAME] = handle
    assert "uma@alder.example" not in other.open(shown).text
    other.close()
    assert "uma@alder.example" in desk.open(shown).text
    clock = clinic.live.clock
    assert isinstance(clock, StandingClock)
    clock.advance(1_801)
    assert "uma@alder.example" not in desk.open(shown).text


@pytest.mark.parametrize(
    ("kind", "fields", "place", "words"),
    [
        ("openid", {"issuer": "http://127.0.0.1:9"}, "issuer", "Nobody answered at http://127.0.0.1:9/.well-known"),
        ("openid", {"issuer": "http://10.0.0.1"}, "issuer", "at a private address"),
        ("openid", {"issuer": "nonsense"}, "issuer", "An issuer is an address"),
        ("saml", {}, "metadata_url", "or paste the metadata themselves"),
        ("saml", {"metadata_url": "http://127.0.0.1:9/"}, "metadata_url", "Nobody answered at this URL."),
        ("saml", {"metadata_url": "http://10.0.0.1/"}, "metadata_url", "private address"),
        ("saml", {"metadata": "<a/>"}, "metadata", "IDPSSODescriptor"),
    ],
)
def test_a_slip_shows_at_once_beside_its_field(
    desk: Browser, kind: str, fields: dict[str, str], place: str, words: str
) -> None:
    desk.open(f"{PATH}/new/{kind}")
    text = do(desk, f"add_{kind}", **GIVEN | fields)
    assert desk.page.status_code == 422
    assert f'href="#{place}"' in text
    assert words in text
    assert upstreams.SECRET not in text


def test_an_issuer_that_calls_itself_otherwise_is_said_how(desk: Browser, clinic: Clinic) -> None:
    desk.open(f"{PATH}/new/openid")
    text = do(desk, "add_openid", **GIVEN, issuer=f"{clinic.upstream.issuer}/")
    assert f"The provider calls itself {clinic.upstream.issuer}: enter exactly this as the issuer." in text


def test_a_url_that_is_no_metadata_is_said_so(desk: Browser, clinic: Clinic) -> None:
    desk.open(f"{PATH}/new/saml")
    text = do(desk, "add_saml", **GIVEN, metadata_url=f"{clinic.upstream.issuer}/nowhere")
    assert "This URL answered 404." in text
    text = do(desk, "add_saml", metadata_url=f"{clinic.upstream.issuer}/.well-known/openid-configuration")
    assert 'href="#metadata"' in text
