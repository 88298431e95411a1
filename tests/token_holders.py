"""People who are signed in already, and clients that hold codes and tokens of theirs: where tests of tokens begin."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from rxauth.domain import authorization_codes, memberships, peoples_clients, sessions
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.client_urls import Registered
from rxauth.domain.clients import REGULAR_WEB, SPA
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.domain.sessions import Proof, Session
from rxauth.policy.licences import Licence
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests import providers
from tests.live import Live
from tests.people import add_person
from tests.world import AUDIENCE

CALLBACK = "http://localhost:3000/callback"
SCOPE = "openid profile email offline_access"


@dataclass(frozen=True)
class App:
    """A client that people sign in with; secret None: a public one."""

    client_id: str
    secret: str | None = field(default=None, repr=False)

    @property
    def credentials(self) -> dict[str, str]:
        """Returns what it says of itself in a request's body."""
        return {"client_id": self.client_id} | ({} if self.secret is None else {"client_secret": self.secret})


@dataclass(frozen=True)
class Waiting:
    """A code that waits for its client, and what goes with it."""

    text: str
    app: App
    verifier: str

    @property
    def challenge(self) -> str:
        """The verifier's S256 challenge."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def request(self, **changes: str | None) -> dict[str, str]:
        """Returns the request that redeems it; a change to None leaves a parameter out."""
        good: dict[str, str | None] = {
            **self.app.credentials,
            "grant_type": "authorization_code",
            "code": self.text,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}


class Holders:
    """Clients of a server, and whoever a test signs in."""

    def __init__(self, live: Live, organization_id: str | None = None) -> None:
        self.live = live
        self.organization_id = organization_id or live.world.alder.organization_id
        self.spa = self.app("Alder App", SPA, any_organization=True)
        self._people = 0

    def app(self, name: str, app_type: str = SPA, **marks: Any) -> App:
        """Adds a client of Alder Clinic."""
        urls = Registered((CALLBACK,), ("http://localhost:3000/bye",))
        new = PeoplesClient(name, app_type, urls, **marks)
        made = self.write(
            lambda tx: peoples_clients.create_peoples_client(tx, self.organization_id, new, self.live.clock.seconds())
        )
        return App(made[0], None if made[1] is None else made[1].text)

    def web(self) -> App:
        """Adds a confidential client."""
        return self.app("Alder Web", REGULAR_WEB)

    def write(self, work: Any) -> Any:
        """Writes to the server's own database, as an endpoint does."""
        return self.live.server.database.write(work)

    def person(self, *roles: Role, organization_id: str | None = None) -> str:
        """Adds a member of Alder Clinic, or of another organization; returns its identifier."""
        self._people += 1
        of = "" if self.organization_id == self.live.world.alder.organization_id else f".{self.organization_id[4:]}"
        email, now = f"person{self._people}{of}@example.com", self.live.clock.seconds()

        def work(tx: Transaction) -> str:
            user = add_person(tx, email, None)
            memberships.add(tx, organization_id or self.organization_id, user.id, roles or [Role.STAFF], now)
            return user.id

        return str(self.write(work))

    def provider(self, *licences: Licence, roles: tuple[Role, ...] = (Role.PRESCRIBER,)) -> str:
        """Adds an authorized provider of Alder Clinic, with these licences or a good one."""
        user_id = self.person(*roles)
        self.write(lambda tx: providers.authorize(tx, self.organization_id, user_id, *licences))
        return user_id

    def mighty(self) -> str:
        """Returns the token of a provider who has every role, and proved two factors a moment ago."""
        session, _ = self.session(self.provider(roles=tuple(Role)), ("pwd", "otp"))
        return str(self.redeemed(self.code(session))["access_token"])

    def session(self, user_id: str, methods: tuple[str, ...] = ("pwd",)) -> tuple[Session, str]:
        """Signs somebody in; returns the session and its cookie's value."""
        proof = Proof(user_id, methods, "192.0.2.1", "A browser")
        started: tuple[Session, str] = self.write(lambda tx: sessions.start(tx, proof, self.live.clock.seconds()))
        return started

    def code(self, session: Session, app: App | None = None, **changes: Any) -> Waiting:
        """Makes a code for a client; changes: to what was authorized."""
        app = app or self.spa
        waiting = Waiting("", app, secrets.token_urlsafe(48))
        authorized = Authorized(
            app.client_id,
            session.user_id,
            session.id,
            self.organization_id,
            CALLBACK,
            waiting.challenge,
            AUDIENCE,
            SCOPE,
            "n-1",
        )
        authorized = replace(authorized, **changes)

        def work(tx: Transaction) -> str:
            sessions.note_client(tx, session.id, app.client_id, self.live.clock.seconds())
            return authorization_codes.issue(tx, authorized, self.live.clock.seconds())

        return replace(waiting, text=self.write(work))

    def post(self, body: dict[str, str], path: str = "/oauth/token", **headers: str) -> httpx.Response:
        """Posts a form."""
        return self.live.http.post(path, data=body, headers=headers)

    def tokens(self, user_id: str | None = None, app: App | None = None, **changes: Any) -> dict[str, Any]:
        """Returns the tokens that a new sign-in gives."""
        session, _ = self.session(user_id or self.person())
        return self.redeemed(self.code(session, app, **changes))

    def redeemed(self, code: Waiting) -> dict[str, Any]:
        """Redeems a code that must be good."""
        answer = self.post(code.request())
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def refresh(self, token: str, app: App | None = None, **changes: str) -> httpx.Response:
        """Presents a refresh token."""
        one = app or self.spa
        return self.post({**one.credentials, "grant_type": "refresh_token", "refresh_token": token, **changes})


def refused(answer: httpx.Response, error: str = "invalid_grant", status: int = 400) -> str:
    """Checks that a request was refused with an error; returns its description."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert "access_token" not in answer.text
    return str(answer.json()["error_description"])
