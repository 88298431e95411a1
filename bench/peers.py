"""The peers: oidc-provider (npm) and django-oauth-toolkit (PyPI), set up for the acts that rxauth is measured at.

oidc-provider keeps everything in memory, as it comes; django-oauth-toolkit keeps it in PostgreSQL, as its users do.
"""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psycopg
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests import postgres
from tests.live import free_port

from bench.installation import AUDIENCE, SCOPE
from bench.load import Post
from bench.servers import ROOT, Command

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_THREADS: Final = 6  # of one process: of what was tried on one core, it answers most
_NODE: Final = ROOT / "bench" / "peer"
_DJANGO: Final = _NODE / "django_oauth_toolkit"
_PYTHON: Final = _DJANGO / ".venv" / "bin"
_SECRET: Final = "rxs_" + "a" * 49
_MACHINE: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_FAST_MACHINE: Final = "fast-machine"
_APP: Final = "people-s-app"
_CALLBACK: Final = "http://localhost:3000"
_DATABASE: Final = "django_oauth_toolkit"
_INSERT: Final = """INSERT INTO oauth2_provider_grant
  (code, application_id, user_id, expires, redirect_uri, scope, created, updated, code_challenge,
   code_challenge_method, nonce, claims, resource)
  SELECT %s, application.id, application.user_id, now() + interval '1 hour', %s, 'openid', now(), now(), %s,
   'S256', 'nonce', '', '[]' FROM oauth2_provider_application AS application WHERE client_id = %s"""


@dataclass(frozen=True, slots=True)
class NodePeer:
    """oidc-provider: JWT access tokens of its resources, one for each algorithm, and opaque ones to ask about."""

    token_path = "/token"
    client_id = _APP

    def command(self) -> Command:
        """Returns how it is started."""
        port = free_port()
        told = {
            "port": port,
            "issuer": f"http://localhost:{port}",
            "audience": AUDIENCE,
            "scope": SCOPE,
            "clientId": _MACHINE,
            "clientSecret": _SECRET,
            "app": _APP,
            "callback": _CALLBACK,
        }
        environment = os.environ | {"NODE_ENV": "production"}
        return Command(("node", str(_NODE / "server.mjs")), environment, port, json.dumps(told))

    def token(self, algorithm: str = "RS256") -> Post:
        """The exchange of machines in the only form that it takes."""
        body = {
            "grant_type": "client_credentials",
            "client_id": _MACHINE,
            "client_secret": _SECRET,
            "resource": f"{AUDIENCE}/{algorithm}",
            "scope": SCOPE,
        }
        return Post(self.token_path, FORM, [urlencode(body)])

    def introspection(self, url: str) -> Post:
        """Asks about an opaque token: it does not answer about a JWT."""
        token = self.token("opaque").once(url)["access_token"]
        body = {"client_id": _MACHINE, "client_secret": _SECRET, "token": token}
        return Post("/token/introspection", FORM, [urlencode(body)])

    def exchanges(self, url: str, number: int) -> list[str]:
        """Has so many codes made beside the endpoints, and returns the forms that exchange them."""
        verifiers = [secrets.token_urlsafe(32) for _ in range(number)]
        made = urllib.request.Request(f"{url}/made/codes", json.dumps([_challenge(one) for one in verifiers]).encode())
        with urllib.request.urlopen(made, timeout=60) as answer:
            return _forms(json.load(answer), verifiers)


@dataclass(frozen=True, slots=True)
class DjangoPeer:
    """django-oauth-toolkit, served by gunicorn; it has opaque access tokens only, all of them in the database."""

    folder: str  # of the sockets of PostgreSQL
    private_key: str = field(repr=False)
    token_path = "/o/token/"
    client_id = _APP

    def environment(self) -> Mapping[str, str]:
        """Returns what its settings read."""
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "settings",
            "PEER_SECRET_KEY": _SECRET,
            "PEER_DATABASE_HOST": self.folder,
            "PEER_DATABASE_USER": postgres.OWNER,
            "PEER_DATABASE_NAME": _DATABASE,
            "PEER_PRIVATE_KEY": self.private_key,
            "PEER_SCOPE": SCOPE,
        }

    def command(self) -> Command:
        """Returns how it is started."""
        port = free_port()
        arguments = (str(_PYTHON / "gunicorn"), "--chdir", str(_DJANGO), "--bind", f"127.0.0.1:{port}")
        return Command((*arguments, "--threads", str(_THREADS), "wsgi"), self.environment(), port)

    def token(self, *, is_fast: bool) -> Post:
        """The exchange of machines; is_fast: of the client whose secret has the fast hasher."""
        body = {
            "grant_type": "client_credentials",
            "client_id": _FAST_MACHINE if is_fast else _MACHINE,
            "client_secret": _SECRET,
            "scope": f"{SCOPE} introspection",
        }
        return Post(self.token_path, FORM, [urlencode(body)])

    def introspection(self, url: str) -> Post:
        """Asks about a token, as its documentation does: with a bearer token that may."""
        token = self.token(is_fast=True).once(url)["access_token"]
        return Post("/o/introspect/", FORM | {"authorization": f"Bearer {token}"}, [urlencode({"token": token})])

    def exchanges(self, _url: str, number: int) -> list[str]:
        """Makes so many codes in the database, and returns the forms that exchange them."""
        verifiers = [secrets.token_urlsafe(32) for _ in range(number)]
        codes = [secrets.token_urlsafe(22) for _ in range(number)]
        rows = [(code, _CALLBACK, _challenge(one), _APP) for code, one in zip(codes, verifiers, strict=True)]
        with psycopg.connect(host=self.folder, user=postgres.OWNER, dbname=_DATABASE) as connection:
            connection.cursor().executemany(_INSERT, rows)
        return _forms(codes, verifiers)


def django_peer(cluster: postgres.Cluster) -> DjangoPeer:
    """Makes its database: clients whose secrets are hashed by default and fast, and a person's app."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    made = DjangoPeer(str(cluster.folder), pem)
    cluster.sql(f"CREATE DATABASE {_DATABASE} OWNER {postgres.OWNER} TEMPLATE template0")
    clients = {
        _MACHINE: {"secret": _SECRET, "hasher": "default"},
        _FAST_MACHINE: {"secret": _SECRET, "hasher": "sha256"},
        _APP: {"secret": None, "hasher": ""},
    }
    told = json.dumps({"clients": clients, "redirect_uri": _CALLBACK})
    _run((str(_PYTHON / "python"), "fill.py"), _DJANGO, environment=made.environment(), told=told)
    return made


def install() -> None:
    """Installs both peers and what they need, in the versions that their lock files name."""
    lock, installed = _NODE / "package-lock.json", _NODE / "node_modules" / ".package-lock.json"
    if _is_older(installed, lock):
        print("Installing oidc-provider from npm ...", flush=True)
        _run(("npm", "ci"), _NODE)
    lock, installed = _DJANGO / "requirements.txt", _DJANGO / ".venv" / ".installed"
    if _is_older(installed, lock):
        print("Installing django-oauth-toolkit from PyPI ...", flush=True)
        _run((sys.executable, "-m", "venv", str(_DJANGO / ".venv")), _DJANGO)
        pip = (str(_PYTHON / "pip"), "install", "--quiet", "--disable-pip-version-check")
        _run((*pip, "--requirement", str(lock)), _DJANGO)
        installed.touch()


def versions() -> dict[str, str]:
    """Returns what the lock files name, by the name of the peer."""
    packages = json.loads((_NODE / "package-lock.json").read_text())["packages"]
    pinned = dict(line.split("==") for line in (_DJANGO / "requirements.txt").read_text().split())
    named = (("django-oauth-toolkit", "django-oauth-toolkit"), ("Django", "Django"), ("gunicorn", "gunicorn"))
    return {
        "oidc-provider": f"oidc-provider {packages['node_modules/oidc-provider']['version']}, in memory",
        "django-oauth-toolkit": ", ".join(f"{shown} {pinned[name]}" for shown, name in named) + ", PostgreSQL",
    }


def _is_older(installed: Path, lock: Path) -> bool:
    return not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime


def _run(
    command: Sequence[str], folder: Path, *, environment: Mapping[str, str] | None = None, told: str | None = None
) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, input=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def _challenge(verifier: str) -> str:
    """Returns what a verifier is proved with (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _forms(codes: Sequence[str], verifiers: Sequence[str]) -> list[str]:
    same = {"grant_type": "authorization_code", "client_id": _APP, "redirect_uri": _CALLBACK}
    return [
        urlencode(same | {"code": code, "code_verifier": verifier})
        for code, verifier in zip(codes, verifiers, strict=True)
    ]
