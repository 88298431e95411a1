"""An organization's first hour, from the invitation of its administrator to a provider who may prescribe.

`--pictures` puts what the pages look like into the guide that tells the story.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from rxauth.domain import invites, organizations
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.invites import Asked
from rxauth.domain.mails import Outbox
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_passkeys import AUTHENTICATOR
from tests.conftest import make_world
from tests.live import Live, at_its_issuer, decode
from tests.people import letters
from tests.world import Template

PICTURES = Path(__file__).parent.parent.parent / "docs" / "images" / "first-hour"
GUIDE = PICTURES.parent.parent / "guides" / "first-hour.md"
PASSWORD = "mauve tin lorry wharf anvil"
NPI = "1234567893"
LICENSED_UNTIL = f"{time.gmtime().tm_year + 1}-12-31"


class Story:
    """A server, an organization that is new on it, and the browsers of its people."""

    def __init__(self, live: Live, browser: Browser, pictures: Path | None) -> None:
        self.live = live
        self._browser = browser
        self._pictures = pictures
        self.organization_id = live.server.database.write(self._begin)

    def _begin(self, transaction: Transaction) -> str:
        now = self.live.clock.seconds()
        made = organizations.create(transaction, "Juniper Clinic", now)
        asked = Asked("ruth@juniper.example", frozenset({Role.ADMINISTRATOR}))
        invites.create(transaction, made.id, asked, self.outbox(), now)
        return made.id

    def outbox(self) -> Outbox:
        """Returns where letters are put, with links to this server."""
        return Outbox(self.live.server.issuer, self.live.server.sealing_key)

    def link_to(self, email: str) -> str:
        """Returns the link in the last letter to an address."""
        found = letters(self.live.server.database, self.live.world, email)
        [text] = [line for letter in found for line in letter.text.splitlines() if line.startswith("http")]
        return text

    def somebody(self) -> Page:
        """Returns a page of a browser that nobody used, with a device that makes passkeys."""
        context: BrowserContext = self._browser.new_context(
            viewport={"width": 1100, "height": 760}, base_url=self.live.server.issuer, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        return page

    def look(self, page: Page, name: str) -> None:
        """Keeps what a page looks like, if it is wanted; and time goes on."""
        self.live.clock.advance(3)
        if self._pictures is not None:
            page.screenshot(path=self._pictures / f"{name}.png", full_page=True)


@pytest.fixture
def story(
    browser: Browser, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory, request: Any
) -> Iterator[Story]:
    """The story, before its first page."""
    live = at_its_issuer(make_world("sqlite", templates, tmp_path_factory))
    try:
        yield Story(live, browser, PICTURES if request.config.getoption("--pictures") else None)
    finally:
        live.stop()


def join(story: Story, page: Page, email: str, first: str, last: str) -> None:
    """Follows the link in an invitation, and signs in with the new account."""
    page.goto(story.link_to(email))
    page.get_by_label("First name").fill(first)
    page.get_by_label("Last name").fill(last)
    page.get_by_label("Password").fill(PASSWORD)
    story.look(page, f"{first.lower()}-accepts")
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.get_by_label("First name")).to_be_hidden()
    page.goto("settings")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def add_passkey(story: Story, page: Page, picture: str) -> None:
    """Adds a passkey on the page that lists how one signs in."""
    page.get_by_role("link", name="Security").click()
    page.get_by_label("Name of the passkey").fill("Office laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("Office laptop")).to_be_visible()
    story.look(page, picture)


def make_secret(story: Story, page: Page) -> str:
    """Makes the machine client and its secret; returns the command that gets a token."""
    page.get_by_role("link", name="Machine client").click()
    page.get_by_role("button", name="Make the machine client").click()
    expect(page.get_by_role("status")).to_contain_text("The machine client was made.")
    page.get_by_role("link", name="New secret").click()
    page.get_by_label("Name").fill("Production")
    page.get_by_role("button", name="Make the secret").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new secret")
    story.look(page, "secret")
    return page.locator("#curl-json").inner_text()


def invite(story: Story, page: Page, email: str, role: str, picture: str | None = None) -> None:
    """Invites somebody to a role."""
    page.get_by_role("link", name="Team").click()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Email address").fill(email)
    page.get_by_label(role, exact=True).check()
    if picture is not None:
        story.look(page, picture)
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("status")).to_be_visible()
    story.live.clock.advance(3)


def prove(page: Page) -> None:
    """Proves the second factor, which the next page asks for."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    page.get_by_role("button", name="Use your passkey").click()


def propose(story: Story, page: Page, name: str) -> None:
    """Proposes a provider with one licence."""
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("link", name="Propose a provider").click()
    page.get_by_role("link", name=f"Propose {name}").click()
    prove(page)
    page.get_by_label("NPI").fill(NPI)
    page.get_by_label("State").select_option("NY")
    page.get_by_label("Number", exact=True).fill("123456")
    page.get_by_label("Last day").first.fill(LICENSED_UNTIL)
    expect(page.get_by_role("button", name="Propose").last).to_be_visible()
    for label in ("Checked against", "Where to find it there"):
        for number in range(page.get_by_label(label).count()):
            page.get_by_label(label).nth(number).fill(
                "The board's register" if label == "Checked against" else "Page 1"
            )
    story.look(page, "propose")
    page.get_by_role("button", name="Propose").last.click()
    expect(page.get_by_role("status")).to_be_visible()
    story.look(page, "proposed")


def approve(story: Story, page: Page, name: str) -> None:
    """Approves what somebody else proposed."""
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("link", name=name).first.click()
    story.look(page, "approve")
    page.get_by_role("button", name="Approve").click()
    prove(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_be_visible()
    story.look(page, "approved")


def test_an_organization_s_first_hour(story: Story) -> None:
    ruth, max_, ida = (story.somebody() for _ in range(3))
    join(story, ruth, "ruth@juniper.example", "Ruth", "Alder")
    expect(ruth.get_by_role("heading", level=1)).to_have_text("Machine client")
    story.look(ruth, "nothing-yet")
    add_passkey(story, ruth, "passkey")
    command = make_secret(story, ruth)
    pasted = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    _, claims = decode(json.loads(pasted.stdout)["access_token"])
    assert claims["org_id"] == story.organization_id
    assert "write:prescription" not in claims["permissions"]

    invite(story, ruth, "max@juniper.example", "Prescriber", "invite")
    invite(story, ruth, "ida@juniper.example", "Administrator")
    join(story, max_, "max@juniper.example", "Max", "Moreau")
    ruth.get_by_role("link", name="Team").click()
    expect(ruth.get_by_text("Prescriber: waits")).to_be_visible()
    story.look(ruth, "team")
    propose(story, ruth, "Max Moreau")
    join(story, ida, "ida@juniper.example", "Ida", "Stone")
    add_passkey(story, ida, "second-person")
    approve(story, ida, "Max Moreau")
    server = story.live.server
    Sequencer(server.database, server.clock, server.sealing_key, None).work_once()
    ruth.get_by_role("link", name="Activity").click()
    expect(ruth.get_by_text("Ida Stone").first).to_be_visible()
    story.look(ruth, "activity")


def test_the_guide_shows_the_pictures_that_the_story_takes() -> None:
    shown = set(re.findall(r"\(\.\./images/first-hour/([\w-]+)\.png\)", GUIDE.read_text()))
    assert shown <= {path.stem for path in PICTURES.iterdir()}
    assert shown <= set(re.findall(r'"([\w-]+)"', Path(__file__).read_text())) | {"ruth-accepts"}
