"""Sign-ins with a SAML provider in Chromium, where the form that comes back from another site brings no cookie."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from rxauth.edge.sso import saml
from rxauth.federation.saml import parties
from tests.browser.stage import Stage
from tests.conftest import make_world
from tests.federation.saml import upstream as upstreams
from tests.federation.saml.conftest import add_connection
from tests.federation.saml.upstream import NAME, Upstream
from tests.live import Live, at_its_issuer
from tests.world import NOW, Template


@pytest.fixture(scope="module")
def live(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    served = at_its_issuer(make_world("sqlite", templates, tmp_path_factory))
    served.clock.advance(int(time.time()) - served.clock.seconds())
    yield served
    served.stop()


@pytest.fixture(scope="module")
def provider(live: Live) -> Iterator[Upstream]:
    """A provider whose connection is Alder's."""
    started = upstreams.start(live.server.issuer)
    settings = parties.settings_from(started.metadata(), NOW)
    connection = live.server.database.write(lambda tx: add_connection(tx, live, settings))
    started.trust(saml.keys_of(live.server, connection).published[0].certificate)
    started.present("uma")
    yield started
    started.stop()


def test_somebody_comes_back_from_another_site_and_is_signed_in(
    context: BrowserContext, live: Live, provider: Upstream
) -> None:
    page = context.new_page()
    page.goto(f"{live.server.issuer}sso/{NAME}")
    page.wait_for_url(f"{live.server.issuer}settings**")
    expect(page.get_by_text("Uma Marsh").first).to_be_attached()


def test_a_foreign_page_cannot_have_somebody_signed_in_as_another(
    context: BrowserContext, live: Live, provider: Upstream, stage: Stage
) -> None:
    attacker = live.http.get(f"/sso/{NAME}").headers["location"]
    form = provider.answer(attacker)
    fields = "".join(f'<input name="{name}" value="{value}">' for name, value in form.items())
    acs = f"{live.server.issuer}sso/{NAME}/acs"
    stage.put("/evil", f'<form method="post" action="{acs}">{fields}<button>Win a prize</button></form>')
    page = context.new_page()
    page.goto(f"{stage.other}/evil")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="This sign-in is over")).to_be_visible()
    page.goto(f"{live.server.issuer}settings")
    expect(page.get_by_label("Password")).to_be_visible()
