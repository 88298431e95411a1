"""An act without its audit record, a record that says too little, and one that says too much."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import bindparam, select

from rxauth.crypto.secrets import new_secret
from rxauth.domain import organizations
from rxauth.domain.audit import Event
from rxauth.ids import new_client_id
from rxauth.storage.tables.access import changes
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tenancy import sql
from tests.domain.test_audit import entries
from tests.edge.test_audit_group import nobody_records
from tests.edge.test_refusals import revoked
from tests.live import Live, decode, run
from tests.postgres import SERVING
from tests.storage.test_database import database_name
from tests.storage.test_migrations import administer
from tests.world import NOW, World

SCOPE = "read:patient write:patient read:prescription read:order write:order"
OPERATOR = {"kind": "operator", "id": None}
ANONYMOUS = {"kind": "anonymous", "id": None}
CREATE = """mutation { createPatient(externalId: "e-1", name: {first: "Wilhelmina", last: "Canaryfield"},
    dateOfBirth: "1950-01-01", sex: FEMALE, phone: "+12025550177") { id } }"""
PEOPLE = sql(
    select(patients.c.first_name, patients.c.last_name, patients.c.date_of_birth, patients.c.phone, patients.c.email)
    .where(patients.c.organization_id == bindparam("organization_id"))
)  # fmt: skip
ROWS = sql(select(audit_outbox.c.id).union_all(select(changes.c.subject_id)))

# A command, and the records it makes: event, and which of the known things is its target.
COMMANDS = {
    "organizations create": (["organizations", "create", "Cedar"], ["organization.created"]),
    "clients create": (["clients", "create", "NEW ORGANIZATION"], ["client.created"]),
    "organizations disable": (["organizations", "disable", "ORGANIZATION"], ["organization.disabled"]),
    "operators add": (
        ["operators", "add", "olga@platform.example", "--first-name", "Olga", "--last-name", "Petrov"],
        ["operator.added"],
    ),
    "rotate-secret": (["clients", "rotate-secret", "CLIENT"], ["secret.created"]),
    "revoke-secret": (["clients", "revoke-secret", "CLIENT", "SECRET"], ["secret.revoked"]),
    "revoke-tokens": (["clients", "revoke-tokens", "CLIENT"], ["client.tokens_revoked"]),
    "disable": (["clients", "disable", "CLIENT"], ["client.disabled"]),
    "keys rotate": (["keys", "rotate"], ["signing_key.rotated"] * 3),
    "keys remove": (["keys", "remove", "KEY"], ["signing_key.removed"]),
}


def test_every_token_that_leaves_has_one_record_of_its_own(live: Live) -> None:
    tenant = live.world.alder
    with ThreadPoolExecutor(4) as threads:
        tokens = list(threads.map(lambda _: live.token(tenant), range(8)))
    live.clock.advance(1)
    narrow = live.token(tenant, scope="read:patient")
    live.stop()
    found = {entry["target"]: entry for entry in entries(live.world)}
    assert len(entries(live.world)) == len(found) == 9
    for token in (*tokens, narrow):
        claims = decode(token)[1]
        entry = found[claims["jti"]]
        assert re.fullmatch("[0-9a-f]{16}", entry.pop("request_id"))
        assert entry == {
            "v": 1,
            "at_us": (NOW + (token == narrow)) * 1_000_000,
            "event": "token.issued",
            "outcome": "success",
            "actor": {"kind": "client", "id": tenant.client_id},
            "organization_id": tenant.organization_id,
            "target": claims["jti"],
            "reason": None,
            "network": "127.0.0.1",
            "count": 1,
            "secret_id": tenant.secret_id,
            "scope": "read:patient" if token == narrow else SCOPE,
            "exp": claims["exp"],
        }


def test_every_request_has_an_identifier_of_its_own(sqlite_live: Live) -> None:
    for _ in range(3):
        sqlite_live.token(sqlite_live.world.alder)
    assert len({entry["request_id"] for entry in entries(sqlite_live.world)}) == 3


def _wrong_secret(live: Live) -> httpx.Response:
    return live.exchange(live.world.alder, client_secret=new_secret())


def _unknown_client(live: Live) -> httpx.Response:
    return live.exchange(live.world.alder, client_id=new_client_id())


def _torn_secret(live: Live) -> httpx.Response:
    return live.exchange(live.world.alder, client_secret="rxs_torn")


def _scope_of_a_prescriber(live: Live) -> httpx.Response:
    return live.exchange(live.world.alder, scope="write:prescription")


def _foreign_audience(live: Live) -> httpx.Response:
    return live.exchange(live.world.alder, audience="https://elsewhere.example")


def _password_grant(live: Live) -> httpx.Response:
    return live.exchange(live.world.alder, grant_type="password")


def _no_token(live: Live) -> httpx.Response:
    return live.graphql(None, "{ patients { id } }")


def _foreign_token(live: Live) -> httpx.Response:
    return live.graphql("not-a-token", "{ patients { id } }")


def _expired_token(live: Live) -> httpx.Response:
    claims = live.claims(live.world.alder, iat=NOW - 3600, exp=NOW)
    return live.graphql(live.sign(claims), "{ patients { id } }")


def _token_of_an_unknown_secret(live: Live) -> httpx.Response:
    return live.graphql(live.sign(live.claims(live.world.alder, secret_id="sec_gone")), "{ patients { id } }")


def _lacking_permission(live: Live) -> httpx.Response:
    return live.graphql(live.sign(live.claims(live.world.alder)), "{ orders { id } }")


# What is refused, its status, and its record: event, whether the actor is the client, and the reason.
REFUSED: list[tuple[Callable[[Live], httpx.Response], int, str, bool, str]] = [
    (_wrong_secret, 401, "token.refused", True, "invalid_client"),
    (_unknown_client, 401, "token.refused", False, "invalid_client"),
    (_torn_secret, 401, "token.refused", False, "invalid_client"),
    (_scope_of_a_prescriber, 400, "token.refused", True, "invalid_scope"),
    (_foreign_audience, 400, "token.refused", True, "invalid_target"),
    (_password_grant, 400, "token.refused", False, "unsupported_grant_type"),
    (_no_token, 401, "request.refused", False, "missing_token"),
    (_foreign_token, 401, "request.refused", False, "invalid_token"),
    (_expired_token, 401, "request.refused", True, "invalid_token"),
    (_token_of_an_unknown_secret, 401, "request.refused", True, "invalid_token"),
    (_lacking_permission, 200, "request.refused", True, "needs read:order"),
]
NAMES = [act.__name__.strip("_") for act, *_ in REFUSED]


@pytest.mark.parametrize(
    ("act", "status", "event", "is_known", "reason"), REFUSED, ids=[one[0].__name__ for one in REFUSED]
)
def test_every_refusal_leaves_a_record_that_says_who_and_why(
    sqlite_live: Live, act: Callable[[Live], httpx.Response], status: int, event: str, is_known: bool, reason: str
) -> None:
    assert act(sqlite_live).status_code == status
    sqlite_live.stop()
    [entry] = entries(sqlite_live.world)
    assert re.fullmatch("[0-9a-f]{16}", entry["request_id"])
    client = {"kind": "client", "id": sqlite_live.world.alder.client_id}
    looked_at = ("event", "outcome", "actor", "organization_id", "reason", "network", "at_us", "count")
    assert {name: entry[name] for name in looked_at} == {
        "event": event,
        "outcome": "failure",
        "actor": client if is_known else ANONYMOUS,
        "organization_id": sqlite_live.world.alder.organization_id if is_known else None,
        "reason": reason,
        "network": "127.0.0.1",
        "at_us": NOW * 1_000_000,
        "count": 1,
    }


@pytest.mark.parametrize(("arguments", "events"), COMMANDS.values(), ids=COMMANDS)
def test_every_administrative_command_leaves_one_record_for_each_act(
    sqlite_world: World, arguments: list[str], events: list[str]
) -> None:
    tenant = sqlite_world.alder
    database = sqlite_world.open()
    new = database.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW))
    database.close()
    known = {
        "ORGANIZATION": tenant.organization_id,
        "NEW ORGANIZATION": new.id,
        "CLIENT": tenant.client_id,
        "SECRET": tenant.secret_id,
        "KEY": sqlite_world.current_key.key_id,
    }
    done = run(sqlite_world.settings, *(known.get(one, one) for one in arguments))
    assert done.returncode == 0, done.stderr
    found = entries(sqlite_world)
    assert sorted(entry["event"] for entry in found) == sorted(events)
    for entry in found:
        assert (entry["outcome"], entry["actor"], entry["reason"], entry["count"]) == ("success", OPERATOR, None, 1)
        assert entry["target"]
        assert entry["at_us"] > 1_700_000_000_000_000
        if entry["event"] == "signing_key.rotated":
            rotated = {one["previous"]: one["target"] for one in found}
            assert rotated[sqlite_world.current_key.key_id] == sqlite_world.next_key.key_id
            assert (len(rotated), entry["organization_id"]) == (3, None)
        elif entry["event"] in {"secret.revoked", "organization.disabled", "signing_key.removed"}:
            assert entry["target"] == known[arguments[-1]]
        elif entry["event"] == "client.created":
            assert entry["organization_id"] == new.id
        elif entry["event"].startswith("client.") and "CLIENT" in arguments:
            assert (entry["target"], entry["organization_id"]) == (tenant.client_id, tenant.organization_id)


def test_a_command_that_is_refused_leaves_no_record_of_an_act(sqlite_world: World) -> None:
    done = run(sqlite_world.settings, "clients", "revoke-secret", sqlite_world.alder.client_id, "sec_nothing")
    assert done.returncode == 1
    assert entries(sqlite_world) == []


def test_no_secret_token_or_patient_stands_in_any_record(sqlite_live: Live) -> None:
    world, wrong, odd = sqlite_live.world, new_secret(), "rxs_canary\u202e\x1b[31m"
    token = sqlite_live.token(world.alder)
    sqlite_live.data(token, CREATE)
    sqlite_live.graphql(token, "{ medications { id } organization { id } }")
    for parameters in ({"client_secret": wrong}, {"client_secret": odd}, {"scope": "canary:scope"}, {"client_id": odd}):
        sqlite_live.exchange(world.alder, **parameters)
    sqlite_live.graphql(token + "canary", "{ patients { id } }")
    sqlite_live.graphql(sqlite_live.sign(sqlite_live.claims(world.alder)), CREATE)
    sqlite_live.stop()
    new = run(world.settings, "clients", "rotate-secret", world.alder.client_id)
    database = world.open()
    rows = database.read(lambda tx: tx.all(PEOPLE, organization_id=world.alder.organization_id))
    database.close()
    people = {str(value) for row in rows for value in row if value and len(str(value)) > 3}
    assert {"Wilhelmina", "Canaryfield"} <= people
    kept = json.dumps(entries(world))
    secrets = {wrong, world.alder.secret, re.findall(r"rxs_\w+", new.stdout)[0], token, token.split(".")[2]}
    assert [text for text in {*people, *secrets} if text in kept] == []
    assert "canary" not in kept.lower()
    assert len(entries(world)) >= 6


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_token_whose_record_cannot_be_kept_is_not_given(live: Live) -> None:
    tenant = live.world.alder
    live.token(tenant)  # so that the client is known to the process
    with nobody_records(live.world):
        answer = live.exchange(tenant)
    assert_unavailable(answer)
    assert len(entries(live.world, Event.TOKEN_ISSUED)) == 1
    after = live.token(tenant)
    assert decode(after)[1]["jti"] in {entry["target"] for entry in entries(live.world, Event.TOKEN_ISSUED)}


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_token_whose_record_the_role_may_not_write_is_not_given(live: Live) -> None:
    with revoked(live.world):
        answer = live.exchange(live.world.alder)
    assert_unavailable(answer)
    assert entries(live.world) == []
    live.token(live.world.alder)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_token_whose_connection_breaks_before_the_commit_is_not_given(live: Live) -> None:
    live.token(live.world.alder)
    waiting = f"usename = '{SERVING}' AND wait_event_type = 'Lock' AND datname = '{database_name(live.world)}'"
    with ThreadPoolExecutor(1) as thread, nobody_records(live.world):
        answer = thread.submit(live.exchange, live.world.alder)
        while not answer.done():
            administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waiting}")
            time.sleep(0.02)
    assert_unavailable(answer.result())
    assert len(entries(live.world)) == 1


def assert_unavailable(answer: httpx.Response) -> None:
    """Checks that an exchange was refused for now, and that nothing of a token left."""
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"] == "temporarily_unavailable"
    assert set(answer.json()) == {"error", "error_description"}


def test_verification_and_reading_write_nothing(live: Live) -> None:
    token = live.token(live.world.alder)
    database = live.world.open()
    before = database.read(lambda tx: tx.all(ROWS))
    for query in ("{ patients { id } }", "{ orders { id patient { id } } }", "{ allergens { id } }"):
        live.data(token, query)
    after = database.read(lambda tx: tx.all(ROWS))
    database.close()
    assert before == after
