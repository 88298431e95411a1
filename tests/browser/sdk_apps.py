"""Pages that use the SDK as it stands in `sdk/src`, and the server that they sign in to."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyotp
from playwright.sync_api import BrowserContext

from rxauth.domain import clients, invites, memberships, peoples_clients, sessions, totp
from rxauth.domain.client_urls import Registered
from rxauth.domain.mails import Outbox
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browser.apps import PAGE, App
from tests.live import at_its_issuer
from tests.people import add_person, link_written
from tests.world import ISSUER, NOW, World

ROOT: Final = Path(__file__).parents[2]
SDK: Final = ROOT / "sdk"
GUIDE: Final = ROOT / "docs" / "guides" / "frontend-sdk.md"
QUICKSTART: Final = ROOT / "docs" / "quickstart" / "frontend.md"
DOCUMENTED: Final = ("http://localhost:8000", "CLIENT_ID")
# What each page has: the SDK itself, for tests to call as `app.…` and `auth`, or the guide's own code.
TESTED: Final = """
    import * as app from "@rxauth/sdk";
    import * as operations from "@rxauth/sdk/operations";
    const auth = app.createClient({ ...GIVEN, domain: "http://localhost:8000", clientId: "CLIENT_ID",
      audience: "http://localhost:8000" });
    Object.assign(window, { app: { ...app, operations }, auth });
    """
MOUNTED: Final = """
    import { StrictMode, createElement } from "react";
    import { createRoot } from "react-dom/client";
    import { App } from "./App";
    createRoot(document.body.appendChild(document.createElement("main")))
      .render(createElement(StrictMode, null, createElement(App)));
    """
MODULE: Final = PAGE.replace(b"<script", b'<script type="module"')
PAGES: Final = {
    "memory": TESTED.replace("GIVEN", "{}"),
    "stored": TESTED.replace("GIVEN", "{ storage: localStorage }"),
    "elsewhere": TESTED.replace("GIVEN", "{}"),
    "guide": 'import "./main"; import { auth } from "./auth"; Object.assign(window, { auth });',
    "react": MOUNTED,
    "quickstart": 'import "./first";',
}


def bundle(folder: Path) -> dict[str, str]:
    """Bundles the pages with the SDK as it stands in its sources, and the code of the guide as it stands there."""
    subprocess.run(["node", "tools/generate.mjs"], cwd=SDK, check=True)
    pages_of_docs = GUIDE.read_text() + QUICKSTART.read_text()
    for name, text in re.findall(r"^```tsx?\n// (\S+)\n(.*?)^```$", pages_of_docs, re.DOTALL | re.MULTILINE):
        (folder / name).write_text(text)
    for name, text in PAGES.items():
        (folder / f"page-{name}.ts").write_text(text)
    sources = {"": "index", "/operations": "operations", "/react": "react"}
    aliases = [f"--alias:@rxauth/sdk{name}={SDK / 'src' / file}.ts" for name, file in sources.items()]
    options = ["--bundle", "--format=esm", "--jsx=automatic", "--outdir=out", "--log-level=warning", *aliases]
    program, packages = SDK / "node_modules" / ".bin" / "esbuild", {"NODE_PATH": str(SDK / "node_modules")}
    pages = [f"page-{name}.ts" for name in PAGES]
    subprocess.run([program, *pages, *options], cwd=folder, check=True, env=os.environ | packages)
    return {name: (folder / "out" / f"page-{name}.js").read_text() for name in PAGES}


class SdkScene:
    """A server, its people, and each page as an application on an origin of its own.

    Ada and Cleo are administrators of Alder; Ben is one too, and a member of Birch's staff.
    `stored` keeps its tokens; `elsewhere` is of another site than the server, so that frames get no cookie there.
    """

    def __init__(self, world: World, folder: Path) -> None:
        # Sessions outlive their tokens by far.
        settings = replace(world.settings, session_idle_s=36_000, session_lifetime_s=360_000)
        self.live = at_its_issuer(replace(world, settings=settings))
        self.alder, self.birch = world.alder.organization_id, world.birch.organization_id
        self.apps = {name: App(MODULE) for name in PAGES}
        self.apps["elsewhere"].origin = self.apps["elsewhere"].origin.replace("localhost", "127.0.0.1")
        self.client_id = self.live.server.database.write(self._fill)
        for name, script in bundle(folder).items():
            url, client_id = DOCUMENTED
            self.apps[name].script = script.replace(url, self.live.server.audience).replace(client_id, self.client_id)

    def _fill(self, tx: Transaction) -> str:
        people = {name: add_person(tx, f"{name}@example.com") for name in ("ada", "ben", "cleo")}
        for one in people.values():
            memberships.add(tx, self.alder, one.id, [Role.ADMINISTRATOR], NOW)
        memberships.add(tx, self.birch, people["ben"].id, [Role.STAFF], NOW)
        origins = tuple(app.origin for app in self.apps.values())
        new = PeoplesClient("The app", clients.SPA, Registered(origins, origins), any_organization=True)
        client_id, _ = peoples_clients.create_peoples_client(tx, self.alder, new, NOW)
        return client_id

    def set_up_codes(self, user_id: str) -> pyotp.TOTP:
        """Has somebody prove a second factor from now on; returns the app that shows the codes."""
        key, now = self.live.server.sealing_key, self.live.clock.seconds()

        def work(tx: Transaction) -> pyotp.TOTP:
            shown = pyotp.TOTP(totp.begin(tx, user_id, key, now).secret)
            assert totp.confirm(tx, user_id, shown.at(now), key, now)
            return shown

        return self.live.server.database.write(work)

    def invite(self, email: str) -> str:
        """Invites an address to Birch's staff; returns what the link in the letter holds."""
        database, asked = self.live.server.database, invites.Asked(email, frozenset({Role.STAFF}))
        post = Outbox(ISSUER, self.live.server.sealing_key)
        now = self.live.clock.seconds()
        return link_written(database, self.live.world, lambda tx: invites.create(tx, self.birch, asked, post, now))

    def end_sessions(self, user_id: str) -> None:
        """Ends every session of somebody, as an administrator can."""
        self.live.server.database.write(lambda tx: sessions.end_all(tx, user_id, self.live.clock.seconds()))

    def pass_time(self, context: BrowserContext, seconds: float) -> None:
        """Moves the clocks of the server and the browser together."""
        self.live.clock.advance(seconds)
        self.set_clock(context)

    def set_clock(self, context: BrowserContext) -> None:
        """Sets a browser's clock to the server's, which stands still."""
        context.clock.set_fixed_time(self.live.clock.seconds())

    def stop(self) -> None:
        """Stops everything."""
        for app in self.apps.values():
            app.stop()
        self.live.stop()
