"""What a sign-in with an organization's identity provider takes of this server: `python -m bench.federation`.

The provider is another process. The time in which it thinks is measured by itself and taken away; what it takes to ask
it counts as the server's own.
"""

import asyncio
import dataclasses
import json
import multiprocessing
import secrets
import statistics
import tempfile
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.live import free_port

from bench.connections import Connection, get, require
from bench.installation import AUDIENCE, Installation, on_sqlite
from bench.load import Post
from bench.machine import two_cores
from bench.overload import body_of
from bench.servers import rxauth_serve, started
from rxauth.clock import Clock
from rxauth.crypto.jws import Signer, new_signing_key
from rxauth.domain import clients, connections, domains, group_roles, peoples_clients
from rxauth.domain import connection_settings as asked
from rxauth.domain.client_urls import Registered
from rxauth.domain.connections import Wanted
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction

PEOPLE: Final = 200
PROMISED_MS: Final = 15
_CALLBACK: Final = "http://localhost:3000"


class Provider:
    """An OpenID provider that vouches for whoever the code names, with the nonce that follows."""

    def __init__(self, port: int) -> None:
        self._key = new_signing_key("RS256")
        self._signer = Signer(self._key, "JWT")
        self._issuer = f"http://127.0.0.1:{port}"
        self._thought_s = 0.0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            """Answers, and notes how long that took."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Says what there is to say; /thought is for whoever measures."""
                began = time.perf_counter()
                if self.path == "/thought":
                    self._send({"s": provider._thought_s})
                    return
                self._send(provider.published(self.path))
                provider._thought_s += time.perf_counter() - began

            def do_POST(self) -> None:
                """Gives an ID token."""
                began = time.perf_counter()
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                self._send(provider.tokens(form["code"][0]))
                provider._thought_s += time.perf_counter() - began

            def _send(self, content: Mapping[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()

    def published(self, path: str) -> Mapping[str, Any]:
        """Returns the metadata, or the keys."""
        if path == "/keys":
            return {"keys": [self._key.verification_key().as_jwk()]}
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": self._issuer, **{name: f"{self._issuer}/{last}" for name, last in endpoints.items()}}

    def tokens(self, code: str) -> Mapping[str, Any]:
        """Returns the tokens of a code."""
        person, nonce = code.split(".")
        now = int(time.time())
        claims = {"iss": self._issuer, "sub": person, "aud": "bench", "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= {"email": f"{person}@bench.example", "email_verified": True, "groups": ["nurses"]}
        payload = json.dumps(claims).encode()
        return {"id_token": self._signer.sign(payload), "access_token": "a", "token_type": "Bearer"}


def _connect(transaction: Transaction, installation: Installation, issuer: str) -> str:
    """Adds the connection and a client; returns the client's identifier."""
    now, mine = Clock().seconds(), installation.organization_id
    settings = asked.OpenIdSettings(issuer, "bench", asked.ClientAuthentication.SECRET_BASIC)
    rules = (asked.Joining.JUST_IN_TIME, settings, asked.Mapping(groups="groups"))
    wanted = Wanted("bench", "Bench", *rules, secret="a secret")
    made = connections.create(transaction, mine, wanted, installation.settings.sealing_key, now)
    group_roles.replace(transaction, mine, made.id, {"nurses": {Role.STAFF}})
    domains.verify(transaction, domains.add(transaction, mine, "bench.example", now), now)
    new = PeoplesClient("Bench app", clients.SPA, Registered((_CALLBACK,)))
    return peoples_clients.create_peoples_client(transaction, mine, new, now)[0]


async def _sign_in(connection: Connection, client_id: str, person: str) -> float:
    """Walks one sign-in in a fresh browser; returns the seconds that its three requests took."""
    request = {
        "client_id": client_id,
        "redirect_uri": _CALLBACK,
        "response_type": "code",
        "scope": "openid profile email",
        "audience": AUDIENCE,
        "connection": "bench",
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
    }
    began = time.perf_counter()
    begun = require(await connection.send(get(f"/authorize?{urlencode(request)}")), 303)
    cookie = begun.header("set-cookie").partition(";")[0]
    sent = require(await connection.send(get(begun.header("location"), cookie)), 303)
    said = dict(parse_qsl(urlsplit(sent.header("location")).query))
    back = urlencode({"state": said["state"], "code": f"{person}.{said['nonce']}"})
    done = require(await connection.send(get(f"/sso/bench/callback?{back}", cookie)), 303)
    took = time.perf_counter() - began
    if "code=" not in done.header("location"):
        raise RuntimeError("nobody was signed in")
    return took


async def _thought_s(provider: str) -> float:
    async with Connection(provider) as connection:
        return float(json.loads((await connection.send(get("/thought"))).body)["s"])


async def _measure(server: str, provider: str, client_id: str) -> dict[str, list[float]]:
    """Signs everybody in twice: the first time they join."""
    taken: dict[str, list[float]] = {"joins": [], "comes again": []}
    async with Connection(server) as connection:
        await _sign_in(connection, client_id, "somebody-before")
        for waits in taken.values():
            for number in range(PEOPLE):
                before = await _thought_s(provider)
                took = await _sign_in(connection, client_id, f"person{number}")
                waits.append(1_000 * (took - (await _thought_s(provider) - before)))
    return taken


def main() -> None:
    """Measures."""
    cores = two_cores()
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    process = multiprocessing.get_context("spawn").Process(target=Provider, args=(port,), daemon=True)
    process.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            installation = on_sqlite(Path(folder))
            database = Database(installation.settings.database_url)
            client_id = database.write(lambda tx: _connect(tx, installation, issuer))
            database.close()
            command = rxauth_serve(installation)
            may_call = {**command.environment, "RXAUTH_OUTBOUND_NETWORKS": "127.0.0.0/8"}
            first = Post("/oauth/token", {"content-type": "application/json"}, (body_of(installation).decode(),))
            with started(dataclasses.replace(command, environment=may_call), cores, first) as running:
                taken = asyncio.run(_measure(running.url, issuer, client_id))
    finally:
        process.terminate()
    for name, waits in taken.items():
        p99 = statistics.quantiles(waits, n=100)[98]
        print(
            f"Somebody {name}: {statistics.median(waits):.1f} ms of our own, {p99:.1f} ms at most of 99 in 100;",
            end=" ",
        )
        print(f"under {PROMISED_MS} ms are promised.")


if __name__ == "__main__":
    main()
