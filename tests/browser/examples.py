"""The examples, each started by its own command, and the server and people that they are shown with."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Page

from rxauth.domain import audiences, clients, memberships, peoples_clients
from rxauth.domain.audiences import Audience
from rxauth.domain.client_urls import Registered
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests import providers
from tests.browser.apps import log_in
from tests.live import Live, free_port, http_client
from tests.people import add_person
from tests.world import NOW

ROOT: Final = Path(__file__).parents[2]
ROLES: Final = {"ada": Role.PRESCRIBER, "ben": Role.STAFF, "cleo": Role.MEDICAL_OPERATIONS, "dan": Role.DEVELOPER}


class Example:
    """An example at work. Of Alder, Ada is an authorized provider, and the others have the roles that are listed.

    folder: where the secret of Alder's machine is kept. quiet: what has what serves it say less.
    """

    def __init__(self, live: Live, name: str, folder: Path, quiet: str = "--logLevel") -> None:
        self.live = live
        port = free_port()
        self.url = f"http://localhost:{port}"
        self._folder = ROOT / "examples" / name
        client_id = live.server.database.write(self._fill)
        secret = folder / "secret"
        secret.write_text(live.world.alder.secret)
        page = {
            "VITE_RXAUTH_URL": live.server.audience,
            "VITE_RXAUTH_CLIENT_ID": client_id,
            "PAGE_CLIENT_ID": client_id,
        }
        machine = {"RXAUTH_CLIENT_ID": live.world.alder.client_id, "RXAUTH_CLIENT_SECRET_FILE": str(secret)}
        there = {"RXAUTH_DOMAIN": live.server.issuer, "RXAUTH_AUDIENCE": live.server.audience, "AUDIENCE": self.url}
        self.environment = os.environ | page | machine | there | {"PYTHON": sys.executable}
        command = [str(self._folder / "start"), "--port", str(port), quiet, "error"]
        self._serving = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL)
        with http_client() as http:
            while not self._answers(http):
                assert self._serving.poll() is None
                time.sleep(0.02)

    def reader(self) -> str:
        """Returns a token that reads."""
        return self.live.token(self.live.world.alder, audience=self.live.server.audience)

    def sign_in(self, page: Page, name: str) -> None:
        """Opens the example, and signs somebody in to it."""
        page.goto(self.url)
        page.get_by_role("button", name="Sign in").click()
        log_in(page, f"{name}@example.com")

    def check_types(self) -> None:
        """Type-checks its code."""
        subprocess.run([ROOT / "sdk" / "node_modules" / ".bin" / "tsc", "--project", self._folder], check=True)

    def stop(self) -> None:
        """Stops the example and the server."""
        self._serving.terminate()
        self._serving.wait()
        self.live.stop()

    def _fill(self, tx: Transaction) -> str:
        alder = self.live.world.alder.organization_id
        people = {name: add_person(tx, f"{name}@example.com") for name in ROLES}
        for name, role in ROLES.items():
            memberships.add(tx, alder, people[name].id, [role], NOW)
        providers.authorize(tx, alder, people["ada"].id)
        audiences.add(tx, Audience(alder, self.url, 3600, "RS256", NOW), reserved=frozenset())
        new = PeoplesClient("The example", clients.SPA, Registered((self.url,), (self.url,)))
        client_id, _ = peoples_clients.create_peoples_client(tx, alder, new, NOW)
        return client_id

    def _answers(self, http: httpx.Client) -> bool:
        try:
            return http.get(self.url).status_code == 200
        except httpx.TransportError:
            return False
