"""The whole walk in Chromium: an administrator connects a provider, tries it with the button, and a person signs in."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Error, Page, expect

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

CONNECTION = "alder-clinic-openid"


@pytest.fixture
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


@pytest.fixture
def provider(live: Live) -> Iterator[Upstream]:
    """A provider at which the connection's addresses were entered."""
    callback = urls_of(live.server.issuer, CONNECTION).callback
    started = upstreams.start(upstreams.client("rxauth", callback))
    yield started
    started.stop()


def desk(browser: Browser, live: Live) -> Page:
    """Returns a page of an administrator who proved two factors a moment ago."""
    holders = Holders(live)
    _, handle = holders.session(holders.person(Role.ADMINISTRATOR), ("pwd", "otp"))
    context = browser.new_context(base_url=live.server.issuer, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    host = {"name": NAME, "value": handle, "domain": "localhost", "path": "/", "secure": True, "httpOnly": True}
    context.add_cookies([host])  # type: ignore[list-item]
    return context.new_page()


def test_an_administrator_connects_a_provider_and_a_person_signs_in(
    browser: Browser, live: Live, provider: Upstream
) -> None:
    provider.present("uma", groups=["nurses"], amr=["pwd", "mfa"])
    page = desk(browser, live)
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
