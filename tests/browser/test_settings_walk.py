"""Every settings page in Chromium, as each role: what is on the list, what opens, and what axe-core finds on it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rxauth.edge.settings.frame import ORGANIZATION_TABS
from rxauth.edge.settings.table import SECTIONS
from rxauth.policy.roles import Role
from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_pages import scrolls_sideways, violations
from tests.conftest import make_world
from tests.edge.settings.furnished import Furnished, opened_by
from tests.live import at_its_issuer
from tests.world import Template

TABS = [tab for tabs in ORGANIZATION_TABS.values() for tab in tabs]


@pytest.fixture(scope="module")
def place(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """Two clinics on a server that Chromium finds where it says it is."""
    live = at_its_issuer(make_world("sqlite", templates, tmp_path_factory))
    try:
        furnished = Furnished(live)
        yield furnished
        furnished.close()
    finally:
        live.stop()


def signed_in(browser: Browser, place: Furnished, *roles: Role, **options: Any) -> Page:
    """Returns a page of somebody with these roles; with one, of the member of the clinic who has it."""
    context = browser.new_context(base_url=place.live.server.issuer, reduced_motion="reduce", **options)
    user_id = place.alder.people[roles[0]] if len(roles) == 1 else None
    context.set_default_timeout(PATIENCE_MS)
    for name, value in place.browser(*roles, user_id=user_id).cookies.items():
        host = {"name": name, "value": value, "domain": "localhost", "path": "/", "secure": True, "httpOnly": True}
        context.add_cookies([host])  # type: ignore[list-item]
    return context.new_page()


def looked_at(page: Page, path: str) -> list[str]:
    """Opens a page; returns what is wrong with it."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.removeprefix("/"))
    found = [*violations(page), *complaints]
    return [*found, "it scrolls sideways"] if scrolls_sideways(page) else found


@pytest.mark.parametrize("role", Role, ids=str)
def test_each_role_finds_its_tabs_and_is_told_why_the_others_stay_shut(
    browser: Browser, place: Furnished, role: Role
) -> None:
    page = signed_in(browser, place, role)
    page.goto("settings")
    shown = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    wrong: dict[str, Any] = {}
    for tab in TABS:
        is_open = opened_by([role], tab.opens)
        assert (tab.title in shown) is is_open, tab.title
        if is_open:
            page.get_by_role("navigation").get_by_role("link", name=tab.title, exact=True).click()
            expect(page.get_by_role("navigation").locator("[aria-current]")).to_have_text(tab.title)
            wrong[tab.path] = violations(page)
        else:
            page.goto(tab.path.removeprefix("/"))
            assert page.get_by_role("heading", level=1).inner_text() == "You cannot open this page"
    page.context.close()
    assert {path: found for path, found in wrong.items() if found} == {}


def test_axe_finds_nothing_on_any_page_with_real_records(browser: Browser, place: Furnished) -> None:
    page = signed_in(browser, place, *Role, viewport={"width": 360, "height": 800}, color_scheme="dark")
    found = {section.path: looked_at(page, place.path(section.path)) for section in SECTIONS}
    page.context.close()
    assert {path: one for path, one in found.items() if one} == {}
