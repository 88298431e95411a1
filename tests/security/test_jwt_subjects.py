"""Attacks with a token that was good, or is good elsewhere: of a key that is gone, of a tenant, of a machine."""

from typing import Any

import pytest

from rxauth.api.execute import Api
from rxauth.api.schema import Binding, build
from rxauth.crypto.jws import new_signing_key
from rxauth.domain import changes, signing_keys
from rxauth.policy.permissions import PERMISSIONS, Machine
from rxauth.storage.database import Transaction
from tests.live import Live, challenge_attributes
from tests.security.forging import READ, accepted, forged, refusal

MODERN = "application/graphql-response+json"
ABSENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def _rotate(live: Live, verify_for_s: int) -> None:
    def work(transaction: Transaction) -> None:
        signing_keys.rotate(
            transaction,
            new_signing_key(),
            live.world.settings.sealing_key,
            live.clock.seconds(),
            published_for_s=0,
            verify_for_s=verify_for_s,
        )

    live.server.database.write(work)


def test_a_token_of_a_retired_key_is_refused_although_it_was_accepted_before(sqlite_live: Live) -> None:
    token = sqlite_live.token(sqlite_live.world.alder)
    _rotate(sqlite_live, verify_for_s=600)
    sqlite_live.clock.advance(599)
    assert accepted(sqlite_live.graphql(token, READ))

    sqlite_live.clock.advance(1)
    assert "key" in refusal(sqlite_live, token)
    assert accepted(sqlite_live.graphql(sqlite_live.token(sqlite_live.world.alder), READ))


def test_a_token_of_a_key_that_was_taken_away_is_refused_although_it_was_accepted_before(live: Live) -> None:
    token = live.token(live.world.alder)
    _rotate(live, verify_for_s=86_400)
    assert accepted(live.graphql(token, READ))
    taken = live.world.current_key.key_id

    def take_away(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql(f"DELETE FROM signing_keys WHERE id = '{taken}'")
        changes.record(transaction, changes.ChangeKind.SIGNING_KEY, taken, live.clock.seconds())

    live.server.database.write(take_away)

    assert "key" in refusal(live, token)
    published = live.http.get("/.well-known/jwks.json").json()["keys"]
    assert taken not in {key["kid"] for key in published}


@pytest.mark.parametrize(
    ("one", "many", "prefix"),
    [("patient", "patients", "pat"), ("prescription", "prescriptions", "rx"), ("order", "orders", "ord")],
)
def test_another_organizations_record_looks_exactly_like_an_absent_one(
    sqlite_live: Live, one: str, many: str, prefix: str
) -> None:
    alder, birch = sqlite_live.token(sqlite_live.world.alder), sqlite_live.token(sqlite_live.world.birch)
    foreign = sqlite_live.data(birch, f"{{ {many} {{ id }} }}")[many][0]["id"]
    query = f"query ($id: ID!) {{ {one}(id: $id) {{ id }} }}"

    asked = sqlite_live.graphql(alder, query, {"id": foreign})
    absent = sqlite_live.graphql(alder, query, {"id": f"{prefix}_{ABSENT}"})

    assert asked.status_code == absent.status_code
    assert asked.text.replace(foreign, "?") == absent.text.replace(f"{prefix}_{ABSENT}", "?")
    assert foreign not in {record["id"] for record in sqlite_live.data(alder, f"{{ {many} {{ id }} }}")[many]}
    assert sqlite_live.data(birch, query, {"id": foreign})[one]["id"] == foreign


def test_a_token_that_names_another_organization_than_its_clients_is_refused(sqlite_live: Live) -> None:
    refusal(sqlite_live, forged(sqlite_live, {}, org_id=sqlite_live.world.birch.organization_id))


@pytest.mark.parametrize("claim", ["organization", "client", "secret"])
def test_a_token_that_names_what_does_not_exist_is_refused(sqlite_live: Live, claim: str) -> None:
    nobody = "A" * 32
    claims: dict[str, dict[str, str]] = {
        "organization": {"org_id": f"org_{ABSENT}"},
        "client": {"client_id": nobody, "sub": f"{nobody}@clients", "azp": nobody},
        "secret": {"secret_id": f"sec_{ABSENT}"},
    }

    refusal(sqlite_live, forged(sqlite_live, {}, **claims[claim]))


def test_a_token_that_names_the_secret_of_another_client_is_refused(sqlite_live: Live) -> None:
    refusal(sqlite_live, forged(sqlite_live, {}, secret_id=sqlite_live.world.birch.secret_id))


CONTRACT = """
directive @requires(anyOf: [String!]!) on FIELD_DEFINITION
directive @requiresOrganization on FIELD_DEFINITION
directive @guarded on OBJECT
type Query { use: String @requires(anyOf: ["%s"]) }
"""
NEVER = [permission.name for permission in PERMISSIONS if permission.machine is Machine.NEVER]


def _serve_one_field(live: Live, permission: str) -> list[str]:
    """Serves a contract whose one field asks for a permission; returns what will list its uses."""
    uses: list[str] = []

    def use(_source: Any, _info: Any) -> str:
        uses.append(permission)
        return "used"

    schema = build(CONTRACT % permission, Binding({"Query": {"use": use}}, {}, {}, str))
    live.edge.api = Api(schema, live.server.database, live.clock)
    return uses


def test_write_prescription_forged_into_a_machines_token_opens_nothing(sqlite_live: Live) -> None:
    uses = _serve_one_field(sqlite_live, "write:prescription")
    permissions = ["read:patient", "write:prescription"]
    token = forged(sqlite_live, {}, permissions=permissions, scope=" ".join(permissions))

    answer = sqlite_live.graphql(token, "{ use }", accept=MODERN)
    assert answer.status_code == 403
    assert challenge_attributes(answer)["error"] == "insufficient_scope"
    assert challenge_attributes(answer)["scope"] == "write:prescription"
    assert "a machine never holds write:prescription" in answer.json()["errors"][0]["message"]

    plain = sqlite_live.graphql(token, "{ use }")
    assert plain.status_code == 200
    assert plain.json()["data"] == {"use": None}
    assert plain.json()["errors"][0]["extensions"] == {
        "code": "FORBIDDEN",
        "requiredPermission": "write:prescription",
        "reason": "machine",
    }
    assert uses == []


def test_no_permission_that_machines_never_hold_can_be_forged_into_a_token(sqlite_live: Live) -> None:
    token = forged(sqlite_live, {}, permissions=NEVER, scope=" ".join(NEVER))
    assert "write:prescription" in NEVER
    for permission in NEVER:
        uses = _serve_one_field(sqlite_live, permission)
        assert sqlite_live.graphql(token, "{ use }", accept=MODERN).status_code == 403
        assert uses == []


def test_a_permission_that_the_client_was_not_given_cannot_be_forged_into_its_token(sqlite_live: Live) -> None:
    uses = _serve_one_field(sqlite_live, "read:audit")
    token = forged(sqlite_live, {}, permissions=["read:audit"], scope="read:audit")
    answer = sqlite_live.graphql(token, "{ use }", accept=MODERN)

    assert answer.status_code == 403
    assert "this client was not given it" in answer.json()["errors"][0]["message"]
    assert uses == []


def test_the_one_field_of_these_tests_opens_to_a_permission_that_the_client_has(sqlite_live: Live) -> None:
    uses = _serve_one_field(sqlite_live, "read:patient")

    assert sqlite_live.data(forged(sqlite_live, {}), "{ use }") == {"use": "used"}
    assert uses == ["read:patient"]


@pytest.mark.parametrize("scope", ["read:audit", "write:prescription read:audit", "*", "read:patient read:audit"])
def test_what_the_scope_says_beyond_the_permissions_opens_nothing(sqlite_live: Live, scope: str) -> None:
    uses = _serve_one_field(sqlite_live, "read:audit")
    token = forged(sqlite_live, {}, scope=scope)

    assert sqlite_live.graphql(token, "{ use }", accept=MODERN).status_code == 403
    assert uses == []
