"""E-mail domains over the API: added, verified by real DNS, led to a connection, removed; and by whom."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rxauth.domain import connections
from rxauth.edge.domain_watch import DomainWatch
from rxauth.edge.text_records import TextRecords
from rxauth.policy.roles import Role
from tests.api.answers import the_error
from tests.api.management.people import Clinic
from tests.domain.test_connections import KEY, WANTED
from tests.live import PATIENCE_S, Live
from tests.name_server import NameServer, name_server
from tests.people import outbox
from tests.world import NOW

FIELDS = "id name displayName state recordNames recordValue verifiedAt lookedAt missingSince connectionId"
LIST = f"{{ domains {{ {FIELDS} }} }}"
ADD = f"mutation($name: String!) {{ addDomain(name: $name) {{ {FIELDS} }} }}"
VERIFY = f"mutation($id: ID!) {{ verifyDomain(id: $id) {{ {FIELDS} }} }}"
LEAD = f"mutation($id: ID!, $to: ID) {{ setDomainConnection(id: $id, connectionId: $to) {{ {FIELDS} }} }}"
REMOVE = "mutation($id: ID!) { removeDomain(id: $id) }"


class Domains:
    """A clinic whose server asks a name server of the test's."""

    def __init__(self, live: Live, dns: NameServer) -> None:
        self.live, self.dns = live, dns
        self.clinic = Clinic(live)
        self.records = TextRecords([dns.address])
        live.edge.api.text_records = self.records.look

    def ask(self, query: str, who: str | None = None, **variables: Any) -> httpx.Response:
        """Asks as the administrator, or as somebody else."""
        return self.live.graphql(who or self.clinic.administrator.token, query, variables)

    def done(self, query: str, **variables: Any) -> Any:
        """Returns the one field of an answer without errors."""
        answer = self.ask(query, **variables).json()
        assert "errors" not in answer, answer
        [value] = answer["data"].values()
        return value

    def publish(self, domain: dict[str, Any], at: int = 0) -> None:
        """Publishes the record of a domain."""
        self.dns.texts[domain["recordNames"][at]] = ["something else", domain["recordValue"]]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server, which is waited for on a machine that stands still."""
    monkeypatch.setattr("rxauth.edge.text_records.LOOK_S", float(PATIENCE_S))
    with name_server() as made:
        yield made


@pytest.fixture
def domains(live: Live, dns: NameServer) -> Domains:
    """A clinic on each engine."""
    return Domains(live, dns)


@pytest.fixture
def lone(sqlite_live: Live, dns: NameServer) -> Domains:
    """A clinic on one engine."""
    return Domains(sqlite_live, dns)


def test_an_administrator_proves_a_domain_leads_it_to_a_connection_and_removes_it(domains: Domains) -> None:
    added = domains.done(ADD, name="Bücher.example")
    assert (added["name"], added["displayName"], added["state"]) == (
        "xn--bcher-kva.example",
        "bücher.example",
        "PENDING",
    )
    assert added["recordNames"] == ["_rxauth.xn--bcher-kva.example", "xn--bcher-kva.example"]

    refused = the_error(domains.ask(VERIFY, id=added["id"]))
    assert refused["extensions"]["reason"] == "dns_record_absent"
    assert "_rxauth.xn--bcher-kva.example" in refused["message"]

    domains.publish(added)
    assert domains.done(VERIFY, id=added["id"])["state"] == "VERIFIED"
    assert domains.done(VERIFY, id=added["id"])["state"] == "VERIFIED"  # again, and nothing more

    alder = domains.live.world.alder.organization_id
    connection = domains.live.server.database.write(lambda tx: connections.create(tx, alder, WANTED, KEY, NOW))
    assert domains.done(LEAD, id=added["id"], to=connection.id)["connectionId"] == connection.id
    assert domains.done(LEAD, id=added["id"])["connectionId"] is None
    assert the_error(domains.ask(LEAD, id=added["id"], to="con_of_nobody"))["extensions"]["code"] == "NOT_FOUND"

    assert domains.done(REMOVE, id=added["id"]) is True
    assert domains.done(LIST) == []


def test_the_record_may_stand_at_the_domain_itself(lone: Domains) -> None:
    added = lone.done(ADD, name="clinic.example")
    lone.publish(added, at=1)
    assert lone.done(VERIFY, id=added["id"])["state"] == "VERIFIED"


def test_name_servers_that_do_not_answer_are_said_to(lone: Domains) -> None:
    added = lone.done(ADD, name="clinic.example")
    lone.dns.failing |= set(added["recordNames"])
    assert the_error(lone.ask(VERIFY, id=added["id"]))["extensions"]["reason"] == "dns_silent"


def test_dns_is_never_asked_inside_of_a_write(lone: Domains) -> None:
    added = lone.done(ADD, name="clinic.example")
    lone.dns.asked.clear()
    body = {"idempotency-key": "k" * 16}
    answer = lone.live.graphql(lone.clinic.administrator.token, VERIFY, {"id": added["id"]}, **body)
    assert "no Idempotency-Key" in the_error(answer)["message"]
    assert lone.dns.asked == []


def test_a_domain_that_another_organization_proved_stays_its_own(lone: Domains) -> None:
    added = lone.done(ADD, name="clinic.example")
    lone.publish(added)
    lone.done(VERIFY, id=added["id"])
    birch = lone.live.world.birch.organization_id
    other = lone.clinic.somebody(Role.ADMINISTRATOR, organization_id=birch).token
    theirs = lone.ask(ADD, other, name="clinic.example").json()["data"]["addDomain"]
    lone.dns.texts[theirs["recordNames"][1]] = [theirs["recordValue"]]
    assert the_error(lone.ask(VERIFY, other, id=theirs["id"]))["extensions"]["reason"] == "domain_taken"
    for query in (VERIFY, LEAD, REMOVE):  # M-10
        assert the_error(lone.ask(query, other, id=added["id"]))["extensions"]["code"] == "NOT_FOUND"
    assert lone.ask("query($id: ID!) { domain(id: $id) { id } }", other, id=added["id"]).json()["data"] == {
        "domain": None
    }


def test_whoever_takes_a_domain_away_proved_two_factors_lately(lone: Domains) -> None:
    added = lone.done(ADD, name="clinic.example")
    weak = lone.clinic.again(lone.clinic.administrator, "pwd").token
    for query in (LEAD, REMOVE):
        refused = the_error(lone.ask(query, weak, id=added["id"]))
        assert refused["extensions"]["code"] == "INSUFFICIENT_USER_AUTHENTICATION"


def test_a_domain_is_looked_at_again_by_one_process_a_day(lone: Domains) -> None:
    added = lone.done(ADD, name="clinic.example")
    lone.publish(added)
    lone.done(VERIFY, id=added["id"])
    database, clock = lone.live.server.database, lone.live.clock
    watch = DomainWatch(database, clock, outbox(lone.live.world), lone.records.look, lone.live.edge.tell_soon)
    assert watch.work_once() == 0
    clock.advance(86_400)
    lone.dns.texts.clear()
    assert [watch.work_once(), watch.work_once()] == [1, 0]
    administrator = lone.clinic.again(lone.clinic.administrator).token
    [found] = lone.ask(LIST, administrator).json()["data"]["domains"]
    assert found["state"] == "MISSING"
    assert found["missingSince"] is not None
