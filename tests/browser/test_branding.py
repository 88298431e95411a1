"""A logo and a colour, from the settings to the login page, in a real browser under a strict policy."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.live import Live, at_its_issuer
from tests.people import PASSWORD
from tests.pictures import PNG, WEBP
from tests.signing_in import Cast
from tests.world import World

USUAL_DARK = "rgb(122, 211, 185)"
PURPLE = "rgb(124, 31, 160)"


@pytest.mark.parametrize(("name", "content"), [("logo.png", PNG), ("a logo.webp", WEBP)])
def test_a_logo_and_a_colour_are_set_by_hand_and_seen_where_people_sign_in(
    browser: Browser, sqlite_world: World, tmp_path: Path, name: str, content: bytes
) -> None:
    live = at_its_issuer(sqlite_world)
    try:
        see(browser, live, tmp_path / name, content)
    finally:
        live.stop()


def see(browser: Browser, live: Live, file: Path, content: bytes) -> None:
    """Sets both as somebody of the staff, and looks as a stranger."""
    cast = Cast(live)
    file.write_bytes(content)
    context = browser.new_context(color_scheme="light")
    issuer = live.server.issuer
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{issuer}settings/organization/branding")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Picture").set_input_files(file)
    page.get_by_role("button", name="Upload the logo").click()
    expect(page.get_by_role("status")).to_have_text("The logo was changed.")
    page.get_by_label("Accent colour").fill("#7c1fa0")
    page.get_by_role("button", name="Save the colour").click()
    expect(page.get_by_role("status")).to_have_text("The colour was changed.")

    stranger = browser.new_context(color_scheme="light")
    login = stranger.new_page()
    login.on("console", lambda message: complaints.append(message.text))
    login.goto(issuer.rstrip("/") + cast.request(organization=live.world.alder.organization_id))
    logo, button = login.locator("img.logo"), login.get_by_role("button", name="Continue")
    assert logo.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [120, 40]
    assert button.evaluate("one => getComputedStyle(one).backgroundColor") == PURPLE
    login.emulate_media(color_scheme="dark")
    expect(button).to_have_css("background-color", USUAL_DARK)
    assert complaints == []
    stranger.close()
    context.close()
