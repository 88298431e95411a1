"""A clinic whose people sign in with its own OpenID provider."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import select

from rxauth.domain import connections, domains, group_roles, users
from rxauth.domain.connection_settings import ClientAuthentication, Joining, Mapping, OpenIdSettings
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.connections import Connection, Wanted
from rxauth.edge.openid_providers import OpenIdProviders
from rxauth.edge.outbound import Outbound
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.browsing import Browser
from tests.conftest import ENGINES, make_world
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.forger import Forger
from tests.federation.openid.upstream import Upstream
from tests.live import PATIENCE_S, Live
from tests.signing_in import Cast
from tests.world import ISSUER, NOW, StandingClock, Template

LOOPBACK = (ip_network("127.0.0.0/8"),)
CALLBACK = urls_of(ISSUER, "alder-sso").callback
PAGE_NAME = "alder-page"  # of the connection that an administrator adds
# For what depends on the database: everything else runs on SQLite.
BOTH = pytest.mark.parametrize("engine", ENGINES)
# What the provider knows this server as.
CLIENTS = (
    upstreams.client("rxauth", CALLBACK),
    upstreams.client("rxauth-page", urls_of(ISSUER, PAGE_NAME).callback),
    upstreams.client("rxauth-birch", urls_of(ISSUER, "birch-sso").callback),
)


@dataclass
class Clinic:
    """A server, its people, and Alder's connection to a provider."""

    live: Live
    cast: Cast
    upstream: Upstream
    connection: Connection

    @property
    def alder(self) -> str:
        """The organization whose connection it is."""
        return self.live.world.alder.organization_id

    def read(self, work: Any) -> Any:
        """Reads from the server's database."""
        return self.live.server.database.read(work)

    def write(self, work: Any) -> Any:
        """Writes to the server's database."""
        return self.live.server.database.write(work)

    def leave(self, **changes: str | None) -> tuple[Browser, str]:
        """Returns a browser that a client sent to the provider, and where it goes."""
        browser = self.cast.browser()
        answer = browser.open(self.cast.request(**{"connection": "alder-sso", **changes}))
        assert answer.is_redirect, answer.text
        return browser, answer.headers["location"]

    def come_back(self, browser: Browser, url: str) -> Any:
        """Walks through the provider, and returns what this server answers then."""
        return browser.open(self.upstream.answer(url, ISSUER))

    def sign_in(
        self, subject: str, *, claims: dict[str, Any] | None = None, **changes: str | None
    ) -> tuple[Browser, Any]:
        """Signs somebody in through the provider; returns the browser and the last answer."""
        self.upstream.present(subject, **(claims or {}))
        browser, url = self.leave(**changes)
        return browser, self.come_back(browser, url)

    def change(self, **changes: Any) -> None:
        """Changes the connection."""

        def work(tx: Transaction) -> Connection:
            one = connections.require(tx, self.alder, self.connection.id)
            wanted = Wanted(one.name, one.display_name, one.joining, one.settings, one.mapping)
            return connections.change(tx, one, replace(wanted, **changes), self.live.server.sealing_key, NOW)

        self.connection = self.write(work)


@pytest.fixture(scope="session")
def provider() -> Iterator[Upstream]:
    """One provider for the whole run."""
    started = upstreams.start(*CLIENTS)
    yield started
    started.stop()


@pytest.fixture
def engine() -> str:
    """One engine, where a test does not ask for both."""
    return "sqlite"


@pytest.fixture
def clinic(
    engine: str,
    templates: dict[str, Template],
    tmp_path_factory: Any,
    provider: Upstream,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Clinic]:
    """A clinic, at this moment: the provider has a clock of its own. A machine that stands still is waited for."""
    monkeypatch.setattr("rxauth.edge.sso.openid.PATIENCE_S", float(PATIENCE_S))
    monkeypatch.setattr("rxauth.edge.outbound.TIMEOUT_S", PATIENCE_S)
    world = make_world(engine, templates, tmp_path_factory)
    clock = StandingClock(int(time.time()))
    live = Live(world, clock)
    live.edge.openid_providers = OpenIdProviders(Outbound(LOOPBACK), LOOPBACK, clock)
    cast = Cast(live)
    connection = live.server.database.write(lambda tx: add_connection(tx, live, provider.issuer))
    yield Clinic(live, cast, provider, connection)
    cast.close()
    live.let_go()
    templates[engine].take_back(world)


def add_connection(tx: Transaction, live: Live, issuer: str) -> Connection:
    """Adds a connection, to which everybody in the domain may come, as staff."""
    alder = live.world.alder.organization_id
    wanted = Wanted(
        "alder-sso",
        "Alder's directory",
        Joining.JUST_IN_TIME,
        OpenIdSettings(issuer, "rxauth", ClientAuthentication.SECRET_BASIC),
        Mapping(groups="groups", second_factor=("mfa",)),
        secret=upstreams.SECRET,
    )
    made = connections.create(tx, alder, wanted, live.server.sealing_key, NOW)
    group_roles.replace(tx, alder, made.id, {"*": {Role.STAFF}, "it": {Role.DEVELOPER}})
    domain = domains.add(tx, alder, "alder.example", NOW)
    domains.verify(tx, domain, NOW)
    return made


@pytest.fixture(scope="session")
def forging() -> Iterator[Forger]:
    """One dishonest provider for the whole run."""
    started = Forger()
    yield started
    started.stop()


@dataclass
class Attack:
    """A clinic whose connection leads to a provider that says whatever it likes."""

    clinic: Clinic
    forger: Forger

    def leave(self, **changes: str | None) -> tuple[Browser, str]:
        """Returns a browser that was sent to the provider, and where it is sent back to."""
        browser, url = self.clinic.leave(**changes)
        return browser, self.forger.answer(url)

    def refused(self, browser: Browser, url: str) -> str:
        """Brings a browser back to a sign-in that must fail; returns the reason that the organization is told."""
        answer = browser.open(url)
        assert answer.status_code in {403, 502, 504}, answer.text
        assert "mallory" not in answer.text
        return self.reason()

    def reason(self) -> str:
        """Returns why the last sign-in was refused, as the organization's log has it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            rows = self.clinic.read(lambda tx: tx.all(ENTRIES))
            refusals = [json.loads(row.entry) for row in rows if b"person.sign_in_refused" in row.entry]
            if refusals:
                found = refusals[-1]
                assert (found["organization_id"], found["target"]) == (self.clinic.alder, self.clinic.connection.id)
                return str(found["reason"])
            time.sleep(0.02)
        raise AssertionError("nothing was recorded")

    def is_anybody_in(self) -> bool:
        """Tells whether somebody of the provider's got an account."""
        found = self.clinic.read(lambda tx: users.find_by_email(tx, "mallory@alder.example"))
        return found is not None


ENTRIES = sql(select(audit_outbox.c.entry).order_by(audit_outbox.c.id), across_tenants="what a test looks at")


@pytest.fixture
def attack(clinic: Clinic, forging: Forger) -> Attack:
    """Alder's connection leads to a dishonest provider."""
    forging.reset()
    clinic.change(settings=OpenIdSettings(forging.issuer, "rxauth", ClientAuthentication.SECRET_BASIC))
    return Attack(clinic, forging)
