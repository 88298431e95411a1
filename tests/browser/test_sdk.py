"""The SDK in Chromium, against a server: stories from the sign-in to the sign-out."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.apps import log_in
from tests.browser.sdk_apps import SdkScene
from tests.conftest import make_world
from tests.live import decode
from tests.people import PASSWORD
from tests.world import Template

TOKEN = "auth.session().getToken()"
NEW_TOKEN = "auth.session().getToken({ renew: true })"
# A tab gives the others 150 ms to answer, and a busy machine needs more.
PATIENT = """
  (real => { window.setTimeout = (work, ms, ...more) => real(work, ms === 150 ? 20_000 : ms, ...more); })(setTimeout)
"""
# What a script throws, as far as an application acts on it.
CODE = "({}).then(() => null, (error) => error.code)"


@pytest.fixture(scope="module")
def scene(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkScene]:
    """One server and its applications for the whole module."""
    made = SdkScene(make_world("sqlite", templates, tmp_path_factory), tmp_path_factory.mktemp("sdk"))
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext, scene: SdkScene) -> Page:
    """A page of a fresh profile, in the server's time."""
    scene.set_clock(context)
    return context.new_page()


def start(page: Page, scene: SdkScene, app: str = "memory") -> Any:
    """Opens an application; returns who is signed in, or None."""
    page.goto(scene.apps[app].origin)
    page.wait_for_function("window.auth")
    return page.evaluate("auth.start().then(() => auth.user())")


def leave(page: Page, script: str) -> None:
    """Runs what leads away from the page, and does not wait for it: it never ends."""
    page.evaluate(f"void {script}")


def back(page: Page, scene: SdkScene, app: str = "memory") -> Any:
    """Waits until the browser is back in an application with an answer; returns what the sign-in came to."""
    page.wait_for_url(f"{scene.apps[app].origin}/?*")
    page.wait_for_function("window.auth")
    found = page.evaluate("auth.start().then(({ session, appState }) => ({ user: session.user, appState }))")
    assert page.url == f"{scene.apps[app].origin}/"
    return found


def sign_in(page: Page, scene: SdkScene, app: str = "memory", email: str = "ada@example.com", said: str = "{}") -> Any:
    """Signs somebody in to an application; returns who it is."""
    assert start(page, scene, app) is None
    leave(page, f"auth.login({said})")
    log_in(page, email)
    return back(page, scene, app)["user"]


def code_of(page: Page, script: str) -> Any:
    """Returns the code of what a script throws; None: it throws nothing."""
    return page.evaluate(CODE.format(script))


def asked(page: Page, path: str) -> list[str]:
    """Returns a list that grows with each request to a path, by its body or, if it has none, its URL."""
    found: list[str] = []

    def note(request: Any) -> None:
        if path in request.url and request.method != "OPTIONS":
            found.append(request.post_data or request.url)

    page.context.on("request", note)
    return found


def test_a_redirect_signs_in_and_the_session_calls_the_api(page: Page, scene: SdkScene) -> None:
    assert start(page, scene) is None
    assert page.evaluate("[auth.isAuthenticated(), auth.user(), auth.can('read:patient')]") == [False, None, False]
    leave(page, "auth.login({ appState: { to: '/patients' } })")
    log_in(page)
    came = back(page, scene)
    assert came["appState"] == {"to": "/patients"}
    assert (came["user"]["email"], came["user"]["org_id"]) == ("ada@example.com", scene.alder)
    assert page.evaluate("['write:patient', 'write:prescription'].map((one) => auth.can(one))") == [True, False]
    patients = page.evaluate("auth.session().graphql(app.operations.patients, { first: 3 })")["patients"]
    assert len(patients) == 3
    assert patients[0]["name"]["full"]
    kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert page.evaluate(TOKEN).split(".")[1] not in kept
    assert "ada@example.com" not in kept
    assert page.evaluate("auth.handleRedirect()") is None


def test_a_window_signs_in_beside_the_page(page: Page, scene: SdkScene) -> None:
    assert start(page, scene) is None
    with page.expect_popup() as opened:
        leave(page, "(window.came = auth.login({ popup: true, appState: 7 }))")
    log_in(opened.value)
    came = page.evaluate("came.then(({ session, appState }) => [session.user.email, appState])")
    assert came == ["ada@example.com", 7]
    assert opened.value.is_closed()


def test_a_window_that_is_closed_or_blocked_is_an_error_with_a_code(page: Page, scene: SdkScene) -> None:
    assert start(page, scene) is None
    with page.expect_popup() as opened:
        leave(page, f"(window.code = {CODE.format('auth.login({ popup: true })')})")
    opened.value.wait_for_url("**/sign-in/**")
    opened.value.close()
    assert page.evaluate("code") == "popup_closed"
    page.evaluate("window.open = () => null")
    assert code_of(page, "auth.login({ popup: true })") == "popup_blocked"


def test_a_token_is_renewed_before_it_expires_and_once_for_all_who_ask(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    first = page.evaluate(TOKEN)
    exchanged = asked(page, "/oauth/token")
    assert page.evaluate(TOKEN) == first
    assert exchanged == []
    scene.pass_time(page.context, 3_545)
    tokens = page.evaluate(f"Promise.all([{TOKEN}, {TOKEN}, {NEW_TOKEN}])")
    assert set(tokens) == {page.evaluate(TOKEN)}
    assert first not in tokens
    [body] = exchanged
    assert "grant_type=refresh_token" in body


def test_a_token_that_the_api_refuses_is_renewed_and_the_request_sent_again(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    called = asked(page, "/graphql")
    scene.live.clock.advance(3_601)  # the browser's clock is late: it takes the token for a good one
    found = page.evaluate("auth.session().graphql(app.operations.organization)")
    assert found["organization"]["id"] == scene.alder
    assert len(called) == 2


def test_a_reload_finds_the_session_through_a_frame(page: Page, scene: SdkScene) -> None:
    user = sign_in(page, scene)
    exchanged, framed = asked(page, "/oauth/token"), asked(page, "/authorize")
    assert start(page, scene) == user
    assert "grant_type=authorization_code" in exchanged[0]
    assert "prompt=none" in framed[0]
    assert page.evaluate("document.querySelectorAll('iframe').length") == 0


def test_a_reload_finds_what_was_kept_and_asks_nobody(page: Page, scene: SdkScene) -> None:
    user = sign_in(page, scene, "stored")
    exchanged, framed = asked(page, "/oauth/token"), asked(page, "/authorize")
    assert start(page, scene, "stored") == user
    assert page.evaluate(TOKEN)
    assert exchanged == framed == []


def test_a_first_visit_asks_nobody(page: Page, scene: SdkScene) -> None:
    framed = asked(page, "/authorize")
    assert start(page, scene) is None
    assert framed == []


@pytest.mark.parametrize("app", ["memory", "stored"])
def test_two_tabs_share_a_session_and_renew_it_once(page: Page, scene: SdkScene, app: str) -> None:
    user = sign_in(page, scene, app)
    page.evaluate(PATIENT)
    exchanged = asked(page, "/oauth/token")
    other = page.context.new_page()
    other.add_init_script(PATIENT)
    assert start(other, scene, app) == user
    assert exchanged == []
    for _ in range(2):
        scene.pass_time(page.context, 3_545)
        exchanged.clear()
        for one in (page, other):
            leave(one, f"(window.renewed = {TOKEN})")
        assert page.evaluate("renewed") == other.evaluate("renewed")
        assert len(exchanged) == 1


def test_a_session_that_ended_at_the_server_ends_here(page: Page, scene: SdkScene) -> None:
    user = sign_in(page, scene)
    page.evaluate("window.old = auth.session(); window.seen = []; void auth.onChange((one) => seen.push(one))")
    scene.end_sessions(user["sub"])
    assert code_of(page, "old.graphql(app.operations.organization)") == "login_required"
    assert page.evaluate("[auth.session(), seen]") == [None, [None]]
    assert code_of(page, "old.getToken()") == "session_ended"
    assert start(page, scene) is None


def test_a_lost_answer_is_asked_for_again_and_the_session_goes_on(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().text())  # the server did its part
            route.abort()

    page.context.route("**/oauth/token", lose_the_first)
    token = page.evaluate(NEW_TOKEN)
    assert decode(token)[1]["org_id"] == scene.alder
    assert len(lost) == 1
    assert page.evaluate(NEW_TOKEN) != token


def test_an_answer_that_stays_lost_costs_the_refresh_token_but_not_the_session(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)

    def lose(route: Route) -> None:
        route.fetch()  # the server did its part
        route.abort()

    page.context.route("**/oauth/token", lose)
    assert code_of(page, NEW_TOKEN) == "network"
    page.context.unroute("**/oauth/token")
    scene.pass_time(page.context, 30)  # from now on the server takes the old one for a copy in other hands
    exchanged = asked(page, "/oauth/token")
    assert decode(page.evaluate(NEW_TOKEN))[1]["org_id"] == scene.alder
    assert ["refresh_token" in body for body in exchanged] == [True, False]
    assert page.evaluate(NEW_TOKEN)


def test_a_listener_that_throws_keeps_nobody_from_hearing(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    page.evaluate("window.heard = 0; void auth.onChange(() => { throw new Error('a page'); })")
    page.evaluate("void auth.onChange(() => { heard += 1; })")
    assert page.evaluate(NEW_TOKEN)
    assert page.evaluate("heard") == 1


def test_without_a_network_a_good_token_is_used_and_an_expired_one_is_an_error_that_passes(
    page: Page, scene: SdkScene
) -> None:
    sign_in(page, scene)
    first = page.evaluate(TOKEN)
    page.context.route("**/oauth/token", lambda route: route.abort())
    scene.pass_time(page.context, 3_545)
    assert page.evaluate(TOKEN) == first
    scene.pass_time(page.context, 60)
    assert code_of(page, TOKEN) == "network"
    assert page.evaluate("auth.isAuthenticated()")
    page.context.unroute("**/oauth/token")
    assert page.evaluate(TOKEN) != first


def test_an_act_that_asks_for_a_second_factor_gets_it_in_a_window(page: Page, scene: SdkScene) -> None:
    user = sign_in(page, scene, email="cleo@example.com")
    codes = scene.set_up_codes(user["sub"])
    scene.pass_time(page.context, 30)
    act = "auth.session().graphql(app.operations.setProviderRules, { solo: true })"
    with page.expect_popup() as opened:
        leave(page, f"(window.done = {act})")
    popup = opened.value
    popup.wait_for_url("**/sign-in/**")
    if popup.get_by_label("Password").is_visible():
        log_in(popup, "cleo@example.com")
    popup.get_by_label("Code").fill(codes.at(scene.live.clock.seconds()))
    popup.get_by_role("button", name="Continue").click()
    assert page.evaluate("done") == {
        "setProviderRules": {"solo": True, "homeState": None, "signingMaxAgeSeconds": None}
    }
    assert page.evaluate("auth.user()")["org_id"] == scene.alder
    # The next act needs no window, and a client that may open none says what it needs.
    assert page.evaluate(act)
    scene.pass_time(page.context, 3_000)
    page.evaluate("window.open = () => null")
    assert code_of(page, act) == "step_up_required"
    wanted = page.evaluate(f"{act}.catch((error) => error.stepUp)")
    assert wanted["acr_values"] == "aal2"
    leave(page, f"{act}.catch((error) => auth.login({{ stepUp: error.stepUp }}))")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_logout_ends_the_session_in_every_tab(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    other = page.context.new_page()
    assert start(other, scene)
    other.evaluate("window.old = auth.session()")
    with page.expect_navigation(url=f"{scene.apps['memory'].origin}/"):
        leave(page, "auth.logout()")
    other.wait_for_function("auth.session() === null")
    assert code_of(other, "old.getToken()") == "session_ended"
    framed = asked(page, "/authorize")
    assert start(page, scene) is None
    assert framed == []
    leave(page, "auth.login()")
    expect(page.get_by_label("Password")).to_be_visible()


def test_somebody_else_in_another_tab_ends_the_first_one_s_session(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    other = page.context.new_page()
    start(other, scene)
    leave(other, "auth.login({ prompt: 'select_account' })")
    log_in(other, "ben@example.com")
    other.get_by_role("button", name="Birch Clinic").click()
    assert back(other, scene)["user"]["email"] == "ben@example.com"
    page.wait_for_function("auth.session() === null")
    assert start(page, scene)["email"] == "ben@example.com"


def test_an_organization_of_others_is_refused_with_a_code(page: Page, scene: SdkScene) -> None:
    start(page, scene)
    leave(page, f'auth.login({{ organization: "{scene.birch}" }})')
    log_in(page)
    page.wait_for_url(f"{scene.apps['memory'].origin}/?error=*")
    page.wait_for_function("window.auth")
    assert code_of(page, "auth.start()") == "access_denied"
    assert page.url == f"{scene.apps['memory'].origin}/"
    assert page.evaluate("auth.start().then(({ session }) => session)") is None


def test_a_sign_in_that_is_refused_leaves_the_session_before_it(page: Page, scene: SdkScene) -> None:
    user = sign_in(page, scene)
    leave(page, f'auth.login({{ organization: "{scene.birch}" }})')
    page.wait_for_url(f"{scene.apps['memory'].origin}/?error=*")
    page.wait_for_function("window.auth")
    assert code_of(page, "auth.start()") == "access_denied"
    assert page.evaluate("auth.user()") == user


def test_an_invitation_is_accepted_on_the_way_to_its_organization(page: Page, scene: SdkScene) -> None:
    link = scene.invite("dana@example.com")
    page.goto(f"{scene.apps['memory'].origin}/?invitation={link}&organization={scene.birch}")
    page.wait_for_function("window.auth")
    leave(page, "auth.login({ invitation: app.invitation() })")
    page.get_by_label("First name").fill("Dana")
    page.get_by_label("Last name").fill("Fir")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button").click()
    log_in(page, "dana@example.com")
    user = back(page, scene)["user"]
    assert (user["given_name"], user["org_id"]) == ("Dana", scene.birch)


def test_an_answer_that_nobody_asked_for_is_refused(page: Page, scene: SdkScene) -> None:
    page.goto(f"{scene.apps['memory'].origin}/?code=stolen&state=made-up&iss=x")
    page.wait_for_function("window.auth")
    exchanged = asked(page, "/oauth/token")
    assert code_of(page, "auth.start()") == "state_mismatch"
    assert exchanged == []


def test_another_organization_takes_over_without_a_question(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene, email="ben@example.com", said=f'{{ organization: "{scene.alder}" }}')
    page.evaluate("window.old = auth.session()")
    assert page.evaluate("auth.can('write:patient')")
    assert page.evaluate(f'auth.switchOrganization("{scene.birch}").then((one) => one.user.org_id)') == scene.birch
    assert not page.evaluate("auth.can('write:patient')")
    assert code_of(page, "old.getToken()") == "session_ended"
    assert not page.evaluate("old.can('write:patient')")
    # Each tab comes back to its own organization.
    other = page.context.new_page()
    assert start(other, scene)["org_id"] == scene.birch
    other.evaluate(f'auth.switchOrganization("{scene.alder}").then(() => null)')
    assert page.evaluate("auth.user()")["org_id"] == scene.birch
    assert start(page, scene)["org_id"] == scene.birch
    assert start(other, scene)["org_id"] == scene.alder


def test_where_frames_get_no_cookie_a_session_is_renewed_and_a_login_asks_nothing(page: Page, scene: SdkScene) -> None:
    user = sign_in(page, scene, "elsewhere")
    first = page.evaluate(TOKEN)
    assert page.evaluate(NEW_TOKEN) != first
    other = page.context.new_page()
    assert start(other, scene, "elsewhere") == user
    other.close()
    # Memory is gone with the page, and the frame finds nobody; the session at the server is still there.
    assert start(page, scene, "elsewhere") is None
    leave(page, "auth.login()")
    assert back(page, scene, "elsewhere")["user"] == user


def test_a_token_goes_to_known_servers_only(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    sent = asked(page, "/elsewhere")
    assert code_of(page, f"auth.session().fetch('{scene.apps['elsewhere'].origin}/elsewhere')") == "origin_not_allowed"
    assert code_of(page, "auth.session().fetch('/elsewhere')") == "origin_not_allowed"
    assert sent == []
    answer = f"auth.session().fetch('{scene.live.server.audience}/userinfo').then((answer) => answer.status)"
    assert page.evaluate(answer) == 200


def test_a_refusal_of_the_api_has_its_code_and_its_reason(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene, email="ben@example.com", said=f'{{ organization: "{scene.birch}" }}')
    script = "auth.session().graphql(app.operations.createOrder, { patientId: 'pat_1', fills: [] })"
    refused = page.evaluate(f"{script}.catch(({{ code, errors }}) => ({{ code, errors }}))")
    assert refused["code"] == "FORBIDDEN"
    assert refused["errors"][0]["extensions"]["requiredPermission"] == "write:order"


def test_every_list_that_the_package_can_ask_for_is_answered(page: Page, scene: SdkScene) -> None:
    sign_in(page, scene)
    codes = page.evaluate("""async () => {
        const asked = Object.entries(app.operations).filter(([, one]) => /^query [^!]*{/.test(one));
        const session = auth.session();
        return Object.fromEntries(await Promise.all(asked.map(async ([name, one]) =>
            [name, await session.graphql(one, {}).then(() => "done", (error) => error.code)])));
    }""")
    assert {"patients", "orders", "prescriptions", "catalogs", "organization"} <= codes.keys()
    assert set(codes.values()) <= {"done", "FORBIDDEN"}, codes
    assert codes["patients"] == codes["orders"] == codes["catalogs"] == "done"


def test_the_guide_s_page_signs_in_lists_patients_and_signs_out(page: Page, scene: SdkScene) -> None:
    page.goto(scene.apps["guide"].origin)
    log_in(page)
    expect(page).to_have_title("Ada Marsh: 10 patients")
    leave(page, "auth.logout()")
    expect(page.get_by_label("Password")).to_be_visible()


def test_the_quickstart_s_page_signs_in_says_what_somebody_may_do_and_signs_out(page: Page, scene: SdkScene) -> None:
    page.goto(scene.apps["quickstart"].origin)
    page.get_by_role("button", name="Sign in").click()
    log_in(page)
    expect(page.get_by_text("ada@example.com sees 3 patients and may not prescribe.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_guide_s_react_page_shows_adds_and_signs_out(page: Page, scene: SdkScene) -> None:
    page.goto(scene.apps["react"].origin)
    page.get_by_role("button", name="Sign in").click()
    log_in(page)
    expect(page.get_by_role("listitem")).to_have_count(10)
    before = page.get_by_role("listitem").filter(has_text="Ada Marsh").count()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem").filter(has_text="Ada Marsh")).to_have_count(before + 1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_react_page_shows_what_a_role_may_do(page: Page, scene: SdkScene) -> None:
    page.goto(scene.apps["react"].origin)
    page.get_by_role("button", name="Sign in").click()
    log_in(page, "ben@example.com")
    page.get_by_role("button", name="Birch Clinic").click()
    expect(page.get_by_role("listitem").first).to_be_visible()
    expect(page.get_by_role("button", name="Add")).to_have_count(0)
