"""The published browser clients in Chromium, unmodified: stories from the login to the logout."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.browser.apps import Scene, log_in
from tests.conftest import make_world
from tests.live import decode
from tests.world import Template

PATIENTS = "app.photon.clinical.patient.getPatients().then((answer) => answer.data.patients)"
CREATE = """
    app.photon.clinical.patient.createPatient({})({ variables: {
        name: { first: "Rosa", last: "Linden" }, dateOfBirth: "1980-02-29", sex: "FEMALE", phone: "+15551234567",
    } }).then((answer) => answer.data.createPatient)
    """
SPA_TOKEN = "app.auth0.getTokenSilently()"
NEW_SPA_TOKEN = 'app.auth0.getTokenSilently({ cacheMode: "off" })'
PHOTON_TOKEN = "app.photon.authentication.getAccessToken()"
NEW_PHOTON_TOKEN = 'app.photon.auth0Client.getTokenSilently({ cacheMode: "off" })'
PHOTON_LOGOUT = "app.photon.authentication.logout({ returnTo: location.origin })"
SPA_LOGOUT = "app.auth0.logout({ logoutParams: { returnTo: location.origin } })"


@pytest.fixture(scope="module")
def scene(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One server and its applications for the whole module."""
    made = Scene(make_world("sqlite", templates, tmp_path_factory), tmp_path_factory.mktemp("apps"))
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    return context.new_page()


def start(page: Page, scene: Scene, app: str) -> Any:
    """Opens an application; returns the user that it knows, or None."""
    page.goto(scene.apps[app].origin)
    return page.evaluate("app.start()")


def back(page: Page, scene: Scene, app: str) -> Any:
    """Waits until the browser is back in an application with a code; returns the user that it gets to know."""
    page.wait_for_url(f"{scene.apps[app].origin}/?code=*")
    user = page.evaluate("app.start()")
    assert page.url == f"{scene.apps[app].origin}/"
    return user


def leave(page: Page, script: str) -> None:
    """Runs what leads away from the page, and does not wait for it: it never ends."""
    page.evaluate(f"void {script}")


def sign_in(page: Page, scene: Scene, app: str, email: str = "ada@example.com", parameters: str = "{}") -> Any:
    """Signs somebody in to an application."""
    assert start(page, scene, app) is None
    if app == "photon":
        leave(page, f"app.photon.authentication.login({parameters})")
    else:
        leave(page, f"app.auth0.loginWithRedirect({{ authorizationParams: {parameters} }})")
    log_in(page, email)
    return back(page, scene, app)


def log_out(page: Page, scene: Scene, app: str) -> None:
    """Signs out of an application, and waits until the browser is back in it."""
    with page.expect_navigation(url=f"{scene.apps[app].origin}/"):
        leave(page, PHOTON_LOGOUT if app == "photon" else SPA_LOGOUT)


def renewed_at_once(pages: list[Page], script: str) -> int:
    """Asks for a new token in every tab before any has its answer; returns how many got one."""
    for page in pages:
        leave(page, f"(window.renewed = {script})")
    return sum(bool(page.evaluate("renewed")) for page in pages)


def asked(page: Page, path: str) -> list[str]:
    """Returns a list that grows with each request to a path, by its body or, if it has none, its URL."""
    found: list[str] = []
    page.context.on(
        "request", lambda request: found.append(request.post_data or request.url) if path in request.url else None
    )
    return found


def test_the_sdk_signs_in_calls_the_api_refreshes_and_signs_out(page: Page, scene: Scene) -> None:
    user = sign_in(page, scene, "photon")
    assert user["email"] == "ada@example.com"
    assert user["sub"].startswith("usr_")
    assert user["org_id"] == scene.live.world.alder.organization_id
    assert len(page.evaluate(PATIENTS)) == 24
    created = page.evaluate(CREATE)
    assert created["name"]["full"] == "Rosa Linden"
    assert created["id"] in {patient["id"] for patient in page.evaluate(PATIENTS)}

    exchanged = asked(page, "/oauth/token")
    page.reload()
    assert page.evaluate("app.start()") == user
    first = page.evaluate(PHOTON_TOKEN)
    assert exchanged == []
    assert "write:patient" in decode(first)[1]["permissions"]
    assert page.evaluate(NEW_PHOTON_TOKEN) != first
    assert len(exchanged) == 1
    assert "grant_type=refresh_token" in exchanged[0]
    assert len(page.evaluate(PATIENTS)) == 25

    log_out(page, scene, "photon")
    assert page.evaluate("app.start()") is None
    leave(page, "app.photon.authentication.login({})")
    expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize(
    ("app", "grant", "error"),
    [("spa", "refresh_token", "Missing Refresh Token"), ("framed", "authorization_code", "Nobody is signed in")],
    ids=["refresh tokens", "frame"],
)
def test_auth0_spa_js_signs_in_renews_silently_and_signs_out(
    page: Page, scene: Scene, app: str, grant: str, error: str
) -> None:
    user = sign_in(page, scene, app)
    assert (user["email"], user["org_id"]) == ("ada@example.com", scene.live.world.alder.organization_id)
    first = page.evaluate(SPA_TOKEN)

    exchanged = asked(page, "/oauth/token")
    page.reload()
    assert page.evaluate("app.start()") == user
    assert len(exchanged) == (0 if app == "spa" else 1)
    renewed = page.evaluate(NEW_SPA_TOKEN)
    assert renewed != first
    assert f"grant_type={grant}" in exchanged[-1]
    assert page.url == f"{scene.apps[app].origin}/"
    assert scene.live.data(renewed, "{ patients { id } }")["patients"]

    log_out(page, scene, app)
    assert page.evaluate("app.start()") is None
    with pytest.raises(Error, match=error):
        page.evaluate(NEW_SPA_TOKEN)


def test_auth0_spa_js_signs_in_through_a_popup(page: Page, scene: Scene) -> None:
    assert start(page, scene, "spa") is None
    with page.expect_popup() as opened:
        leave(page, "(window.signedIn = app.auth0.loginWithPopup())")
    log_in(opened.value)
    user = page.evaluate("signedIn.then(() => app.auth0.getUser())")
    assert user["email"] == "ada@example.com"


def test_two_tabs_that_renew_at_once_stay_signed_in(page: Page, scene: Scene) -> None:
    user = sign_in(page, scene, "photon")
    other = page.context.new_page()
    assert start(other, scene, "photon") == user
    assert renewed_at_once([page, other], NEW_PHOTON_TOKEN) == 2
    assert renewed_at_once([page, other], NEW_PHOTON_TOKEN) == 2


def test_two_tabs_that_present_the_same_refresh_token_stay_signed_in(
    page: Page, scene: Scene, browser: Browser
) -> None:
    # A copy of the profile has the refresh token, but not the lock with which the tabs of one profile take turns.
    user = sign_in(page, scene, "spa")
    copied = browser.new_context(storage_state=page.context.storage_state())
    other = copied.new_page()
    assert start(other, scene, "spa") == user
    presented = asked(page, "/oauth/token")
    others = asked(other, "/oauth/token")
    assert renewed_at_once([page, other], NEW_SPA_TOKEN) == 2
    assert presented == others
    assert renewed_at_once([page, other], NEW_SPA_TOKEN) == 2
    copied.close()


def test_a_second_application_needs_no_second_login_and_one_logout_ends_both(page: Page, scene: Scene) -> None:
    user = sign_in(page, scene, "photon")
    second = page.context.new_page()
    assert start(second, scene, "spa") is None
    leave(second, "app.auth0.loginWithRedirect()")
    assert back(second, scene, "spa")["sub"] == user["sub"]

    log_out(page, scene, "photon")
    with pytest.raises(Error, match="refresh token"):
        second.evaluate(NEW_SPA_TOKEN)


def test_the_sdk_asks_for_consent_in_a_popup_when_a_foreign_application_needs_it(page: Page, scene: Scene) -> None:
    sign_in(page, scene, "photon")
    assert start(page, scene, "foreign") is None
    with page.expect_popup() as opened:
        leave(page, f"(window.token = {PHOTON_TOKEN})")
    opened.value.get_by_role("button", name="Allow").click()
    assert decode(page.evaluate("token"))[1]["client_id"] == scene.client_ids["foreign"]
    assert page.evaluate(NEW_PHOTON_TOKEN)


@pytest.mark.parametrize("app", ["photon", "spa"])
def test_a_person_of_two_organizations_gets_the_one_that_the_application_names(
    page: Page, scene: Scene, app: str
) -> None:
    alder, birch = scene.live.world.alder.organization_id, scene.live.world.birch.organization_id
    member, token = ("organizationId", PHOTON_TOKEN) if app == "photon" else ("organization", SPA_TOKEN)
    named = birch if app == "photon" else "Birch Clinic"
    user = sign_in(page, scene, app, "ben@example.com", f'{{ {member}: "{named}" }}')
    assert user["org_id"] == birch
    claims = decode(page.evaluate(token))[1]
    assert claims["org_id"] == birch
    assert "read:patient" in claims["permissions"]
    assert "write:patient" not in claims["permissions"]

    # Another organization, in the same session: no second login, and the client checks that it is the one it named.
    if app == "photon":
        leave(page, f'app.photon.authentication.login({{ organizationId: "{alder}" }})')
    else:
        leave(page, f'app.auth0.loginWithRedirect({{ authorizationParams: {{ organization: "{alder}" }} }})')
    assert back(page, scene, app)["org_id"] == alder
    claims = decode(page.evaluate(token))[1]
    assert claims["org_id"] == alder
    assert "write:patient" in claims["permissions"]


def test_a_person_of_two_organizations_chooses_when_the_application_names_none(page: Page, scene: Scene) -> None:
    assert start(page, scene, "photon") is None
    leave(page, "app.photon.authentication.login({})")
    log_in(page, "ben@example.com")
    page.get_by_role("button", name="Birch Clinic").click()
    assert back(page, scene, "photon")["org_id"] == scene.live.world.birch.organization_id


def test_an_organization_of_others_sends_the_application_an_error(page: Page, scene: Scene) -> None:
    start(page, scene, "spa")
    organization = scene.live.world.birch.organization_id
    leave(page, f'app.auth0.loginWithRedirect({{ authorizationParams: {{ organization: "{organization}" }} }})')
    log_in(page)
    page.wait_for_url(f"{scene.apps['spa'].origin}/?error=*")
    with pytest.raises(Error, match="organization"):
        page.evaluate("app.start()")
