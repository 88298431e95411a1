"""The example of a single-page application, started by its own command, in Chromium: a provider prescribes with it."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from rxauth.domain import clients, memberships, peoples_clients
from rxauth.domain.client_urls import Registered
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests import providers
from tests.browser.apps import log_in
from tests.conftest import make_world
from tests.live import Live, at_its_issuer, free_port, http_client
from tests.people import add_person
from tests.world import NOW, Template

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "spa"


class Practice:
    """A server with a provider, Ada, and a member of the staff, Ben; and the example, which they sign in to."""

    def __init__(self, live: Live) -> None:
        self.live = live
        port = free_port()
        self.url = f"http://localhost:{port}"
        client_id = live.server.database.write(self._fill)
        variables = {"VITE_RXAUTH_URL": live.server.audience, "VITE_RXAUTH_CLIENT_ID": client_id}
        self._vite = subprocess.Popen(
            [EXAMPLE / "start", "--port", str(port), "--logLevel", "error"],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
        )
        with http_client() as http:
            while not self._answers(http):
                assert self._vite.poll() is None
                time.sleep(0.02)

    def patient_in(self, state: str) -> str:
        """Returns the last name of a patient who lives in a state."""
        token = self.live.token(self.live.world.alder, audience=self.live.server.audience)
        found = self.live.data(token, "{ patients(first: 100) { name { last } address { state } } }")["patients"]
        return next(str(one["name"]["last"]) for one in found if one["address"] and one["address"]["state"] == state)

    def stop(self) -> None:
        """Stops the example and the server."""
        self._vite.terminate()
        self._vite.wait()
        self.live.stop()

    def _fill(self, tx: Transaction) -> str:
        alder = self.live.world.alder.organization_id
        ada, ben = (add_person(tx, f"{name}@example.com") for name in ("ada", "ben"))
        memberships.add(tx, alder, ada.id, [Role.PRESCRIBER], NOW)
        memberships.add(tx, alder, ben.id, [Role.STAFF], NOW)
        providers.authorize(tx, alder, ada.id)
        new = PeoplesClient("The example", clients.SPA, Registered((self.url,), (self.url,)))
        client_id, _ = peoples_clients.create_peoples_client(tx, alder, new, NOW)
        return client_id

    def _answers(self, http: httpx.Client) -> bool:
        try:
            return http.get(self.url).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def practice(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """One server and one example for the whole module."""
    made = Practice(at_its_issuer(make_world("sqlite", templates, tmp_path_factory)))
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    context.set_default_timeout(10_000)
    return context.new_page()


def opened(page: Page, practice: Practice, email: str, patient: str) -> None:
    """Signs somebody in, and opens a patient."""
    page.goto(practice.url)
    page.get_by_role("button", name="Sign in").click()
    log_in(page, email)
    expect(page.get_by_role("listitem")).to_have_count(20)
    page.get_by_label("Name").fill(patient)
    page.get_by_role("button", name=patient).first.click()
    expect(page.get_by_role("heading", name=patient)).to_be_visible()


def test_a_provider_finds_a_patient_and_signs_a_prescription(page: Page, practice: Practice) -> None:
    opened(page, practice, "ada@example.com", practice.patient_in("NY"))
    page.get_by_label("Find a medication").fill("amox")
    page.get_by_label("Medication", exact=True).select_option(index=1)
    page.get_by_label("Instructions").fill("Take one in the evening")
    page.get_by_role("button", name="Sign the prescription").click()
    expect(page.get_by_role("listitem").filter(has_text="Take one in the evening (ACTIVE)")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Sign in to see your patients.")).to_be_visible()


def test_a_refusal_says_why_where_everybody_looks(page: Page, practice: Practice) -> None:
    opened(page, practice, "ada@example.com", practice.patient_in("CA"))
    page.get_by_label("Find a medication").fill("amox")
    page.get_by_label("Medication", exact=True).select_option(index=1)
    page.get_by_role("button", name="Sign the prescription").click()
    expect(page.get_by_role("alert")).to_contain_text("CA")


def test_who_may_not_prescribe_is_offered_no_form(page: Page, practice: Practice) -> None:
    opened(page, practice, "ben@example.com", practice.patient_in("NY"))
    expect(page.get_by_text("Only authorized providers prescribe.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign the prescription")).to_have_count(0)


def test_its_code_type_checks() -> None:
    subprocess.run([ROOT / "sdk" / "node_modules" / ".bin" / "tsc", "--project", EXAMPLE], check=True)
