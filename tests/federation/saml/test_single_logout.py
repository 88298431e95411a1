"""Single logout with a provider made of pysaml2, over HTTP, whichever of the two it begins at."""

import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest

from rxauth.domain import connections, memberships, sessions, upstream_sessions
from rxauth.domain.connection_settings import Joining, Mapping, SamlSettings
from rxauth.domain.connections import Wanted
from rxauth.domain.sessions import Proof, Session
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.edge.cookies import NAME
from rxauth.edge.sso import saml
from rxauth.federation.saml import identity, parties
from rxauth.federation.saml.assertions import NameId
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.conftest import make_world
from tests.federation.saml.issuing import THEIR_KEY, THEIRS
from tests.federation.saml.pysaml2_provider import Pysaml2Provider
from tests.live import Live
from tests.people import add_person
from tests.signing_in import APP, Cast
from tests.world import StandingClock, Template

BYE = f"{APP}/bye"
SLO = "/sso/alder-saml/slo"
GRACE = NameId(value="grace", format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
SETTINGS = SamlSettings(
    entity_id=THEIRS,
    sso_url="https://idp.example/sso",
    sso_binding="redirect",
    certificates=(THEIR_KEY.certificate.base64,),
    slo_url="https://idp.example/slo",
    slo_binding="redirect",
)


class Clinic:
    """A server of which grace's session came of a provider."""

    def __init__(self, live: Live, folder: Path) -> None:
        self.live, self.cast = live, Cast(live)
        server = live.server
        alder, now = live.world.alder.organization_id, live.clock.seconds()
        wanted = Wanted("alder-saml", "Alder", Joining.JUST_IN_TIME, SETTINGS, Mapping())
        connection = server.database.write(lambda tx: connections.create(tx, alder, wanted, server.sealing_key, now))
        us = parties.us(server.issuer, connection, saml.keys_of(server, connection))
        self.provider = Pysaml2Provider(us, folder)
        vouched = UpstreamIdentity(
            alder,
            connection.id,
            identity.subject(GRACE, us, parties.them(SETTINGS)),
            "grace@clinic.example",
            None,
            None,
            groups=(),
            methods=("fed",),
            session="s1",
            hint=msgspec.json.encode(GRACE),
        )

        def begin(tx: Transaction) -> tuple[Session, str]:
            grace = add_person(tx, "grace@clinic.example")
            memberships.add(tx, alder, grace.id, [Role.STAFF], now)
            begun = sessions.start(tx, Proof(grace.id, ("fed",), "192.0.2.1", "A browser", alder), now)
            upstream_sessions.note(tx, begun[0].id, vouched, server.sealing_key)
            return begun

        self.session, handle = server.database.write(begin)
        self.browser: Browser = self.cast.browser()
        self.browser.cookies[NAME] = handle

    @property
    def is_over(self) -> bool:
        """Whether the session ended."""
        found = self.live.server.database.read(lambda tx: sessions.load(tx, self.session.id))
        return found is None or found.ended_at is not None

    def hear(self, query: str) -> Any:
        """Has a browser bring what the provider sends."""
        return self.live.http.get(f"{SLO}?{query}")


@pytest.fixture
def clinic(templates: dict[str, Template], tmp_path_factory: Any) -> Iterator[Clinic]:
    """A clinic on SQLite, at this moment: the provider has a clock of its own."""
    live = Live(make_world("sqlite", templates, tmp_path_factory), StandingClock(int(time.time())))
    made = Clinic(live, tmp_path_factory.mktemp("provider"))
    yield made
    made.cast.close()
    live.let_go()


def test_a_federated_logout_asks_the_provider_and_leads_back_to_the_client(clinic: Clinic) -> None:
    asked = urlencode({"client_id": clinic.cast.client_id, "returnTo": BYE})
    there = clinic.browser.send("GET", f"/v2/logout?{asked}&federated").headers["location"]
    assert there.startswith("https://idp.example/slo?SAMLRequest=")
    assert clinic.is_over
    sent = dict(parse_qsl(urlsplit(there).query))
    assert len(sent["RelayState"]) <= 80  # SAML V2.0 Bindings §3.4.3
    request = clinic.provider.request(sent, is_logout=True)
    assert (request.name_id.text, [one.text for one in request.session_index]) == ("grace", ["s1"])

    answer = clinic.hear(clinic.provider.logout_answer(request, sent["RelayState"]))
    assert (answer.status_code, answer.headers["location"]) == (303, BYE)
    again = clinic.hear(clinic.provider.logout_answer(request, sent["RelayState"]))
    assert (again.status_code, "location" in again.headers) == (200, False)
    elsewhere = clinic.hear(clinic.provider.logout_answer(request, "https://evil.example"))
    assert (elsewhere.status_code, "location" in elsewhere.headers) == (400, False)


def test_the_relay_state_of_a_logout_is_no_way_into_an_account(clinic: Clinic) -> None:
    asked = urlencode({"client_id": clinic.cast.client_id, "returnTo": BYE})
    there = clinic.browser.send("GET", f"/v2/logout?{asked}&federated").headers["location"]
    sent = dict(parse_qsl(urlsplit(there).query))
    request = clinic.provider.request(sent, is_logout=True)
    form = {"SAMLResponse": b64encode(clinic.provider.answer(request.id).encode()), "RelayState": sent["RelayState"]}
    answer = clinic.live.http.post("/sso/alder-saml/acs", data=form)
    landed = clinic.browser.open(answer.headers.get("location", f"/sso/alder-saml/acs?state={sent['RelayState']}"))
    assert (landed.status_code, clinic.browser.heading()) == (400, "This sign-in is over")


def test_a_logout_at_the_provider_ends_the_session_here_once_and_is_answered(clinic: Clinic) -> None:
    query = clinic.provider.logout_request()
    answer = clinic.hear(query)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://idp.example/slo?SAMLResponse=")
    assert clinic.is_over
    assert clinic.hear(query).status_code == 400


def test_a_logout_request_that_nobody_signed_or_that_was_altered_ends_nothing(clinic: Clinic) -> None:
    sent = dict(parse_qsl(clinic.provider.logout_request()))
    unsigned = {name: value for name, value in sent.items() if name not in {"Signature", "SigAlg"}}
    other = {**sent, "RelayState": "another"}
    broken = {**sent, "Signature": sent["Signature"][:-8] + "AAAAAAA="}
    for form in (unsigned, other, broken, {"SAMLRequest": "AAAA"}, {}):
        assert clinic.hear(urlencode(form)).status_code == 400
    assert clinic.live.http.post(SLO, data={"SAMLRequest": "AAAA"}).status_code == 400
    assert clinic.live.http.get("/sso/nobody/slo?SAMLRequest=AAAA").status_code == 404
    assert not clinic.is_over
