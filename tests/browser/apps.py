"""Single-page applications, made of the guide's own code and the published clients, and the server they sign in to."""

import http.server
import re
import subprocess
import threading
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from rxauth.domain import clients, memberships, peoples_clients
from rxauth.domain.client_urls import Registered
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.live import at_its_issuer
from tests.people import PASSWORD, add_person
from tests.world import NOW, World

HERE: Final = Path(__file__).parent
GUIDE: Final = HERE.parents[1] / "docs" / "guides" / "browser-clients.md"
DOCUMENTED_URL: Final = "http://localhost:8000"
DOCUMENTED_CLIENT: Final = "CLIENT_ID"
REFRESH_TOKENS: Final = 'useRefreshTokens: true,\n  cacheLocation: "localstorage"'
NO_REFRESH_TOKENS: Final = "useRefreshTokens: false"  # and so nothing is kept when the page is loaded again
PAGE: Final = b'<!doctype html><title>An app</title><link rel="icon" href="data:,"><script src="/app.js"></script>'


def guide(imported: str) -> str:
    """Returns the guide's code for a package."""
    blocks = re.findall(r"^```js\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    [found] = [block for block in blocks if f'from "{imported}"' in block]
    return str(found)


def bundle(folder: Path) -> dict[str, str]:
    """Bundles the guide's code as it stands; what the page does with it is `app.…`."""
    spa = guide("@auth0/auth0-spa-js")
    framed = spa.replace(REFRESH_TOKENS, NO_REFRESH_TOKENS)
    assert framed != spa
    # esbuild looks for packages beside what it bundles.
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    sources = {"photon": guide("@photonhealth/sdk"), "spa": spa, "framed": framed}
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)
    program = HERE / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--format=iife", "--global-name=app", "--outdir=out", "--log-level=warning"]
    subprocess.run([program, *(f"{name}.js" for name in sources), *options], cwd=folder, check=True)
    return {name: (folder / "out" / f"{name}.js").read_text() for name in sources}


class App:
    """One application on an origin of its own: a page, which runs /app.js."""

    def __init__(self, page: bytes = PAGE) -> None:
        self.script = ""
        app = self

        class Files(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_script = self.path == "/app.js"
                body = app.script.encode() if is_script else page
                self.send_response(200)
                self.send_header("content-type", "text/javascript" if is_script else "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        self.origin = f"http://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Stops serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Scene:
    """A server under the URL that it says it has, two people, and an application of each kind.

    Ada is an administrator of Alder; Ben is one of Alder, and a member of Birch's staff. The foreign app is somebody
    else's: people are asked before it gets anything.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.live = at_its_issuer(world)
        scripts = bundle(folder)
        scripts["foreign"] = scripts["photon"]
        self.apps = {name: App() for name in scripts}
        self.client_ids = self.live.server.database.write(self._fill)
        for name, script in scripts.items():
            ours = script.replace(DOCUMENTED_URL, self.live.server.audience).replace(
                DOCUMENTED_CLIENT, self.client_ids[name]
            )
            self.apps[name].script = ours

    def _fill(self, tx: Transaction) -> dict[str, str]:
        alder, birch = self.live.world.alder.organization_id, self.live.world.birch.organization_id
        ada, ben = (add_person(tx, f"{name}@example.com") for name in ("ada", "ben"))
        memberships.add(tx, alder, ada.id, [Role.ADMINISTRATOR], NOW)
        memberships.add(tx, alder, ben.id, [Role.ADMINISTRATOR], NOW)
        memberships.add(tx, birch, ben.id, [Role.STAFF], NOW)
        made = {}
        for name, app in self.apps.items():
            urls = Registered((app.origin,), (app.origin,))
            is_foreign = name == "foreign"
            new = PeoplesClient(f"The {name} app", clients.SPA, urls, third_party=is_foreign, any_organization=True)
            made[name], _ = peoples_clients.create_peoples_client(tx, alder, new, NOW)
        return made

    def stop(self) -> None:
        """Stops everything."""
        for app in self.apps.values():
            app.stop()
        self.live.stop()


def log_in(page: Page, email: str = "ada@example.com") -> None:
    """Fills in the login page."""
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
