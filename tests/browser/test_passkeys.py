"""The script for passkeys, with Chromium's virtual authenticator: what comes of them is sent as a form."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from rxauth.edge import pages
from tests.browser.stage import SENT, Stage
from tests.edge.page_samples import ASKED, LOGIN, OFFERED, SECURITY

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    return context.new_page()


@pytest.fixture
def authenticator(page: Page) -> Iterator[tuple[CDPSession, str]]:
    """An authenticator that agrees to everything at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield session, made["authenticatorId"]
    session.detach()


def sent(page: Page) -> dict[str, str]:
    """Returns the form that arrived."""
    text = page.get_by_text(SENT)
    expect(text).to_be_visible()
    return {name: values[0] for name, values in parse_qs((text.text_content() or "").removeprefix(f"{SENT} ")).items()}


def security(**changes: Any) -> Any:
    """Returns the page on which a passkey is added."""
    return pages.page("account_security.html", SECURITY | changes)


@pytest.mark.usefixtures("authenticator")
def test_a_passkey_is_made_and_then_proves_its_person(page: Page, stage: Stage) -> None:
    options = OFFERED | {"authenticatorSelection": {"residentKey": "required", "userVerification": "required"}}
    stage.put("/", security(passkey_options=options))
    page.goto(stage.origin)
    page.get_by_label("Name of the passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    form = sent(page)
    made = json.loads(form["passkey"])
    assert (form["act"], form["csrf"], form["name"]) == ("passkey", "a-token-of-a-form", "My laptop")
    assert made["type"] == "public-key"
    assert made["response"]["attestationObject"]
    assert made["response"]["transports"] == ["internal"]

    stage.put("/login", pages.page("login.html", LOGIN | {"passkey_options": ASKED}))
    page.goto(f"{stage.origin}/login")
    page.get_by_role("button", name="Use a passkey instead").click()
    proof = json.loads(sent(page)["passkey"])
    assert proof["id"] == proof["rawId"] == made["id"]
    assert proof["response"]["userHandle"] == OFFERED["user"]["id"]  # type: ignore[index]
    assert {"authenticatorData", "signature", "clientDataJSON"} <= proof["response"].keys()


def test_a_refusal_says_what_to_do_and_the_button_works_again(
    page: Page, stage: Stage, authenticator: tuple[CDPSession, str]
) -> None:
    session, authenticator_id = authenticator
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator_id, "isUserVerified": False})
    options = OFFERED | {"authenticatorSelection": {"residentKey": "required", "userVerification": "required"}}
    stage.put("/", security(passkey_options=options))
    page.goto(stage.origin)
    button = page.get_by_role("button", name="Add a passkey")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("Press the button to try again.")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator_id, "isUserVerified": True})
    button.click()
    assert sent(page)["passkey"]


def test_a_browser_without_passkeys_is_not_offered_any(context: BrowserContext, stage: Stage) -> None:
    context.add_init_script("delete window.PublicKeyCredential")
    page = context.new_page()
    stage.put("/", pages.page("login.html", LOGIN))
    page.goto(stage.origin)
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert not page.get_by_text("Use a passkey instead").is_visible()
