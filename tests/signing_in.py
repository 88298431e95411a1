"""A world with people and a browser client in it, and the way through its sign-in pages."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from rxauth.domain import memberships, peoples_clients
from rxauth.domain.client_urls import Registered
from rxauth.domain.clients import SPA
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.live import Live
from tests.people import PASSWORD, add_person
from tests.world import AUDIENCE, ISSUER, NOW

CALLBACK = "http://localhost:3000/callback"
APP = "http://localhost:5173"


@dataclass(frozen=True)
class Pkce:
    """A verifier and its challenge (RFC 7636 §4)."""

    verifier: str
    challenge: str


def pkce() -> Pkce:
    """Returns a new pair."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    return Pkce(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


class Cast:
    """Ada works for one organization, Ben for two, Cleo for none; a browser client serves everybody."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self._browsers: list[Browser] = []
        self.ada, self.ben, self.cleo, self.client_id, self.third_party_id = live.server.database.write(self._fill)

    def _fill(self, tx: Transaction) -> tuple[User, User, User, str, str]:
        alder, birch = self.live.world.alder.organization_id, self.live.world.birch.organization_id
        ada, ben, cleo = (add_person(tx, f"{name}@example.com") for name in ("ada", "ben", "cleo"))
        memberships.add(tx, alder, ada.id, [Role.STAFF], NOW)
        memberships.add(tx, alder, ben.id, [Role.ADMINISTRATOR], NOW)
        memberships.add(tx, birch, ben.id, [Role.PRESCRIBER, Role.DEVELOPER], NOW)
        urls = Registered((CALLBACK, APP), (f"{APP}/bye",))
        first = PeoplesClient("Alder App", SPA, urls, any_organization=True)
        third = PeoplesClient("Foreign App", SPA, urls, any_organization=True, third_party=True)
        ids = [peoples_clients.create_peoples_client(tx, alder, one, NOW)[0] for one in (first, third)]
        return ada, ben, cleo, ids[0], ids[1]

    def browser(self) -> Browser:
        """Returns a fresh browser."""
        self._browsers.append(Browser(self.live.url, ISSUER))
        return self._browsers[-1]

    def close(self) -> None:
        """Closes every browser."""
        for browser in self._browsers:
            browser.close()

    def request(self, *, challenge: str | None = None, **changes: str | None) -> str:
        """Returns the path of an authorization request; a change to None leaves the parameter out."""
        good: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "audience": AUDIENCE,
            "state": "a state==",
            "nonce": "a nonce",
            "code_challenge": challenge or pkce().challenge,
            "code_challenge_method": "S256",
        }
        return "/authorize?" + urlencode({name: value for name, value in (good | changes).items() if value is not None})

    def log_in(self, browser: Browser, email: str = "ada@example.com", password: str = PASSWORD) -> httpx.Response:
        """Fills in the login page that a browser shows."""
        return browser.submit(email=email, password=password)

    def signed_in(self, email: str = "ada@example.com", **changes: str | None) -> Browser:
        """Returns a browser in which somebody signed in to the client."""
        browser = self.browser()
        browser.open(self.request(**changes))
        self.log_in(browser, email)
        return browser


def answered(answer: httpx.Response) -> dict[str, str]:
    """Returns the parameters with which a browser was sent back to the client."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(CALLBACK + "?"), location
    return dict(parse_qsl(urlsplit(location).query))
