"""Servers that tests talk to over real HTTP: in a thread, where the clock can be moved, or as a process."""

import atexit
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from random import SystemRandom
from typing import Any
from weakref import WeakSet

import httpx

from rxauth.api import contract
from rxauth.api.execute import Api
from rxauth.app import make_server, make_terms
from rxauth.crypto.hashing import HashingProcess
from rxauth.crypto.jws import Signer, SigningKey
from rxauth.domain.mails import Outbox
from rxauth.edge import protocol
from rxauth.edge.context import Edge
from rxauth.edge.quotas import RequestLimits
from rxauth.edge.routes import application
from rxauth.edge.slow_pool import SlowPool
from rxauth.federation.saml import provider_settings
from rxauth.settings import Settings
from tests.people import CHEAP
from tests.world import AUDIENCE, ISSUER, StandingClock, Tenant, World

# Of a clock that stands still, no minute ends; and what is tried often is not tried in vain.
GENEROUS = RequestLimits(*(1_000_000,) * 4)
# For so long a machine that runs many tests, and stands still at times, is waited for.
PATIENCE_S = 60
# What never changes, and hundreds of servers would each make anew; and the documents that fitted the schema.
_documents: dict[str, Any] = {}
_schema = cache(contract.schema)
_tls = cache(httpx.create_ssl_context)


class _Hashing(HashingProcess):
    """A process for the hashes of one server after the other."""

    def close(self) -> None:
        """Leaves it to the next server."""


@cache
def _hashing() -> list[HashingProcess]:
    made: list[HashingProcess] = [_Hashing()]
    atexit.register(HashingProcess.close, made[0])
    return made


def http_client(**options: Any) -> httpx.Client:
    """Returns an HTTP client; reading the certificates of this machine takes longer than most tests."""
    return httpx.Client(verify=_tls(), **{"timeout": PATIENCE_S, **options})


# Threads of servers, until they are gone.
_serving: "WeakSet[threading.Thread]" = WeakSet()


def wait_for_all() -> None:
    """Waits for servers that were let go: at the end of a run their executors take nothing more."""
    for one in list(_serving):
        one.join(timeout=PATIENCE_S)


class Live:
    """A server in a thread of this process. Everything but the process boundary is as in production."""

    def __init__(
        self, world: World, clock: StandingClock, port: int = 0, requests: RequestLimits = GENEROUS, **changes: Any
    ) -> None:
        self.world = world
        self.clock = clock
        self.server = make_server(world.settings, clock)
        key = self.server.sealing_key
        limits = self.server.lifetimes.sessions
        terms, outbox = make_terms(self.server), Outbox(world.settings.issuer, key)
        reader = partial(provider_settings.read, clock=clock)
        database = self.server.database
        api = Api(_schema(), database, clock, None, key, limits, terms, outbox, reader, _documents=_documents)
        self.edge = Edge(self.server, api, CHEAP, limits=requests)
        self.edge.slow = SlowPool(processes=_hashing())
        for name, value in changes.items():
            setattr(self.edge, name, value)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.http = http_client(base_url=self.url, timeout=PATIENCE_S)
        self._uvicorn = protocol.make_server(application(self.edge))
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        _serving.add(self._thread)
        while not self._uvicorn.started:
            time.sleep(0.001)

    def stop(self) -> None:
        """Stops the server as a graceful shutdown does."""
        self.let_go()
        self._thread.join()

    def let_go(self) -> None:
        """Has the server stop by itself, beside the test that comes next: waiting for each adds up to minutes."""
        self.http.close()
        self._uvicorn.should_exit = True

    def exchange(self, tenant: Tenant, **parameters: str) -> httpx.Response:
        """Posts a client credentials exchange; parameters add to it or replace its own."""
        return self.http.post("/oauth/token", json=credentials(tenant) | parameters)

    def token(self, tenant: Tenant, **parameters: str) -> str:
        """Returns an access token of a tenant's machine."""
        answer = self.exchange(tenant, **parameters)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def graphql(
        self, token: str | None, query: str, variables: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Posts a GraphQL request."""
        sent = {} if token is None else {"authorization": f"Bearer {token}"}
        body = {"query": query, "variables": variables or {}}
        return self.http.post("/graphql", json=body, headers=sent | headers)

    def data(self, token: str, query: str, variables: dict[str, Any] | None = None) -> Any:
        """Returns the data of a request that must succeed."""
        answer = self.graphql(token, query, variables)
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    def sign(self, claims: dict[str, Any], token_type: str = "at+jwt", key: SigningKey | None = None) -> str:
        """Signs any claims with this server's own key: what an attacker who has it could send."""
        return Signer(key or self.world.current_key, token_type).sign(json.dumps(claims).encode())

    def claims(self, tenant: Tenant, **changes: Any) -> dict[str, Any]:
        """Returns the claims of a good token, changed; a change to None leaves the claim out."""
        now = self.clock.seconds()
        good = {
            "iss": ISSUER,
            "sub": f"{tenant.client_id}@clients",
            "aud": AUDIENCE,
            "client_id": tenant.client_id,
            "azp": tenant.client_id,
            "scope": "read:patient",
            "permissions": ["read:patient"],
            "org_id": tenant.organization_id,
            "gty": "client-credentials",
            "iat": now,
            "exp": now + 3600,
            "jti": "a-token-of-a-test",
            "secret_id": tenant.secret_id,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}


def at_its_issuer(world: World) -> Live:
    """Serves a world under the URL that it says it has, and at this moment: for clients that look, and have clocks."""
    port = free_port()
    url = f"http://localhost:{port}"
    settings = replace(world.settings, issuer=f"{url}/", audience=url)
    return Live(replace(world, settings=settings), StandingClock(int(time.time())), port)


class Process:
    """`rxauth serve` as a process of its own, on a port of its own."""

    command: tuple[str, ...] = ("serve",)

    def __init__(self, settings: Settings, **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = http_client(base_url=self.url, timeout=PATIENCE_S)
        self._popen = subprocess.Popen(
            [rxauth_program(), *self.command],
            env=environment(settings) | {"RXAUTH_LISTEN_PORT": str(self.port)} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + 60  # on a busy machine, several of them at once
        while not self.answers():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self.stop()}")
            time.sleep(0.02)

    @property
    def process_id(self) -> int:
        """The process to send signals to."""
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """What the process ended with; None: it has not."""
        return self._popen.poll()

    def answers(self) -> bool:
        """Tells whether the server answers."""
        try:
            return self.http.get("/.well-known/jwks.json").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> str:
        """Ends the process with kill -9; returns what it had printed."""
        self._popen.send_signal(signal.SIGKILL)
        return self._finish()

    def stop(self) -> str:
        """Ends the process gracefully; returns what it had printed."""
        self.http.close()
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        return self._finish()

    def _finish(self) -> str:
        output, _ = self._popen.communicate(timeout=PATIENCE_S)
        self.http.close()
        return output


class Workers(Process):
    """`rxauth serve` with two workers; it is there when both of them are."""

    command = ("serve", "--workers", "2")

    def __init__(self, settings: Settings, **variables: str) -> None:
        super().__init__(settings, **variables)
        if self._popen.stdout is not None:
            self._popen.stdout.readline()  # "rxauth serves …"


@contextmanager
def process(settings: Settings, **variables: str) -> Iterator[Process]:
    """Runs a server process for the length of a block."""
    running = Process(settings, **variables)
    try:
        yield running
    finally:
        running.stop()


def credentials(tenant: Tenant) -> dict[str, str]:
    """Returns the body of a client credentials exchange."""
    return {
        "grant_type": "client_credentials",
        "client_id": tenant.client_id,
        "client_secret": tenant.secret,
        "audience": AUDIENCE,
    }


def basic(client_id: str, secret: str) -> str:
    """Returns a Basic header value of text that needs no form encoding."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def rxauth_program() -> str:
    """Returns the path of the command line that is tested."""
    return str(Path(sys.executable).parent / "rxauth")


def environment(settings: Settings) -> dict[str, str]:
    """Returns the environment in which a process has these settings, and no others."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("RXAUTH_")}
    given |= {
        "RXAUTH_ISSUER": settings.issuer,
        "RXAUTH_AUDIENCE": settings.audience,
        "RXAUTH_DATABASE_URL": settings.database_url,
        "RXAUTH_SEALING_KEY": base64.b64encode(settings.sealing_key).decode(),
        "PYTHONWARNINGS": "error",
        "RXAUTH_CLIENT_REQUESTS_PER_MINUTE": str(GENEROUS.client),
        "RXAUTH_ORGANIZATION_REQUESTS_PER_MINUTE": str(GENEROUS.organization),
        "RXAUTH_PERSON_REQUESTS_PER_MINUTE": str(GENEROUS.person),
        "RXAUTH_NETWORK_REQUESTS_PER_MINUTE": str(GENEROUS.network),
    }
    if settings.owner_database_url is not None:
        given["RXAUTH_OWNER_DATABASE_URL"] = settings.owner_database_url
    if settings.audit_checkpoint_file is not None:
        given["RXAUTH_AUDIT_CHECKPOINT_FILE"] = settings.audit_checkpoint_file
    return given


def run(settings: Settings, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the command line with these settings."""
    return subprocess.run(
        [rxauth_program(), *arguments],
        env=environment(settings),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def free_port() -> int:
    """Returns a port that nothing listens on.

    It is below those that the system gives to outgoing connections, and among those of this worker alone, one after the
    other, so that a program that starts slowly finds it free.
    """
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", next(_ports()))) as found:
            return int(found.getsockname()[1])


def seconds_until(since: float, is_so: Callable[..., bool], *arguments: Any) -> float:
    """Asks until something is so that another process brings about; returns how long after `since` that was asked."""
    while True:
        asked_at = time.monotonic()
        if is_so(*arguments):
            return asked_at - since
        assert asked_at - since < PATIENCE_S


@cache
def _ports() -> Iterator[int]:
    """Returns the ports of this worker of a parallel run, from anywhere among them on."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % workers
    ports = range(10_000, 32_000)
    mine = ports[len(ports) * worker // workers : len(ports) * (worker + 1) // workers]
    first = SystemRandom().randrange(len(mine))
    return cycle([*mine[first:], *mine[:first]])


def decode(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the header and claims of a token, unverified."""
    head, body, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))


def challenge_attributes(answer: httpx.Response) -> dict[str, str]:
    """Returns the attributes of a WWW-Authenticate header with one challenge."""
    return dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["www-authenticate"]))
