"""The ways back to a client, in Chromium: a message to a frame or a window, a form, and a redirect after a form."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from rxauth.edge import pages
from rxauth.edge.responses import see_other
from tests.browser.stage import SENT, Stage
from tests.edge.page_samples import LOGIN

# Escapes that a message must survive: of the script, of the attribute, and of JSON.
PAYLOAD = {"code": "</script><script>alert(1)</script>", "state": "a+b/c==\u2028\"'&quot;\\"}
LISTENS = """
    <script>
    window.heard = [];
    addEventListener("message", (event) => heard.push({ origin: event.origin, ...event.data }));
    </script>
    """
OPENS = """
    <button value="URL">Log in</button>
    <script>
    document.querySelector("button").onclick = (event) => { open("about:blank").location.href = event.target.value; };
    </script>
    """


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page that must not run what it was not given."""
    page = context.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    return page


def opens(url: str) -> str:
    """Returns a button that opens a window as the published clients do: empty first, and then led to a URL."""
    return OPENS.replace("URL", url)


def expected(stage: Stage) -> list[dict[str, object]]:
    """Returns what a client's page must have heard."""
    return [{"origin": stage.other, "type": "authorization_response", "response": PAYLOAD}]


def test_a_frame_of_the_client_hears_the_answer(page: Page, stage: Stage) -> None:
    stage.put("/answer", pages.web_message(PAYLOAD, stage.origin))
    stage.put("/", f'{LISTENS}<iframe src="{stage.other}/answer"></iframe>')
    page.goto(stage.origin)
    page.wait_for_function("heard.length === 1")
    assert page.evaluate("heard") == expected(stage)


def test_a_window_that_the_client_opened_answers_after_the_login(page: Page, stage: Stage) -> None:
    stage.put("/login", pages.page("login.html", LOGIN | {"action": "/login"}, form_target=stage.origin))
    stage.put("POST /login", pages.web_message(PAYLOAD, stage.origin))
    stage.put("/", LISTENS + opens(f"{stage.other}/login"))
    page.goto(stage.origin)
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    popup = opened.value
    popup.get_by_label("Email address").fill("maya@alder.example")
    popup.get_by_label("Password").fill("correct horse battery")
    popup.get_by_role("button", name="Continue").click()
    page.wait_for_function("heard.length === 1")
    assert page.evaluate("heard") == expected(stage)


def test_no_other_site_can_frame_or_hear_the_answer(page: Page, stage: Stage) -> None:
    stage.put("/answer", pages.web_message(PAYLOAD, "https://app.example.com"))
    stage.put("/", f'{LISTENS}<iframe src="{stage.other}/answer"></iframe>{opens(f"{stage.other}/answer")}')
    refused: list[str] = []
    page.context.on("console", lambda message: refused.append(message.text))
    page.goto(stage.origin)
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    opened.value.wait_for_url("**/answer")
    opened.value.wait_for_load_state()
    # Messages come in the order in which they were sent, so the answer would be there before this one.
    opened.value.evaluate("opener.postMessage({ type: 'later' }, '*')")
    page.wait_for_function("heard.length > 0")
    assert page.evaluate("heard") == [{"origin": stage.other, "type": "later"}]
    assert any("frame-ancestors https://app.example.com" in text for text in refused)


def test_a_login_page_is_not_framed_by_anybody(page: Page, stage: Stage) -> None:
    stage.put("/login", pages.page("login.html", LOGIN, form_target=stage.origin))
    stage.put("/", f'<iframe src="{stage.origin}/login"></iframe>')
    page.goto(stage.origin)
    assert page.frames[1].get_by_label("Password").count() == 0


def test_a_form_takes_the_answer_to_the_client(page: Page, stage: Stage) -> None:
    stage.put("/", pages.form_post(f"{stage.other}/callback", {"code": "a b", "state": "=="}))
    page.goto(stage.origin)
    page.wait_for_url(f"{stage.other}/callback")
    expect(page.get_by_text(SENT)).to_have_text(f"{SENT} code=a+b&state=%3D%3D")


@pytest.mark.parametrize(("is_named", "arrives"), [(True, True), (False, False)], ids=["its client", "a stranger"])
def test_the_login_form_leads_on_to_its_client_and_to_nobody_else(
    page: Page, stage: Stage, is_named: bool, arrives: bool
) -> None:
    target = stage.other if is_named else "https://app.example.com"
    stage.put("/login", pages.page("login.html", LOGIN | {"action": "/login"}, form_target=target))
    stage.put("POST /login", see_other(f"{stage.other}/callback?code=c"))
    stage.put("/callback", "<p>Back in the application</p>")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{stage.origin}/login")
    page.get_by_label("Email address").fill("maya@alder.example")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Continue").click()
    if arrives:
        expect(page.get_by_text("Back in the application")).to_be_visible()
    else:
        page.wait_for_function("true")
        expect(page.get_by_label("Email address")).to_be_visible()
        assert any("form-action" in text for text in refused), json.dumps(refused)
