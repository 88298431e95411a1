"""An OpenID provider that nobody here wrote, as a process, and the way through it."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey

from tests.federation import node
from tests.live import free_port, http_client

FOLDER = Path(__file__).parent
SECRET = "a secret of rxauth at the provider"


def signing_key() -> dict[str, Any]:
    """Returns a new private key as the provider takes it."""
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True, auto_kid=True)
    return dict(key.as_dict(private=True))


@dataclass
class Upstream:
    """A provider at which somebody, or nobody, is signed in."""

    process: subprocess.Popen[str]
    issuer: str
    http: httpx.Client
    people: dict[str, dict[str, Any]] = field(default_factory=dict)

    def present(self, subject: str | None, **claims: Any) -> None:
        """Has somebody signed in there, with these claims; None: they refuse."""
        if subject is not None:
            self.people[subject] = {
                "email": f"{subject}@alder.example",
                "email_verified": True,
                "given_name": "Uma",
                "family_name": "Marsh",
                **claims,
            }
        said = {"people": self.people, "present": subject}
        self.http.put(f"{self.issuer}/people", json=said).raise_for_status()
        self.http.cookies.clear()

    def sign_with(self, *keys: dict[str, Any]) -> None:
        """Has the provider sign with other keys."""
        self.http.put(f"{self.issuer}/keys", json=list(keys)).raise_for_status()

    def serve(self, *clients: dict[str, Any]) -> None:
        """Has these clients registered, and no others."""
        self.http.put(f"{self.issuer}/clients", json=list(clients)).raise_for_status()

    def sign_out(self, url: str) -> str | None:
        """Signs its person out there, at its own page; returns where the browser is sent then, None: nowhere."""
        page = self.http.get(url)
        fields = dict(re.findall(r'name="(xsrf|logout)" value="([^"]*)"', page.text))
        action = re.findall(r'action="([^"]+)"', page.text)
        assert action, page.text
        answer = self.http.post(action[0], data={**fields, "logout": "yes"})
        location: str | None = answer.headers.get("location")
        return location

    def answer(self, url: str, back_to: str) -> str:
        """Walks a browser through the provider; returns the URL that it is sent back to."""
        for _ in range(10):
            answer = self.http.get(url)
            assert answer.is_redirect, answer.text
            url = str(httpx.URL(url).join(answer.headers["location"]))
            if url.startswith(back_to):
                return url
        raise AssertionError(url)

    def stop(self) -> None:
        """Ends the provider."""
        self.http.close()
        node.stop(self.process)


def start(*clients: dict[str, Any], keys: list[dict[str, Any]] | None = None) -> Upstream:
    """Starts a provider that these clients are registered at."""
    port = free_port()
    settings = {"port": port, "clients": clients, "keys": keys or [signing_key()]}
    process = node.start(FOLDER, settings)
    return Upstream(process, f"http://127.0.0.1:{port}", http_client(timeout=30, trust_env=False))


def client(client_id: str, redirect_uri: str, **more: Any) -> dict[str, Any]:
    """Returns how this server is registered at a provider."""
    return {
        "client_id": client_id,
        "redirect_uris": [redirect_uri],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        **({} if "jwks" in more else {"client_secret": SECRET}),
        **more,
    }
