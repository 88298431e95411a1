"""The example of a single-page application, started by its own command, in Chromium: a provider prescribes with it."""

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.examples import ROOT, Example
from tests.conftest import make_world
from tests.live import at_its_issuer
from tests.world import Template


@pytest.fixture(scope="module")
def example(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """One server and one example for the whole module."""
    made = Example(
        at_its_issuer(make_world("sqlite", templates, tmp_path_factory)), "spa", tmp_path_factory.mktemp("spa")
    )
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    return context.new_page()


def patient_in(example: Example, state: str) -> str:
    """Returns the last name of a patient who lives in a state."""
    asked = "{ patients(first: 100) { name { last } address { state } } }"
    found = example.live.data(example.reader(), asked)["patients"]
    return next(str(one["name"]["last"]) for one in found if one["address"] and one["address"]["state"] == state)


def open_patient(page: Page, example: Example, name: str, patient: str) -> None:
    """Signs somebody in, and opens a patient."""
    example.sign_in(page, name)
    expect(page.get_by_role("listitem")).to_have_count(20)
    page.get_by_label("Name").fill(patient)
    page.get_by_role("button", name=patient).first.click()
    expect(page.get_by_role("heading", name=patient)).to_be_visible()


def test_a_provider_finds_a_patient_and_signs_a_prescription(page: Page, example: Example) -> None:
    open_patient(page, example, "ada", patient_in(example, "NY"))
    page.get_by_label("Find a medication").fill("amox")
    page.get_by_label("Medication", exact=True).select_option(index=1)
    page.get_by_label("Instructions").fill("Take one in the evening")
    page.get_by_role("button", name="Sign the prescription").click()
    expect(page.get_by_role("listitem").filter(has_text="Take one in the evening (ACTIVE)")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Sign in to see your patients.")).to_be_visible()


def test_a_refusal_says_why_where_everybody_looks(page: Page, example: Example) -> None:
    open_patient(page, example, "ada", patient_in(example, "CA"))
    page.get_by_label("Find a medication").fill("amox")
    page.get_by_label("Medication", exact=True).select_option(index=1)
    page.get_by_role("button", name="Sign the prescription").click()
    expect(page.get_by_role("alert")).to_contain_text("CA")


def test_patients_that_the_backend_synced_are_found(page: Page, example: Example) -> None:
    done = subprocess.run(
        [ROOT / "examples" / "backend" / "start"], env=example.environment, check=True, text=True, stdout=-1
    )
    assert done.stdout == "5 created, 0 updated, 0 unchanged, 0 refused\n"
    open_patient(page, example, "ben", "Castellano")


def test_who_may_not_prescribe_is_offered_no_form(page: Page, example: Example) -> None:
    open_patient(page, example, "ben", patient_in(example, "NY"))
    expect(page.get_by_text("Only authorized providers prescribe.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign the prescription")).to_have_count(0)


def test_its_code_type_checks(example: Example) -> None:
    example.check_types()
