"""Providers of an installation who sign in with a browser client, and what is made for them beforehand."""

import base64
import hashlib
import itertools
import secrets
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from tests.providers import authorize

from bench.connections import USER_AGENT
from bench.installation import AUDIENCE, Installation
from rxauth.clock import Clock
from rxauth.crypto import passwords as hashes
from rxauth.crypto.passwords import Cost
from rxauth.domain import authorization_codes, clients, memberships, passwords, peoples_clients, sessions, users
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.client_urls import Registered
from rxauth.domain.names import Name
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.domain.sessions import Proof
from rxauth.domain.users import User
from rxauth.edge.cookies import NAME
from rxauth.ids import Kind, new_id
from rxauth.policy.assurance import PASSWORD as BY_PASSWORD
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction

COST: Final = Cost()  # what an installation has that sets nothing
PASSWORD: Final = "mauve tin lorry wharf"
PEOPLE: Final = 200
_CALLBACK: Final = "http://localhost:3000"
_SCOPE: Final = "openid profile email offline_access"


@dataclass(frozen=True, slots=True)
class Crowd:
    """People with one password and one role, each with a session already, and the client that they sign in with."""

    installation: Installation
    client_id: str
    emails: tuple[str, ...]
    signed_in: tuple[Authorized, ...]
    cookies: tuple[str, ...]

    def authorize(self) -> str:
        """Returns the path of a new authorization request, as the published clients send it."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": _CALLBACK,
            "response_type": "code",
            "scope": _SCOPE,
            "audience": AUDIENCE,
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "code_challenge": _pkce()[1],
            "code_challenge_method": "S256",
        }
        return f"/authorize?{urlencode(asked)}"

    def exchanges(self, number: int) -> list[str]:
        """Makes so many codes in the database, and returns the forms that a client exchanges them with."""
        database = Database(self.installation.settings.database_url)
        try:
            return database.write(lambda tx: self._exchanges(tx, number))
        finally:
            database.close()

    def made(self, _url: str, number: int) -> list[str]:
        """Returns the forms of so many codes, for a server at any URL."""
        return self.exchanges(number)

    def _exchanges(self, transaction: Transaction, number: int) -> list[str]:
        now, forms = Clock().seconds(), []
        for one in itertools.islice(itertools.cycle(self.signed_in), number):
            verifier, challenge = _pkce()
            code = authorization_codes.issue(transaction, replace(one, code_challenge=challenge), now)
            form = {
                "grant_type": "authorization_code",
                "client_id": self.client_id,
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": _CALLBACK,
            }
            forms.append(urlencode(form))
        return forms


def gather(installation: Installation) -> Crowd:
    """Adds the people and their client to an installation."""
    hashed = hashes.new_hash(PASSWORD, COST)  # one for all: comparing costs the same, and making them takes seconds
    database = Database(installation.settings.database_url)
    try:
        return database.write(lambda tx: _fill(tx, installation, hashed))
    finally:
        database.close()


def _fill(transaction: Transaction, installation: Installation, hashed: str) -> Crowd:
    clock = Clock()
    now, organization_id = clock.seconds(), installation.organization_id
    new = PeoplesClient("Bench app", clients.SPA, Registered((_CALLBACK,)))
    client_id = peoples_clients.create_peoples_client(transaction, organization_id, new, now)[0]
    emails, signed_in, cookies = [], [], []
    for number in range(PEOPLE):
        user = User(
            new_id(Kind.USER, clock.milliseconds()), f"person{number}@example.com", None, Name("Ada", "Marsh"), None
        )
        users.add(transaction, user, now)
        passwords.store(transaction, user.id, hashed, now)
        memberships.add(transaction, organization_id, user.id, [Role.PRESCRIBER], now)
        authorize(transaction, organization_id, user.id)
        session, handle = sessions.start(transaction, Proof(user.id, (BY_PASSWORD,), "127.0.0.1", USER_AGENT), now)
        emails.append(user.email)
        cookies.append(f"{NAME}={handle}")
        signed_in.append(
            Authorized(
                client_id=client_id,
                user_id=user.id,
                session_id=session.id,
                organization_id=organization_id,
                redirect_uri=_CALLBACK,
                code_challenge="",
                audience=AUDIENCE,
                scope=_SCOPE,
                nonce=secrets.token_urlsafe(32),
            )
        )
    return Crowd(installation, client_id, tuple(emails), tuple(signed_in), tuple(cookies))


def _pkce() -> tuple[str, str]:
    """Returns a new verifier and its challenge (RFC 7636 §4)."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
