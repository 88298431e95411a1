"""The lines that an app's page offers, in Chromium: pasted as they stand, they sign somebody in."""

import subprocess
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from rxauth.domain import apps, memberships
from rxauth.domain.apps import Wanted
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browser.apps import HERE, App, log_in
from tests.browser.sdk_apps import SDK
from tests.live import at_its_issuer, decode
from tests.people import add_person
from tests.world import NOW, World


def bundled(folder: Path, page: Page, name: str) -> str:
    """Returns lines that a page offers as a script; what they export is `app.…`."""
    lines = page.locator(f"#snippet-{name}").text_content()
    assert lines is not None
    (folder / f"{name}.jsx").write_text(lines)
    program = str(HERE / "node_modules" / ".bin" / "esbuild")
    command = [program, f"{name}.jsx", "--bundle", "--format=iife", "--global-name=app", "--log-level=warning"]
    command += [f"--alias:@rxauth/sdk={SDK / 'src' / 'index.ts'}"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_lines_of_an_apps_page_sign_somebody_in(
    sqlite_world: World, context: BrowserContext, tmp_path: Path
) -> None:
    live, app = at_its_issuer(sqlite_world), App()
    alder = sqlite_world.alder.organization_id

    def fill(tx: Transaction) -> str:
        memberships.add(tx, alder, add_person(tx, "ada@example.com").id, [Role.DEVELOPER], NOW)
        return apps.create(tx, alder, Wanted("Charts", "spa", (app.origin,)), (), NOW).id

    client_id = live.server.database.write(fill)
    page = context.new_page()
    page.goto(f"{live.server.issuer}settings/developers/apps/{client_id}")
    log_in(page)
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    scripts = {name: bundled(tmp_path, page, name) for name in ("own", "spa", "sdk", "react")}
    app.script = scripts["own"]
    page.goto(app.origin)
    assert page.evaluate("app.start()") is None
    page.evaluate("void app.signIn()")
    page.wait_for_url(f"{app.origin}/?code=*")
    assert page.evaluate("app.start()")["email"] == "ada@example.com"

    app.script = scripts["spa"]
    page.goto(app.origin)
    assert page.evaluate("app.start()") is None
    page.evaluate("void app.signIn()")
    page.wait_for_url(f"{app.origin}/?code=*")
    user = page.evaluate("app.start()")

    assert (user["email"], user["org_id"]) == ("ada@example.com", alder)
    token = page.evaluate("app.auth0.getTokenSilently()")
    assert decode(token)[1]["client_id"] == client_id
    assert live.data(token, "{ apps { id } }") == {"apps": [{"id": client_id}]}

    app.script = scripts["sdk"]  # of the same client, which remembers who is there
    page.goto(app.origin)
    assert page.evaluate("app.start()") == user
    app.script = scripts["react"]
    page.goto(app.origin)
    assert page.evaluate("typeof app.Photon") == "function"
    app.stop()
    live.stop()
