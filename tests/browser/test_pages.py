"""Pages in Chromium: nothing for axe-core to find, the keyboard is enough, nothing is cut off when enlarged."""

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from rxauth.edge import pages
from tests.browser.stage import SENT, Stage
from tests.edge.page_sample import FORM, Sample
from tests.edge.page_samples import LOGIN, PROFILE, SAMPLES, SET_UP

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
# What passes is looked at as well, but not described.
RUN = "axe.run({resultTypes: ['violations']}).then((result) => result.violations)"
IDS = [sample.name for sample in SAMPLES]
STAYING = [sample for sample in SAMPLES if sample.template != "leave.html"]  # that one goes elsewhere by itself
ONE_OF_EACH = list({sample.template: sample for sample in STAYING}.values())
# Every page is looked at on a small dark screen, and one of each template on a large light one.
LOOKS: tuple[tuple[int, Literal["light", "dark"], list[Sample]], ...] = (
    (360, "dark", STAYING),
    (1280, "light", ONE_OF_EACH),
)
LONG_NAME = "عيادة الأرز " * 800 + "W" * 10_000  # many words from right to left, and one that nothing breaks
WRONG = LOGIN | {"email": "maya@alder.example", "error": "They do not belong together."}


def violations(page: Page) -> list[str]:
    """Lists what axe-core finds wrong, best practices included; a page has it already, or is given it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [f"{one['id']}: {node['html']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def scrolls_sideways(page: Page) -> bool:
    """Tells whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def focused(page: Page) -> str:
    """Returns what has the focus: the text of a link or button, or the name of a field."""
    return str(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))


@pytest.mark.parametrize(("width", "scheme", "samples"), LOOKS, ids=["360-dark", "1280-light"])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, stage: Stage, width: int, scheme: Any, samples: list[Sample]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.add_init_script(AXE.read_text())
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.title()}: {message.text}"))
    found = {}
    for sample in samples:
        stage.put("/", sample.page())
        page.goto(stage.origin)
        found[sample.name] = [*violations(page), *(["it scrolls sideways"] if scrolls_sideways(page) else [])]
    context.close()
    assert {name: one for name, one in found.items() if one} == {}
    assert complaints == []


def test_nothing_is_cut_off_at_twice_the_size_however_long_the_names(browser: Browser, stage: Stage) -> None:
    # Zoom halves the room and doubles the density of what is drawn (WCAG 2.2 §1.4.4, §1.4.10).
    context = browser.new_context(viewport={"width": 320, "height": 400}, device_scale_factor=2)
    page = context.new_page()
    wide = []
    for sample in ONE_OF_EACH:
        named = sample.values.keys() & {"client_name", "organization_name", "email", "inviter", "first_name"}
        stage.put("/", sample.page(**dict.fromkeys(named, LONG_NAME)))
        page.goto(stage.origin)
        if scrolls_sideways(page):
            wide.append(sample.name)
    context.close()
    assert wide == []


def test_logging_in_takes_the_keyboard_alone(context: BrowserContext, stage: Stage) -> None:
    stage.put("/", pages.page("login.html", LOGIN | {"passkey_options": None}))
    page = context.new_page()
    page.goto(stage.origin)
    assert focused(page) == "email"
    page.keyboard.type("maya@alder.example")
    seen = []
    for _ in range(3):
        page.keyboard.press("Tab")
        seen.append(focused(page))
    assert seen == ["password", "Forgot your password?", "Continue"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_text(SENT)).to_contain_text("email=maya%40alder.example&password=correct+horse+battery")


def test_an_error_has_the_focus_and_leads_to_its_field(context: BrowserContext, stage: Stage) -> None:
    stage.put("/", pages.page("login.html", WRONG, status=422))
    page = context.new_page()
    page.goto(stage.origin)
    assert focused(page).startswith("There is a problem")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "password"
    assert page.title() == "Error: Log in to continue to Alder Scheduling"


def test_the_login_works_without_javascript(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(java_script_enabled=False)
    stage.put("/", pages.page("login.html", LOGIN))
    page = context.new_page()
    page.goto(stage.origin)
    assert not page.get_by_text("Use a passkey instead").is_visible()
    page.get_by_label("Email address").fill("maya@alder.example")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(SENT)).to_contain_text("act=password&email=maya%40alder.example")
    context.close()


def test_what_a_form_sends_twice_is_sent_once(context: BrowserContext, stage: Stage) -> None:
    stage.put("/", pages.page("logout.html", FORM | {"client_name": None, "cancel_url": None}))
    page = context.new_page()
    sent = []
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    page.goto(stage.origin)
    page.evaluate("() => { const button = document.querySelector('button'); button.click(); button.click(); }")
    expect(page.get_by_text(SENT)).to_be_visible()
    assert sent == ["POST"]


def test_a_moment_is_told_in_the_zone_of_who_reads_it(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(timezone_id="America/New_York")
    stage.put("/", next(sample for sample in SAMPLES if sample.name == "mails").page())
    page = context.new_page()
    page.goto(stage.origin)
    moment = page.locator("time").first
    expect(moment).to_have_text("23 November 2026, 06:59")
    expect(moment).to_have_attribute("title", "23 November 2026, 11:59:00 UTC")
    context.close()


def test_a_key_is_copied_without_the_spaces_that_it_is_shown_with(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    stage.put("/", pages.page("set_up_factor.html", SET_UP))
    page = context.new_page()
    page.goto(stage.origin)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == SET_UP["secret"]
    context.close()


def test_a_page_asks_nobody_but_this_server(context: BrowserContext, stage: Stage) -> None:
    stage.put("/", pages.page("account_profile.html", PROFILE))
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(stage.origin, wait_until="networkidle")
    assert [url for url in asked if not re.match(rf"{stage.origin}/", url)] == []
