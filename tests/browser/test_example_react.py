"""The example in React, started by its own command, in Chromium: orders are seen, and canceled by who may."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.examples import Example
from tests.conftest import make_world
from tests.live import at_its_issuer
from tests.world import Template


@pytest.fixture(scope="module")
def example(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """One server and one example for the whole module."""
    made = Example(
        at_its_issuer(make_world("sqlite", templates, tmp_path_factory)), "react", tmp_path_factory.mktemp("react")
    )
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    return context.new_page()


def number_of(example: Example, state: str) -> int:
    """Counts the orders of a state."""
    asked = f"{{ orders(first: 100, filter: {{ state: {state} }}) {{ id }} }}"
    return len(example.live.data(example.reader(), asked)["orders"])


def test_medical_operations_cancels_an_order(page: Page, example: Example) -> None:
    waiting = number_of(example, "ROUTING")
    assert 0 < waiting <= 20
    example.sign_in(page, "cleo")
    page.get_by_label("State").select_option("ROUTING")
    expect(page.get_by_role("listitem")).to_have_count(waiting)
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_role("listitem")).to_have_count(waiting - 1)
    assert number_of(example, "ROUTING") == waiting - 1
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Sign in to see your organization's orders.")).to_be_visible()


def test_who_only_sees_orders_is_offered_nothing_else(page: Page, example: Example) -> None:
    example.sign_in(page, "ben")
    expect(page.get_by_role("listitem").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_its_code_type_checks(example: Example) -> None:
    example.check_types()
