"""The whole walk in Chromium: an administrator connects a provider, tries it with the button, and a person signs in.

Once more with the keyboard alone, in a browser that runs no JavaScript.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect

from rxauth.domain import domains
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.webhooks import Keeper
from rxauth.edge.cookies import NAME
from rxauth.edge.openid_providers import OpenIdProviders
from rxauth.edge.outbound import Outbound
from rxauth.edge.settings.connection_new import PATH
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_pages import violations
from tests.conftest import make_world
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.conftest import LOOPBACK
from tests.federation.openid.upstream import Upstream
from tests.live import Live, at_its_issuer
from tests.signing_in import CALLBACK, Cast
from tests.token_holders import Holders
from tests.world import Template

CONNECTION, BY_KEYS = "alder-clinic-openid", "alder-clinic-keys"


@pytest.fixture(scope="module")
def live(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that may call this machine, for an organization whose domain is verified."""
    running = at_its_issuer(make_world("sqlite", templates, tmp_path_factory))
    edge, clock = running.edge, running.clock
    edge.api.keeper = Keeper(running.server.sealing_key, LOOPBACK)
    edge.openid_providers = OpenIdProviders(Outbound(LOOPBACK), LOOPBACK, clock)

    def work(tx: Transaction) -> None:
        now = clock.seconds()
        domains.verify(tx, domains.add(tx, running.world.alder.organization_id, "alder.example", now), now)

    running.server.database.write(work)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def provider(live: Live) -> Iterator[Upstream]:
    """A provider at which the connections' addresses were entered."""
    names = {"rxauth": CONNECTION, "rxauth-keys": BY_KEYS}
    known = [upstreams.client(one, urls_of(live.server.issuer, name).callback) for one, name in names.items()]
    started = upstreams.start(*known)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def handle(live: Live) -> str:
    """The session of an administrator who proved two factors a moment ago."""
    holders = Holders(live)
    return holders.session(holders.person(Role.ADMINISTRATOR), ("pwd", "otp"))[1]


def desk(browser: Browser, live: Live, handle: str, **options: Any) -> Page:
    """Returns a page of the administrator."""
    context = browser.new_context(base_url=live.server.issuer, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE_MS)
    host = {"name": NAME, "value": handle, "domain": "localhost", "path": "/", "secure": True, "httpOnly": True}
    context.add_cookies([host])  # type: ignore[list-item]
    return context.new_page()


def test_an_administrator_connects_a_provider_and_a_person_signs_in(
    browser: Browser, live: Live, provider: Upstream, handle: str
) -> None:
    provider.present("uma", groups=["nurses"], amr=["pwd", "mfa"])
    page = desk(browser, live, handle)
    page.goto(PATH.removeprefix("/"))
    page.get_by_role("link", name="Another OpenID provider").click()
    page.get_by_label("Name", exact=True).fill(CONNECTION)
    page.get_by_role("button", name="Use this name").click()
    expect(page.locator("#callback")).to_have_text(urls_of(live.server.issuer, CONNECTION).callback)
    page.get_by_label("Issuer").fill(provider.issuer)
    page.get_by_label("Client ID").fill("rxauth")
    page.get_by_label("Client secret").fill(upstreams.SECRET)
    page.get_by_label("Everybody whom the provider vouches for").check()
    page.get_by_role("button", name="Add the connection").click()
    expect(page.get_by_text("The connection was added.")).to_be_visible()

    page.get_by_role("link", name="Change what groups give").click()
    page.get_by_role("group", name="Everybody who comes through is").get_by_label("Support").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Try it").click()
    page.get_by_role("button", name="Try it now").click()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    expect(page.locator("#outcome")).to_contain_text("let in")
    expect(page.get_by_text("uma@alder.example").first).to_be_visible()
    assert violations(page) == []
    page.context.close()

    cast = Cast(live)
    person = browser.new_context().new_page()
    person.set_default_timeout(PATIENCE_MS)
    # Nobody listens there: what counts is where the browser is sent.
    with person.expect_request(f"{CALLBACK}?*") as asked, suppress(Error):
        person.goto(live.server.issuer.rstrip("/") + cast.request(connection=CONNECTION, audience=live.server.audience))
    assert "code=" in asked.value.url
    person.context.close()
    cast.close()


def press(page: Page, target: Locator, keys: str) -> None:
    """Tabs to something, sees that the focus shows, and presses a key or types a text."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            break
    expect(target).to_be_focused()
    expect(target).to_have_css("outline-style", "solid")
    page.keyboard.press(keys) if keys in {"Enter", "Space"} else page.keyboard.insert_text(keys)


def test_the_keyboard_alone_connects_a_provider_without_javascript_and_tries_it(
    browser: Browser, live: Live, provider: Upstream, handle: str
) -> None:
    provider.present("ida", amr=["pwd", "mfa"])
    page = desk(browser, live, handle, java_script_enabled=False)
    page.goto(PATH.removeprefix("/"))
    press(page, page.get_by_role("link", name="Skip to the content"), "Enter")
    press(page, page.get_by_role("link", name="Another OpenID provider"), "Enter")
    press(page, page.get_by_label("Name", exact=True), BY_KEYS)
    page.keyboard.press("Enter")
    expect(page.locator("#callback")).to_have_text(urls_of(live.server.issuer, BY_KEYS).callback)
    press(page, page.get_by_label("Issuer"), f"{provider.issuer}/")
    press(page, page.get_by_label("Client ID"), "rxauth-keys")
    press(page, page.get_by_label("Client secret"), upstreams.SECRET)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    press(page, page.get_by_role("alert").get_by_role("link"), "Enter")
    expect(page.get_by_label("Issuer")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    press(page, page.get_by_label("Client secret"), upstreams.SECRET)
    press(page, page.get_by_role("button", name="Add the connection"), "Enter")
    expect(page.get_by_text("The connection was added.")).to_be_visible()
    press(page, page.get_by_role("link", name="Try it"), "Enter")
    press(page, page.get_by_role("button", name="Try it now"), "Space")
    expect(page.locator("#outcome")).to_contain_text("refused")
    expect(page.locator("#outcome")).to_contain_text("Invite the person")
    page.context.close()
