"""What a sign-in with an organization's identity provider takes of this server: `python -m bench.federation`.

The OpenID provider is another process. The time in which it thinks is measured by itself and taken away; what it takes
to ask it counts as the server's own. The SAML provider is asked by browsers only, between two of their requests.
"""

import argparse
import asyncio
import dataclasses
import json
import multiprocessing
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.live import free_port

from bench.connections import Connection, get, post, require
from bench.installation import AUDIENCE, ISSUER, Cluster, Installation, on_postgres, on_sqlite
from bench.load import Post
from bench.machine import Cores, two_cores
from bench.openid_provider import OpenIdProvider
from bench.overload import body_of
from bench.saml_provider import SamlProvider
from bench.servers import rxauth_serve, started
from rxauth.clock import Clock
from rxauth.domain import clients, connections, domains, group_roles, peoples_clients
from rxauth.domain import connection_settings as asked
from rxauth.domain.client_urls import Registered
from rxauth.domain.connections import Wanted
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction

ENGINES: Final = ("SQLite", "PostgreSQL")
PROMISED_MS: Final = 15
_OPENID: Final = "bench-openid"
_SAML: Final = "bench-saml"
_CALLBACK: Final = "http://localhost:3000"
# Walks the sign-in of somebody; returns the seconds that this server had the browser wait.
SignIn = Callable[[Connection, str], Awaitable[float]]


def _connect(
    transaction: Transaction, installation: Installation, openid: asked.OpenIdSettings, saml: asked.SamlSettings
) -> str:
    """Adds the connections and a client; returns the client's identifier."""
    now, mine, key = Clock().seconds(), installation.organization_id, installation.settings.sealing_key
    names = asked.Mapping("email", "firstName", "lastName", groups="groups")
    for name, settings, mapping, secret in (
        (_OPENID, openid, asked.Mapping(groups="groups"), "a secret"),
        (_SAML, saml, names, None),
    ):
        wanted = Wanted(name, name, asked.Joining.JUST_IN_TIME, settings, mapping, secret)
        made = connections.create(transaction, mine, wanted, key, now)
        group_roles.replace(transaction, mine, made.id, {"nurses": {Role.STAFF}})
    domains.verify(transaction, domains.add(transaction, mine, "bench.example", now), now)
    new = PeoplesClient("Bench app", clients.SPA, Registered((_CALLBACK,)))
    return peoples_clients.create_peoples_client(transaction, mine, new, now)[0]


async def _away(browser: Connection, client_id: str, connection: str) -> tuple[str, str]:
    """Begins a sign-in in a fresh browser; returns the URL at the provider that it leads to, and the cookie."""
    request = {
        "client_id": client_id,
        "redirect_uri": _CALLBACK,
        "response_type": "code",
        "scope": "openid profile email",
        "audience": AUDIENCE,
        "connection": connection,
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
    }
    begun = require(await browser.send(get(f"/authorize?{urlencode(request)}")), 303)
    cookie = begun.header("set-cookie").partition(";")[0]
    sent = require(await browser.send(get(begun.header("location"), cookie)), 303)
    return sent.header("location"), cookie


async def _done(browser: Connection, url: str, cookie: str) -> None:
    done = require(await browser.send(get(url, cookie)), 303)
    if "code=" not in done.header("location"):
        raise RuntimeError("nobody was signed in")


async def _thought_s(provider: str) -> float:
    async with Connection(provider) as connection:
        return float(json.loads((await connection.send(get("/thought"))).body)["s"])


def _by_openid(client_id: str, provider: str) -> SignIn:
    async def walk(browser: Connection, person: str) -> float:
        before, began = await _thought_s(provider), time.perf_counter()
        url, cookie = await _away(browser, client_id, _OPENID)
        said = dict(parse_qsl(urlsplit(url).query))
        back = urlencode({"state": said["state"], "code": f"{person}.{said['nonce']}"})
        await _done(browser, f"/sso/{_OPENID}/callback?{back}", cookie)
        took = time.perf_counter() - began
        return took - (await _thought_s(provider) - before)

    return walk


def _by_saml(client_id: str, provider: SamlProvider) -> SignIn:
    async def walk(browser: Connection, person: str) -> float:
        began = time.perf_counter()
        url, cookie = await _away(browser, client_id, _SAML)
        took = time.perf_counter() - began
        form = provider.form(url, person)
        began = time.perf_counter()
        posted = require(await browser.send(post(f"/sso/{_SAML}/acs", form)), 303)
        await _done(browser, posted.header("location"), cookie)
        return took + time.perf_counter() - began

    return walk


async def _measure(server: str, sign_in: SignIn, prefix: str, people: int) -> dict[str, list[float]]:
    """Signs everybody in twice, the first time they join; returns the milliseconds of each."""
    taken: dict[str, list[float]] = {"joins": [], "comes again": []}
    async with Connection(server) as browser:
        await sign_in(browser, f"{prefix}-before")
        for waits in taken.values():
            waits += [1_000 * await sign_in(browser, f"{prefix}{number}") for number in range(people)]
    return taken


def _on(engine: str, cores: Cores, people: int, stack: ExitStack) -> None:
    """Measures both kinds of connection on an engine, and says what they take."""
    folder, port = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rxauth-bench-"))), free_port()
    provider = f"http://127.0.0.1:{port}"
    process = multiprocessing.get_context("spawn").Process(target=OpenIdProvider, args=(port,), daemon=True)
    process.start()
    stack.callback(process.terminate)
    if engine == "SQLite":
        installation = on_sqlite(folder)
    else:
        cluster = Cluster()
        stack.callback(cluster.remove)
        installation = on_postgres(cluster)
    openid = asked.OpenIdSettings(provider, "bench", asked.ClientAuthentication.SECRET_BASIC)
    saml = SamlProvider(folder, ISSUER, _SAML)
    database = Database(installation.settings.database_url)
    client_id = database.write(lambda tx: _connect(tx, installation, openid, saml.settings))
    database.close()
    command = rxauth_serve(installation)
    may_call = {**command.environment, "RXAUTH_OUTBOUND_NETWORKS": "127.0.0.0/8"}
    first = Post("/oauth/token", {"content-type": "application/json"}, (body_of(installation).decode(),))
    running = stack.enter_context(started(dataclasses.replace(command, environment=may_call), cores, first))
    for kind, sign_in in (("OpenID", _by_openid(client_id, provider)), ("SAML", _by_saml(client_id, saml))):
        taken = asyncio.run(_measure(running.url, sign_in, kind.lower(), people))
        for name, waits in taken.items():
            _say(f"{engine}, {kind}, somebody {name}", waits)


def _say(what: str, waits: list[float]) -> None:
    middle, p99 = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
    print(f"{what}: {middle:.1f} ms of our own, {p99:.1f} ms at most of 99 in 100; under {PROMISED_MS} are promised.")


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(prog="python -m bench.federation")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--people", type=int, default=200)
    chosen = parser.parse_args()
    cores = two_cores()
    for engine in chosen.engines:
        with ExitStack() as stack:
            _on(engine, cores, chosen.people, stack)


if __name__ == "__main__":
    main()
