"""The published client in Chromium, sent on to an organization's own identity provider, which nobody here wrote."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from rxauth.domain import connections, domains, group_roles
from rxauth.domain.connection_settings import ClientAuthentication, Joining, Mapping, OpenIdSettings
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.connections import Wanted
from rxauth.edge.openid_providers import OpenIdProviders
from rxauth.edge.outbound import Outbound
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browser.apps import Scene
from tests.conftest import make_world
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.conftest import LOOPBACK
from tests.federation.openid.upstream import Upstream
from tests.live import decode
from tests.world import NOW, Template

SIGN_IN = 'void app.auth0.loginWithRedirect({ authorizationParams: { connection: "alder-sso" } })'


@pytest.fixture(scope="module")
def scene(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One server and its applications for the whole module."""
    made = Scene(make_world("sqlite", templates, tmp_path_factory), tmp_path_factory.mktemp("apps"))
    made.live.edge.openid_providers = OpenIdProviders(Outbound(LOOPBACK), LOOPBACK, made.live.clock)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def provider(scene: Scene) -> Iterator[Upstream]:
    """Alder's provider, at which Uma is signed in."""
    started = upstreams.start(upstreams.client("rxauth", urls_of(scene.live.server.issuer, "alder-sso").callback))
    started.present("uma", groups=["it"])
    scene.live.server.database.write(lambda tx: connect(tx, scene, started.issuer))
    yield started
    started.stop()


def connect(tx: Transaction, scene: Scene, issuer: str) -> None:
    """Has Alder's people sign in with the provider."""
    alder = scene.live.world.alder.organization_id
    settings = OpenIdSettings(issuer, "rxauth", ClientAuthentication.SECRET_BASIC)
    rules = (Joining.JUST_IN_TIME, settings, Mapping(groups="groups"))
    wanted = Wanted("alder-sso", "Alder's directory", *rules, secret=upstreams.SECRET)
    made = connections.create(tx, alder, wanted, scene.live.server.sealing_key, NOW)
    group_roles.replace(tx, alder, made.id, {"it": {Role.DEVELOPER}})
    domains.verify(tx, domains.add(tx, alder, "alder.example", NOW), NOW)


def test_somebody_signs_in_through_their_organization_s_provider_and_stays_signed_in(
    page: Page, scene: Scene, provider: Upstream
) -> None:
    app = scene.apps["spa"].origin
    page.goto(app)
    assert page.evaluate("app.start()") is None
    page.evaluate(SIGN_IN)
    page.wait_for_url(f"{app}/?code=*")
    assert page.evaluate("app.start()")["email"] == "uma@alder.example"
    _, claims = decode(page.evaluate("app.auth0.getTokenSilently()"))
    assert (claims["org_id"], claims["amr"]) == (scene.live.world.alder.organization_id, ["fed"])
    _, renewed = decode(page.evaluate('app.auth0.getTokenSilently({ cacheMode: "off" })'))
    assert renewed["jti"] != claims["jti"]
    provider.present(None)
    page.context.clear_cookies()
    page.evaluate("localStorage.clear()")
    page.goto(app)
    page.evaluate(SIGN_IN)
    expect(page.get_by_role("heading", name="You could not be signed in")).to_be_visible()
    page.get_by_role("button", name="Cancel and go back").click()
    page.wait_for_url(f"{app}/?error=access_denied*")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    return context.new_page()
