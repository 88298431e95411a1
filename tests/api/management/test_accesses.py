"""Query.patientAccess and Query.accessLog: who saw a patient, exactly; and nobody else's log."""

from typing import Any

import pytest
from sqlalchemy import text

from rxauth.policy.roles import Role
from tests.api.answers import MODERN, code, every_page, sample_id, the_error
from tests.api.management.sign_ins import token
from tests.live import Live, decode
from tests.token_holders import Holders
from tests.world import StandingClock, TickingClock

FIELDS = "id at actorKind actorId clientId tokenId operation fields outcome codes patients network requestId"
SAW = f"""query($patientId: ID!, $after: ID, $first: Int) {{
  patientAccess(patientId: $patientId, after: $after, first: $first) {{ {FIELDS} }}
}}"""
LOG = f"""query($actorId: ID, $since: AWSDateTime, $until: AWSDateTime, $after: ID, $first: Int) {{
  accessLog(actorId: $actorId, since: $since, until: $until, after: $after, first: $first) {{ {FIELDS} }}
}}"""
PATIENT = "query($id: ID!) { patient(id: $id) { id } }"
CANARY = "Zyxwvutsrq"


@pytest.fixture
def clock() -> StandingClock:
    """A clock by which the records have an order."""
    return TickingClock()


@pytest.fixture
def holders(live: Live) -> Holders:
    """People of Alder Clinic."""
    return Holders(live)


@pytest.fixture
def auditor(holders: Holders) -> str:
    """The token of an administrator."""
    return token(holders, holders.person(Role.ADMINISTRATOR))


def read(live: Live, auditor: str, document: str, **variables: Any) -> Any:
    """Returns what the log has by now."""
    live.edge.access_log.write()
    [found] = live.data(auditor, document, variables).values()
    return found


def saw(live: Live, auditor: str, patient_id: str) -> list[tuple[str, ...]]:
    """Returns who saw a patient, oldest first, without those who asked just that."""
    found = read(live, auditor, SAW, patientId=patient_id)
    return [(one["actorId"], *one["fields"]) for one in found[::-1] if one["fields"] != ["patientAccess"]]


def test_a_record_says_who_read_and_when_and_no_value(live: Live, holders: Holders, auditor: str) -> None:
    machine = live.token(live.world.alder)
    patient_id = sample_id(live, machine)

    (found,) = read(live, auditor, SAW, patientId=patient_id)

    assert len(found.pop("id")) == 26
    assert found.pop("at").startswith("2026-11-23T12:00:00.")
    assert len(found.pop("requestId")) == 16
    assert found == {
        "actorKind": "client",
        "actorId": live.world.alder.client_id,
        "clientId": live.world.alder.client_id,
        "tokenId": decode(machine)[1]["jti"],
        "operation": None,
        "fields": ["patient"],
        "outcome": "success",
        "codes": [],
        "patients": 1,
        "network": "127.0.0.1",
    }
    person = holders.person(Role.STAFF)
    live.data(token(holders, person), "query whoIsIt($id: ID!) { patient(id: $id) { id } }", {"id": patient_id})
    newest = read(live, auditor, SAW, patientId=patient_id)[0]
    assert [newest[name] for name in ("actorKind", "actorId", "clientId", "operation")] == [
        *("person", person, holders.spa.client_id, "whoIsIt"),
    ]


def test_who_saw_a_patient_is_exactly_these(live: Live, holders: Holders, auditor: str) -> None:
    """Through each kind of record, by reading and by writing; who was refused, or saw others, is not among them."""
    machine, me = live.token(live.world.alder), live.world.alder.client_id
    maya = sample_id(live, machine)
    other = sample_id(live, machine, "sample-002")
    about = live.data(machine, "query($id: ID!) { patient(id: $id) { orders { id fills { id } } } }", {"id": maya})
    order = about["patient"]["orders"][0]
    expected: list[tuple[str, ...]] = [(me, "patient"), (me, "patient")]
    for field, document in (
        ("prescriptions", "query($id: ID!) { prescriptions(filter: {patientId: $id}) { id } }"),
        ("orders", "query($id: ID!) { orders(filter: {patientId: $id}) { id } }"),
        ("updatePatient", 'mutation($id: ID!) { updatePatient(id: $id, gender: "f") { id } }'),
    ):
        live.data(machine, document, {"id": maya})
        expected.append((me, field))
    live.data(machine, "query($id: ID!) { order(id: $id) { state } }", {"id": order["id"]})
    live.data(machine, "query($id: ID!) { fill(id: $id) { state } }", {"id": order["fills"][0]["id"]})
    live.data(machine, "{ patients(first: 100) { id } catalogs { id } }")
    person = holders.person(Role.STAFF)
    live.data(token(holders, person), PATIENT, {"id": maya})
    expected += [(me, "order"), (me, "fill"), (me, "patients", "catalogs"), (person, "patient")]
    assert live.graphql(live.token(live.world.alder, scope="read:order"), PATIENT, {"id": maya}).json()["errors"]
    live.data(machine, PATIENT, {"id": other})
    live.data(machine, "{ catalogs { id } }")

    assert saw(live, auditor, maya) == expected


def test_what_was_denied_or_failed_is_recorded_without_a_patient(live: Live, auditor: str) -> None:
    alder = live.world.alder
    maya = sample_id(live, live.token(alder))
    lacking = live.token(alder, scope="read:order")
    live.graphql(lacking, PATIENT, {"id": maya}, accept=MODERN)
    live.graphql(live.token(alder), 'mutation { updatePatient(id: "pat_x", gender: "f") { id } }')
    live.graphql(live.token(alder), PATIENT, {"id": True})
    live.graphql(live.token(alder), "{ nothing }")
    live.graphql(live.token(alder), "{ catalogs { id } }")

    found = read(live, auditor, LOG)

    assert [(one["fields"], one["outcome"], one["codes"], one["patients"]) for one in found] == [
        (["patient"], "failure", ["BAD_USER_INPUT"], 0),
        (["updatePatient"], "failure", ["NOT_FOUND"], 0),
        (["patient"], "failure", ["FORBIDDEN"], 0),
        (["patient"], "success", [], 1),
    ]


def test_another_organization_sees_nothing_of_it(live: Live, holders: Holders, auditor: str) -> None:
    maya = sample_id(live, live.token(live.world.alder))
    birch = live.world.birch.organization_id
    other = holders.person(Role.ADMINISTRATOR, organization_id=birch)
    session, _ = holders.session(other, ("pwd", "otp"))
    reader = str(holders.redeemed(holders.code(session, organization_id=birch))["access_token"])

    for reference in (maya, "pat_nobody"):
        assert code(live.graphql(reader, SAW, {"patientId": reference})) == "NOT_FOUND"
    assert {one["actorId"] for one in read(live, reader, LOG)} == {other}
    assert read(live, reader, LOG, actorId=live.world.alder.client_id) == []
    assert len(read(live, auditor, SAW, patientId=maya)) == 1


def test_asking_is_recorded(live: Live, auditor: str) -> None:
    maya = sample_id(live, live.token(live.world.alder))
    for _ in range(2):
        read(live, auditor, SAW, patientId=maya)
    read(live, auditor, LOG)

    found = read(live, auditor, LOG)
    assert [one["fields"] for one in found] == [["accessLog"], ["patientAccess"], ["patientAccess"], ["patient"]]
    assert [one["patients"] for one in found] == [0, 1, 1, 1]
    assert [one["fields"] for one in read(live, auditor, SAW, patientId=maya)] == [
        *(["patientAccess"], ["patientAccess"], ["patient"]),
    ]


def test_the_log_is_searched_by_person_and_time_and_read_in_pages(live: Live, holders: Holders, auditor: str) -> None:
    machine, person = live.token(live.world.alder), holders.person(Role.STAFF)
    theirs = token(holders, person)
    for number in range(6):
        live.clock.advance(1)
        live.data(theirs if number % 2 else machine, "{ orders { id } }")

    def times(**wanted: Any) -> list[str]:
        found = read(live, auditor, LOG, **wanted)
        return [one["at"][17:19] for one in found if one["fields"] == ["orders"]]

    assert times() == ["06", "05", "04", "03", "02", "01"]
    assert times(actorId=person) == ["06", "04", "02"]
    assert times(actorId=live.world.alder.client_id) == ["05", "03", "01"]
    assert times(since="2026-11-23T12:00:03Z", until="2026-11-23T12:00:05Z") == ["04", "03"]
    assert times(since="2026-11-23T12:00:03Z", actorId=person) == ["06", "04"]
    assert times(until="1969-01-01T00:00:00Z") == times(since="9999-12-31T00:00:00Z") == []
    live.edge.access_log.write()

    def fetch(shown: list[str]) -> list[str]:
        found = read(live, auditor, LOG, first=4, after=shown[-1] if shown else None, actorId=person)
        return [one["id"] for one in found]

    assert len(every_page(fetch)) == 3


def test_who_may_not_read_the_log_reads_nothing_of_it(live: Live, holders: Holders) -> None:
    maya = sample_id(live, live.token(live.world.alder))
    tokens = [token(holders, holders.person(role)) for role in Role if role is not Role.ADMINISTRATOR]
    for one in [*tokens, live.token(live.world.alder)]:
        for document, variables in ((SAW, {"patientId": maya}), (LOG, {})):
            error = the_error(live.graphql(one, document, variables))
            assert error["extensions"]["requiredPermission"] == "read:audit"


def test_no_value_and_no_patient_stands_in_the_log(live: Live) -> None:
    """A client sends a name wherever it can; neither that nor an identifier of the patient is in a row."""
    machine = live.token(live.world.alder)
    maya = sample_id(live, machine)
    document = f"""mutation {"a" * 200}($id: ID!) {{
      {CANARY}: updatePatient(id: $id, gender: "{CANARY}") {{ {CANARY}: gender }}
    }}"""
    assert CANARY in live.graphql(machine, document, {"id": maya}).text
    live.data(machine, "query($n: String) { patients(filter: {name: $n}) { id } }", {"n": CANARY})
    live.graphql(machine, PATIENT, {"id": CANARY})
    live.edge.access_log.write()

    owner = live.world.owner()
    with owner.connect() as connection:
        kept = [connection.execute(text(f"SELECT * FROM access_record{s}")).all() for s in ("s", "_patients")]
    owner.dispose()
    assert (len(kept[0]), len(kept[1])) == (4, 2)
    assert "a" * 100 in str(kept[0])
    for secret in (CANARY, maya, maya[4:], machine, "a" * 101):
        assert secret not in str(kept)
        assert secret.encode().hex() not in str(kept)


def test_pages_are_bounded_and_a_forged_end_of_a_page_shows_nothing_of_others(
    live: Live, holders: Holders, auditor: str
) -> None:
    """M-18."""
    birch = live.token(live.world.birch)
    live.data(birch, "{ orders { id } }")
    maya = sample_id(live, live.token(live.world.alder))
    for document, variables in ((SAW, {"patientId": maya}), (LOG, {})):
        for first in (0, -1):
            assert code(live.graphql(auditor, document, {**variables, "first": first})) == "BAD_USER_INPUT"
        for after in ("\x7f", "zzzz", "' OR 1=1 --", maya, "é" * 1_000, "\x00"):
            answer = live.graphql(auditor, document, {**variables, "after": after, "first": 2**31 - 1}).json()
            shown = [one for found in (answer["data"] or {}).values() for one in found or ()]
            assert "errors" not in answer or answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            assert live.world.birch.client_id not in {one["actorId"] for one in shown}
