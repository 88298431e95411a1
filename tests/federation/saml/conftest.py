"""What the tests of SAML share: an identity provider's program, and a clinic whose people sign in with a provider."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from rxauth.domain import connections, domains, group_roles
from rxauth.domain.connection_settings import Joining, Mapping, SamlSettings
from rxauth.domain.connections import Connection, Wanted
from rxauth.edge.sso import saml
from rxauth.federation.saml import parties
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.conftest import make_world
from tests.federation.saml import upstream as upstreams
from tests.federation.saml.issuing import Xmlsec
from tests.federation.saml.upstream import NAME, URLS, Upstream
from tests.live import Live
from tests.signing_in import Cast
from tests.world import NOW, StandingClock, Template


@pytest.fixture(scope="session")
def xmlsec(tmp_path_factory: pytest.TempPathFactory) -> Xmlsec:
    """An identity provider's program."""
    return Xmlsec(tmp_path_factory.mktemp("xmlsec"))


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
        answer = browser.open(self.cast.request(**{"connection": NAME, **changes}))
        assert answer.is_redirect, answer.text
        return browser, answer.headers["location"]

    def post(self, form: dict[str, str], *, name: str = NAME) -> Any:
        """Posts a form from another site, so without any cookie; returns what this server answers."""
        path = f"/sso/{name}/acs"
        return self.live.http.post(path, data=form, headers={"sec-fetch-site": "cross-site"}, follow_redirects=False)

    def sign_in(
        self, subject: str, *, options: Any = None, attributes: dict[str, Any] | None = None, **changes: str | None
    ) -> tuple[Browser, Any]:
        """Signs somebody in through the provider; returns the browser and the last answer."""
        self.upstream.present(subject, options=options, **(attributes or {}))
        browser, url = self.leave(**changes)
        answer = self.post(self.upstream.answer(url))
        return browser, (browser.open(answer.headers["location"]) if answer.is_redirect else answer)

    def change(self, *, settings: dict[str, Any] | None = None, **changes: Any) -> None:
        """Changes the connection."""

        def work(tx: Transaction) -> Connection:
            one = connections.require(tx, self.alder, self.connection.id)
            told = msgspec.structs.replace(one.settings, **(settings or {}))
            wanted = Wanted(one.name, one.display_name, one.joining, told, one.mapping)
            return connections.change(tx, one, replace(wanted, **changes), self.live.server.sealing_key, NOW)

        self.connection = self.write(work)


@pytest.fixture(scope="session")
def provider() -> Iterator[Upstream]:
    """One provider for the whole run."""
    started = upstreams.start()
    yield started
    started.stop()


@pytest.fixture
def clinic(engine: str, templates: dict[str, Template], tmp_path_factory: Any, provider: Upstream) -> Iterator[Clinic]:
    """A clinic, at this moment: the provider has a clock of its own."""
    world = make_world(engine, templates, tmp_path_factory)
    live = Live(world, StandingClock(int(time.time())))
    cast = Cast(live)
    settings = parties.settings_from(provider.metadata(), NOW)
    connection = live.server.database.write(lambda tx: add_connection(tx, live, settings))
    provider.trust(saml.keys_of(live.server, connection).published[0].certificate)
    yield Clinic(live, cast, provider, connection)
    cast.close()
    live.let_go()


def add_connection(tx: Transaction, live: Live, settings: SamlSettings, name: str = NAME) -> Connection:
    """Adds a connection, to which everybody in the domain may come, as staff."""
    alder, mapping = live.world.alder.organization_id, Mapping("email", "firstName", "lastName", "groups")
    wanted = Wanted(name, "Alder's directory", Joining.JUST_IN_TIME, settings, mapping)
    made = connections.create(tx, alder, wanted, live.server.sealing_key, NOW)
    group_roles.replace(tx, alder, made.id, {"*": {Role.STAFF}, "it": {Role.DEVELOPER}})
    domain = domains.add(tx, alder, "alder.example", NOW)
    domains.verify(tx, domain, NOW)
    return made


__all__ = ["URLS"]
