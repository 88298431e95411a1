"""Every settings page and every act of it: who gets in, whose records it touches, and what it does with bad input."""

from collections.abc import Iterator
from typing import Final

import pytest

from rxauth.edge.cookies import NAME
from rxauth.edge.forms import token
from rxauth.edge.settings.frame import ORGANIZATION_TABS
from rxauth.edge.settings.sections import Section
from rxauth.edge.settings.table import SECTIONS
from rxauth.policy.roles import Role
from tests.browsing import Browser
from tests.conftest import make_world
from tests.edge.settings.furnished import Furnished, opened_by
from tests.live import Live
from tests.world import StandingClock, Template

HOSTILE: Final = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
PATHS: Final = [section.path for section in SECTIONS]
# A treatment belongs to no organization.
WITH_PARTS: Final = [section for section in SECTIONS if "{" in section.path and "{treatment}" not in section.path]
WITH_ACTS: Final = [section for section in SECTIONS if section.acts]
# A field that a form does not have, and that its record may.
EXTRA: Final = {
    "organization_id": "org_01",
    "organizationId": "org_01",
    "permissions": "write:prescription",
    "is_authorized": "true",
    "third_party": "true",
    "any_organization": "true",
    "id": "usr_01",
}


def named(section: Section) -> str:
    """Returns what a test calls a page."""
    return section.path.removeprefix("/settings/")


@pytest.fixture(scope="module")
def place(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """Two clinics for the whole module; its tests leave what they find."""
    live = Live(make_world("sqlite", templates, tmp_path_factory), StandingClock())
    try:
        furnished = Furnished(live)
        yield furnished
        furnished.close()
    finally:
        live.stop()


@pytest.fixture(scope="module")
def browsers(place: Furnished) -> dict[Role, Browser]:
    """Somebody of each role, signed in."""
    return {role: place.browser(role, user_id=place.alder.people[role]) for role in Role}


def test_every_tab_is_a_page_and_every_page_belongs_to_a_tab() -> None:
    tabs = {tab.path: tab for tabs in ORGANIZATION_TABS.values() for tab in tabs}
    sections = {section.path: section for section in SECTIONS}
    assert tabs.keys() <= sections.keys()
    assert {section.tab for section in SECTIONS} <= {tab.name for tab in tabs.values()}
    assert all(sections[path].opens == tab.opens for path, tab in tabs.items())


@pytest.mark.parametrize("section", SECTIONS, ids=named)
def test_a_page_opens_to_the_roles_that_hold_its_permission_and_says_so_to_the_others(
    place: Furnished, browsers: dict[Role, Browser], section: Section
) -> None:
    """M-13, V-02."""
    for role, browser in browsers.items():
        answer = browser.send("GET", place.path(section.path))
        is_open = opened_by([role], section.opens)
        assert answer.status_code == (200 if is_open else 403), (role, answer.headers.get("location"))
        if not is_open:
            assert browser.heading() == "You cannot open this page"
            assert all(name in answer.text for name in section.opens)
        links = {tab.path for tabs in ORGANIZATION_TABS.values() for tab in tabs if opened_by([role], tab.opens)}
        shown = {tab.path for tabs in ORGANIZATION_TABS.values() for tab in tabs if f'href="{tab.path}"' in answer.text}
        assert shown == links, role


@pytest.mark.parametrize("section", WITH_PARTS, ids=named)
def test_a_page_of_another_organization_is_a_page_that_there_is_not(place: Furnished, section: Section) -> None:
    """M-10, M-25: what is another clinic's answers what an identifier answers that nothing has."""
    browser = place.browser(*Role)
    theirs = browser.send("GET", place.path(section.path, place.birch))
    absent = browser.send("GET", place.path(section.path, is_absent=True))
    assert theirs.status_code == absent.status_code == 404
    assert theirs.text == absent.text


@pytest.mark.parametrize("section", WITH_ACTS, ids=named)
def test_an_act_is_done_by_nobody_who_may_not_open_its_page(
    place: Furnished, browsers: dict[Role, Browser], section: Section
) -> None:
    """M-13: the URL is called directly, with a form token that is good."""
    before = place.rows()
    path = place.path(section.path)
    for role, browser in browsers.items():
        if opened_by([role], section.opens):
            continue
        for act in section.acts:
            fields = {"csrf": token(browser.cookies[NAME], path), "act": act, "once": f"{role}{act}"}
            assert browser.send("POST", path, data=fields).status_code == 403
    assert place.rows() == before


@pytest.mark.parametrize("section", WITH_ACTS, ids=named)
def test_no_act_touches_another_organization_whatever_its_form_says(place: Furnished, section: Section) -> None:
    """M-10, M-11, M-12."""
    browser = place.browser(*Role)
    before = place.rows(place.birch.organization_id)
    path = place.path(section.path)
    for other in (False, True):
        target = place.path(section.path, place.birch) if other else path
        for form in _forms(browser, path):
            sent = place.foreign(form) | EXTRA | {"csrf": token(browser.cookies[NAME], target), "once": f"{other}"}
            answer = browser.send("POST", target, data=sent)
            assert answer.status_code in {200, 303, 403, 404, 409, 422}, answer.text
    assert place.rows(place.birch.organization_id) == before


@pytest.mark.parametrize("section", WITH_ACTS, ids=named)
def test_bad_input_is_refused_beside_its_field_and_never_becomes_markup(place: Furnished, section: Section) -> None:
    browser = place.browser(*Role)
    path = place.path(section.path)
    for value in ("W" * 10_000, HOSTILE, "\x00", "", "-1", "9" * 30):
        for form in _forms(browser, path):
            typed = {name: value for name in form if name not in {"csrf", "act", "seen", "once"}}
            answer = browser.send("POST", path, data=form | typed)
            assert answer.status_code in {200, 303, 403, 404, 409, 422}, answer.text
            assert "<script>alert" not in answer.text
            assert "onerror=alert(1)>" not in answer.text
            follow = answer.headers.get("location", "")
            if follow.startswith("/settings"):
                assert "<script>alert" not in browser.send("GET", follow).text


def _forms(browser: Browser, path: str) -> list[dict[str, str]]:
    """Returns the fields of each form of a page that does something, as it would be sent."""
    browser.open(path)
    found = []
    for one in browser.forms():
        acts = [value for name, value in one.buttons if name == "act"]
        found += [one.fields | {"act": act} for act in acts]
        found += [one.fields] if "act" in one.fields else []
    return found
