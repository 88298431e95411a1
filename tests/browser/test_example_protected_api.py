"""The example of an API of one's own, with its page, started by its own command, in Chromium: its token opens it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.examples import Example
from tests.conftest import make_world
from tests.live import at_its_issuer
from tests.world import Template


@pytest.fixture(scope="module")
def example(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """One server and one example for the whole module."""
    live = at_its_issuer(make_world("sqlite", templates, tmp_path_factory))
    made = Example(live, "protected-api", tmp_path_factory.mktemp("protected"), "--log-level")
    yield made
    made.stop()


def test_medical_operations_adds_a_visit_and_signs_out(context: BrowserContext, example: Example) -> None:
    page = context.new_page()
    example.sign_in(page, "cleo")
    page.get_by_label("Patient").fill("pat_1")
    page.get_by_label("Day").fill("2031-05-06")
    page.get_by_label("Reason").fill("Check-up")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem")).to_have_text(["2031-05-06 pat_1: Check-up"])
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Nobody is signed in.")).to_be_visible()


def test_who_lacks_the_permission_reads_that(context: BrowserContext, example: Example) -> None:
    page = context.new_page()
    example.sign_in(page, "dan")
    expect(page.get_by_role("alert")).to_contain_text("403: ")
    expect(page.get_by_role("button", name="Add")).to_have_count(0)
