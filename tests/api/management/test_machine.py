"""The machine client over the API: what it may do, who gives it that, and the secrets that people make and end."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from rxauth.domain import audiences, clients, organizations, users
from rxauth.domain.audiences import Audience
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.policy.permissions import MACHINE_DEFAULT, PERMISSIONS, Machine
from rxauth.policy.roles import Role
from rxauth.storage.tables import metadata
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic, Somebody
from tests.live import Live
from tests.world import AUDIENCE, NOW, Tenant

DAY = 86_400
SECRET = "id name state createdAt createdBy expiresAt revokedAt lastUsedAt tokensInLastDay"
MACHINE = f"""query machine($after: ID, $first: Int) {{ machineClient {{
  id name createdAt isDisabled tokenLifetimeSeconds
  permissions {{ name meaning isGiven isDefault isPossible canBeGiven reason }}
  secrets(after: $after, first: $first) {{ {SECRET} secret }}
}} }}"""
CREATE = f"""mutation($name: String!, $overlapSeconds: Int, $expiresAt: AWSDateTime, $lifetimeDays: Int) {{
  createMachineSecret(
    name: $name, overlapSeconds: $overlapSeconds, expiresAt: $expiresAt, lifetimeDays: $lifetimeDays
  ) {{ {SECRET} secret client {{ id secrets(first: 2) {{ id secret expiresAt }} }} }}
}}"""
RENAME = f"mutation($id: ID!, $name: String!) {{ renameMachineSecret(id: $id, name: $name) {{ {SECRET} }} }}"
EXPIRE = f"""mutation($id: ID!, $expiresAt: AWSDateTime, $lifetimeDays: Int) {{
  setMachineSecretExpiry(id: $id, expiresAt: $expiresAt, lifetimeDays: $lifetimeDays) {{ {SECRET} }}
}}"""
REVOKE = f"mutation($id: ID!) {{ revokeMachineSecret(id: $id) {{ {SECRET} }} }}"
GIVE = """mutation($permissions: [ID!]!, $given: [ID!]) {
  setMachinePermissions(permissions: $permissions, given: $given) { id permissions { name isGiven } }
}"""
MAKE = "mutation($name: String!) { createMachineClient(name: $name) { id name secrets { id } } }"
AUDIENCES = "{ audiences { identifier isOwn tokenLifetimeSeconds algorithm } }"
READ = "{ patients { id } }"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def written(at_s: int) -> str:
    """Returns a moment as the API writes it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def machine(clinic: Clinic, who: Somebody | None = None, **page: Any) -> Any:
    """Returns the machine client as somebody sees it."""
    return clinic.live.data((who or clinic.administrator).token, MACHINE, page)["machineClient"]


def made(clinic: Clinic, who: Somebody | None = None, name: str = "Production", **values: Any) -> Any:
    """Makes a secret."""
    data = clinic.live.data((who or clinic.administrator).token, CREATE, {"name": name, **values})
    return data["createMachineSecret"]


def refused(clinic: Clinic, document: str, who: Somebody | None = None, **values: Any) -> dict[str, Any]:
    """Sends what must be refused; returns the error."""
    return the_error(clinic.live.graphql((who or clinic.administrator).token, document, values))


def exchange(clinic: Clinic, secret: str) -> httpx.Response:
    """Exchanges a secret of Alder's machine client."""
    return clinic.live.exchange(clinic.live.world.alder, client_secret=secret)


def given(clinic: Clinic) -> set[str]:
    """Returns the permissions that the machine client has."""
    return {one["name"] for one in machine(clinic)["permissions"] if one["isGiven"]}


def test_the_machine_client_is_shown_with_what_it_may_do_and_why_not(clinic: Clinic) -> None:
    alder = clinic.live.world.alder

    shown = machine(clinic, clinic.somebody(Role.DEVELOPER))

    assert shown["id"] == alder.client_id
    assert (shown["isDisabled"], shown["tokenLifetimeSeconds"]) == (False, 86_400)
    secret = {"id": alder.secret_id, "name": None, "secret": None, "state": "WORKS", "createdBy": None}
    times = {"createdAt": written(NOW), "expiresAt": None, "revokedAt": None, "lastUsedAt": None}
    assert shown["secrets"] == [secret | times | {"tokensInLastDay": 0}]
    by_name = {one["name"]: one for one in shown["permissions"]}
    assert list(by_name) == [one.name for one in PERMISSIONS]
    assert {name for name, one in by_name.items() if one["isGiven"]} == set(MACHINE_DEFAULT)
    assert {name for name, one in by_name.items() if one["isDefault"]} == set(MACHINE_DEFAULT)
    assert by_name["write:prescription"] == {
        "name": "write:prescription",
        "meaning": "write and sign prescriptions",
        "isGiven": False,
        "isDefault": False,
        "isPossible": False,
        "canBeGiven": False,
        "reason": "a machine never holds write:prescription; only authorized providers do",
    }
    assert by_name["write:client"]["reason"] == "no machine may hold it"
    assert by_name["read:audit"]["reason"] == "none of this person's roles has it"
    assert by_name["read:webhook_config"]["canBeGiven"]


def test_an_administrator_may_give_all_that_is_possible(lone_clinic: Clinic) -> None:
    for one in machine(lone_clinic)["permissions"]:
        assert one["canBeGiven"] == one["isPossible"] == (one["reason"] is None)


def test_a_secret_is_made_shown_once_and_the_one_before_goes_on(clinic: Clinic) -> None:
    live, alder = clinic.live, clinic.live.world.alder
    developer = clinic.somebody(Role.DEVELOPER)
    live.clock.advance(10)

    new = made(clinic, developer, " Production ", overlapSeconds=3_600, lifetimeDays=90)

    now = NOW + 10
    assert new["name"] == "Production"
    assert (new["createdAt"], new["createdBy"], new["state"]) == (written(now), developer.id, "WORKS")
    assert new["expiresAt"] == written(now + 90 * DAY)
    assert new["client"]["id"] == alder.client_id
    old = {"id": alder.secret_id, "secret": None, "expiresAt": written(now + 3_600)}
    assert new["client"]["secrets"] == [{"id": new["id"], "secret": None, "expiresAt": new["expiresAt"]}, old]
    assert [exchange(clinic, one).status_code for one in (alder.secret, new["secret"])] == [200, 200]
    [record] = clinic.recorded("secret.created")
    assert (record["actorId"], record["target"]) == (developer.id, new["id"])
    assert new["secret"] not in str(record)
    assert new["secret"] not in str(machine(clinic))

    live.clock.advance(3_600)
    assert [exchange(clinic, one).status_code for one in (alder.secret, new["secret"])] == [401, 200]
    later = clinic.again(clinic.administrator)
    assert [one["state"] for one in machine(clinic, later)["secrets"]] == ["WORKS", "EXPIRED"]
    live.clock.advance(90 * DAY)
    assert exchange(clinic, new["secret"]).status_code == 401


def test_a_new_secret_is_in_no_row_of_the_database(clinic: Clinic) -> None:
    """M-21: the secret is its own canary."""
    new = made(clinic, name="Canary")
    exchange(clinic, new["secret"])
    clinic.live.graphql(clinic.administrator.token, CREATE, {"name": "Twice"}, **{"idempotency-key": "a-key"})

    owner = clinic.live.world.owner()
    with owner.connect() as connection:
        rows = [repr(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
    owner.dispose()

    assert any("Canary" in row for row in rows)
    assert not any(new["secret"] in row for row in rows)


def test_a_secret_is_renamed_given_another_end_and_none(clinic: Clinic) -> None:
    live, token = clinic.live, clinic.administrator.token
    live.clock.advance(1)
    new = made(clinic, expiresAt=written(NOW + 5 * DAY))
    assert new["expiresAt"] == written(NOW + 5 * DAY)
    shown = {name: new[name] for name in SECRET.split()}

    renamed = live.data(token, RENAME, {"id": new["id"], "name": " Blue "})["renameMachineSecret"]
    assert renamed == shown | {"name": "Blue"}
    later = live.data(token, EXPIRE, {"id": new["id"], "lifetimeDays": 7})["setMachineSecretExpiry"]
    assert later == renamed | {"expiresAt": written(NOW + 1 + 7 * DAY)}
    endless = live.data(token, EXPIRE, {"id": new["id"]})["setMachineSecretExpiry"]
    assert endless == renamed | {"expiresAt": None}
    live.clock.advance(30 * DAY)
    assert exchange(clinic, new["secret"]).status_code == 200
    clinic.administrator = clinic.again(clinic.administrator)
    changes = [record["details"] for record in clinic.recorded("secret.changed")]
    assert changes == [{"name": "1"}, {"expires_at": str(NOW + 1 + 7 * DAY)}, {"expires_at": "0"}]


def test_what_was_replaced_does_not_outlive_the_longest_overlap_and_what_ended_stays_so(lone_clinic: Clinic) -> None:
    old = lone_clinic.live.world.alder.secret_id
    lone_clinic.live.clock.advance(1)
    made(lone_clinic)
    for days in (None, 31):
        assert refused(lone_clinic, EXPIRE, id=old, lifetimeDays=days)["extensions"]["code"] == "BAD_USER_INPUT"
    lone_clinic.live.data(lone_clinic.administrator.token, EXPIRE, {"id": old, "lifetimeDays": 30})
    lone_clinic.live.clock.advance(30 * DAY)

    error = refused(lone_clinic, EXPIRE, lone_clinic.again(lone_clinic.administrator), id=old, lifetimeDays=1)

    assert error["extensions"]["code"] == "CONFLICT"
    assert "has ended" in error["message"]


def test_a_revoked_secret_is_refused_with_its_tokens_and_revoking_twice_is_once(clinic: Clinic) -> None:
    live, alder = clinic.live, clinic.live.world.alder
    clinic.live.clock.advance(1)
    new = made(clinic)
    tokens = {one: exchange(clinic, one).json()["access_token"] for one in (alder.secret, new["secret"])}
    assert all("data" in live.graphql(token, READ).json() for token in tokens.values())

    first = live.data(clinic.administrator.token, REVOKE, {"id": alder.secret_id})["revokeMachineSecret"]
    live.clock.advance(1)
    second = live.data(clinic.administrator.token, REVOKE, {"id": alder.secret_id})["revokeMachineSecret"]

    assert first == second
    assert (first["state"], first["revokedAt"]) == ("REVOKED", written(NOW + 1))
    assert [exchange(clinic, one).status_code for one in tokens] == [401, 200]
    assert [live.graphql(token, READ).status_code for token in tokens.values()] == [401, 200]
    [record] = clinic.recorded("secret.revoked")
    assert (record["actorId"], record["target"]) == (clinic.administrator.id, alder.secret_id)


def test_tokens_of_a_secret_that_expired_live_on_until_it_is_revoked(lone_clinic: Clinic) -> None:
    live, alder = lone_clinic.live, lone_clinic.live.world.alder
    token = live.token(alder)
    live.data(lone_clinic.administrator.token, EXPIRE, {"id": alder.secret_id, "expiresAt": written(NOW + 60)})
    live.clock.advance(60)
    assert live.exchange(alder).status_code == 401
    assert live.graphql(token, READ).status_code == 200

    live.data(lone_clinic.administrator.token, REVOKE, {"id": alder.secret_id})

    assert live.graphql(token, READ).status_code == 401


def test_a_third_secret_waits_until_one_ended(lone_clinic: Clinic) -> None:
    made(lone_clinic)
    error = refused(lone_clinic, CREATE, name="Third")
    assert error["extensions"]["code"] == "CONFLICT"
    assert "revoke one" in error["message"]
    old = lone_clinic.live.world.alder.secret_id
    lone_clinic.live.data(lone_clinic.administrator.token, REVOKE, {"id": old})
    lone_clinic.live.clock.advance(1)

    newest = made(lone_clinic, name="Third")

    assert machine(lone_clinic)["secrets"][0]["id"] == newest["id"]


def test_of_many_who_make_a_secret_at_once_one_does_and_of_many_who_revoke_one_is_recorded(clinic: Clinic) -> None:
    live, token = clinic.live, clinic.administrator.token

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: live.graphql(token, CREATE, {"name": "Racing"}).json(), range(6)))
        won = [one["data"]["createMachineSecret"] for one in answers if "errors" not in one]
        ended = list(threads.map(lambda _: live.graphql(token, REVOKE, {"id": won[0]["id"]}).json(), range(6)))

    assert len(won) == 1
    assert {one["errors"][0]["extensions"]["code"] for one in answers if "errors" in one} == {"CONFLICT"}
    assert all("errors" not in one for one in ended)
    assert len({one["data"]["revokeMachineSecret"]["revokedAt"] for one in ended}) == 1
    assert len(clinic.recorded("secret.created")) == len(clinic.recorded("secret.revoked")) == 1


def test_a_repeat_with_the_same_key_makes_no_second_secret_and_keeps_no_text(clinic: Clinic) -> None:
    key = {"idempotency-key": "a-form-sent-twice"}
    first, second = (
        clinic.live.graphql(clinic.administrator.token, CREATE, {"name": "Twice"}, **key) for _ in range(2)
    )

    assert first.json()["data"]["createMachineSecret"]["secret"].startswith("rxs_")
    assert the_error(second)["extensions"] == {"code": "CONFLICT", "reason": "answer_not_kept"}
    assert len(machine(clinic)["secrets"]) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"overlapSeconds": -1}, None),
        ({"overlapSeconds": 30 * DAY + 1}, None),
        ({"lifetimeDays": 0}, "lifetimeDays"),
        ({"lifetimeDays": 1_827}, "lifetimeDays"),
        ({"lifetimeDays": 1, "expiresAt": written(NOW + DAY)}, "lifetimeDays"),
        ({"expiresAt": written(NOW)}, "expiresAt"),
        ({"expiresAt": written(NOW + 1_827 * DAY)}, "expiresAt"),
    ],
    ids=str,
)
def test_a_secret_is_not_made_of_what_is_none(lone_clinic: Clinic, values: dict[str, Any], field: str | None) -> None:
    error = refused(lone_clinic, CREATE, **{"name": "Production"} | values)

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"].get("field") == field
    assert len(machine(lone_clinic)["secrets"]) == 1


def test_one_secret_is_found_by_its_identifier_and_another_organizations_is_not(lone_clinic: Clinic) -> None:
    """M-10."""
    world, token = lone_clinic.live.world, lone_clinic.administrator.token
    document = f"query($id: ID!) {{ machineSecret(id: $id) {{ {SECRET} client {{ id audience }} }} }}"

    found = lone_clinic.live.data(token, document, {"id": world.alder.secret_id})["machineSecret"]

    assert (found["id"], found["client"]) == (
        world.alder.secret_id,
        {"id": world.alder.client_id, "audience": AUDIENCE},
    )
    for other in (world.birch.secret_id, "nothing"):
        assert lone_clinic.live.data(token, document, {"id": other}) == {"machineSecret": None}


def test_who_made_a_secret_is_named_to_whoever_may_see_people(lone_clinic: Clinic) -> None:
    developer, live = lone_clinic.somebody(Role.DEVELOPER), lone_clinic.live
    new = made(lone_clinic, developer)
    document = "query($id: ID!) { machineSecret(id: $id) { createdBy createdByName } }"
    secrets = [new["id"], live.world.alder.secret_id]

    seen = [live.data(lone_clinic.administrator.token, document, {"id": one})["machineSecret"] for one in secrets]

    name = live.server.database.read(lambda tx: users.find(tx, developer.id))
    assert name is not None
    assert seen == [
        {"createdBy": developer.id, "createdByName": name.name.full},
        {"createdBy": None, "createdByName": None},
    ]
    answer = live.graphql(developer.token, document, {"id": new["id"]}).json()
    assert answer["data"]["machineSecret"] == {"createdBy": developer.id, "createdByName": None}
    assert answer["errors"][0]["extensions"]["requiredPermission"] == "read:profile"


def test_audiences_are_the_servers_own_and_the_organizations(lone_clinic: Clinic) -> None:
    alder = lone_clinic.holders.organization_id
    api = Audience(alder, "https://api.alder.example", 600, "ES256", NOW)
    lone_clinic.holders.write(lambda tx: audiences.add(tx, api, reserved=frozenset()))

    assert lone_clinic.live.data(lone_clinic.administrator.token, AUDIENCES)["audiences"] == [
        {"identifier": AUDIENCE, "isOwn": True, "tokenLifetimeSeconds": 3_600, "algorithm": "RS256"},
        {"identifier": api.identifier, "isOwn": False, "tokenLifetimeSeconds": 600, "algorithm": "ES256"},
    ]
    other = lone_clinic.somebody(Role.DEVELOPER, organization_id=lone_clinic.live.world.birch.organization_id)
    assert len(lone_clinic.live.data(other.token, AUDIENCES)["audiences"]) == 1


@pytest.mark.parametrize("document", [RENAME, EXPIRE, REVOKE], ids=["rename", "expire", "revoke"])
def test_another_organizations_secret_is_not_there(lone_clinic: Clinic, document: str) -> None:
    """M-10."""
    live, birch = lone_clinic.live, lone_clinic.live.world.birch
    answers = [
        live.graphql(lone_clinic.administrator.token, document, {"id": one, "name": "Mine"})
        for one in ("nothing", birch.secret_id)
    ]

    assert {code(answer) for answer in answers} == {"NOT_FOUND"}
    assert answers[0].json() == answers[1].json()
    assert live.exchange(birch).status_code == 200


def _roles(*held: Role) -> list[tuple[str, bool]]:
    return [(role, role in held) for role in Role]


@pytest.mark.parametrize(("role", "may"), _roles(Role.ADMINISTRATOR, Role.DEVELOPER))
def test_only_administrators_and_developers_see_and_change_it(lone_clinic: Clinic, role: Role, may: bool) -> None:
    who = lone_clinic.somebody(role)
    secret_id = lone_clinic.live.world.alder.secret_id
    asked: list[tuple[str, dict[str, Any]]] = [
        (MACHINE, {}),
        (AUDIENCES, {}),
        (CREATE, {"name": "Production"}),
        (RENAME, {"id": secret_id, "name": "Old"}),
        (EXPIRE, {"id": secret_id, "lifetimeDays": 30}),
        (GIVE, {"permissions": list(MACHINE_DEFAULT)}),
        (REVOKE, {"id": secret_id}),
    ]
    for document, variables in asked:
        answer = lone_clinic.live.graphql(who.token, document, variables)
        assert ("errors" not in answer.json()) == may, answer.text
        if not may:
            assert code(answer) == "FORBIDDEN"


def test_a_machine_with_all_that_it_can_be_given_reads_and_changes_nothing(lone_clinic: Clinic) -> None:
    """Decision 23."""
    live = lone_clinic.live
    possible = [one.name for one in PERMISSIONS if one.machine is not Machine.NEVER]
    live.data(lone_clinic.administrator.token, GIVE, {"permissions": possible})
    token = live.token(live.world.alder)

    shown = live.data(token, MACHINE)["machineClient"]
    assert not any(one["canBeGiven"] for one in shown["permissions"])
    for document, variables in (
        (CREATE, {"name": "Mine"}),
        (REVOKE, {"id": live.world.alder.secret_id}),
        (GIVE, {"permissions": possible}),
        (MAKE, {"name": "Mine"}),
    ):
        assert code(live.graphql(token, document, variables)) == "FORBIDDEN"


def test_what_is_given_and_taken_holds_at_the_next_request(clinic: Clinic) -> None:
    live, alder, token = clinic.live, clinic.live.world.alder, clinic.administrator.token
    before = live.token(alder)
    assert "read:audit" not in live.exchange(alder).json()["scope"].split()

    live.data(token, GIVE, {"permissions": ["read:order", "read:audit", "read:order"], "given": list(MACHINE_DEFAULT)})

    assert given(clinic) == {"read:order", "read:audit"}
    assert live.exchange(alder).json()["scope"] == "read:order read:audit"
    assert code(live.graphql(before, READ)) == "FORBIDDEN"
    assert the_error(live.graphql(before, READ))["extensions"]["reason"] == "not_given"
    live.data(token, GIVE, {"permissions": []})
    assert live.exchange(alder).json()["scope"] == ""
    live.data(token, GIVE, {"permissions": []})
    first, second = clinic.recorded("client.permissions_set")
    taken = " ".join(sorted(set(MACHINE_DEFAULT) - {"read:order"}))
    assert (first["target"], first["actorId"]) == (alder.client_id, clinic.administrator.id)
    assert first["details"] == {"given": "read:audit", "taken": taken}
    assert second["details"] == {"taken": "read:audit read:order"}


def test_whoever_looked_before_another_changed_it_is_told(lone_clinic: Clinic) -> None:
    looked = list(MACHINE_DEFAULT)
    lone_clinic.live.data(lone_clinic.administrator.token, GIVE, {"permissions": ["read:order"], "given": looked})

    error = refused(lone_clinic, GIVE, permissions=[*looked, "read:audit"], given=looked)

    assert error["extensions"] == {"code": "CONFLICT", "field": "given"}
    assert given(lone_clinic) == {"read:order"}


@pytest.mark.parametrize("name", [one.name for one in PERMISSIONS if one.machine is Machine.NEVER])
def test_nobody_gives_a_machine_what_none_may_hold(lone_clinic: Clinic, name: str) -> None:
    """M-14: with a reason, and a record."""
    everybody = lone_clinic.holders.mighty()
    answer = lone_clinic.live.graphql(everybody, GIVE, {"permissions": [*MACHINE_DEFAULT, name]})

    error = the_error(answer)
    assert error["extensions"] == {"code": "FORBIDDEN", "requiredPermission": name, "reason": "machine"}
    assert given(lone_clinic) == set(MACHINE_DEFAULT)
    [record] = lone_clinic.recorded("client.permissions_refused")
    assert (record["outcome"], record["reason"]) == ("failure", "machine")


def test_a_developer_gives_what_developers_hold_and_takes_and_gives_back_what_machines_begin_with(
    lone_clinic: Clinic,
) -> None:
    """M-13: an administrator gives what may be given."""
    developer, live = lone_clinic.somebody(Role.DEVELOPER), lone_clinic.live
    mine = ["read:client", "read:webhook_config"]
    for wanted in (mine, [*mine, *MACHINE_DEFAULT]):
        live.data(developer.token, GIVE, {"permissions": wanted})
        assert given(lone_clinic) == set(wanted)

    error = refused(lone_clinic, GIVE, developer, permissions=[*mine, *MACHINE_DEFAULT, "read:audit"])

    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "requiredPermission": "read:audit",
        "reason": "role_missing",
    }
    assert given(lone_clinic) == {*mine, *MACHINE_DEFAULT}
    live.data(lone_clinic.administrator.token, GIVE, {"permissions": ["read:audit"]})
    live.data(developer.token, GIVE, {"permissions": ["read:audit", "read:order"]})
    assert given(lone_clinic) == {"read:audit", "read:order"}


def test_a_permission_that_there_is_not_is_refused(lone_clinic: Clinic) -> None:
    error = refused(lone_clinic, GIVE, permissions=["read:everything"])

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "permissions"}


def test_an_organization_makes_its_one_machine_client_and_then_its_secret(clinic: Clinic) -> None:
    live, holders = clinic.live, clinic.holders
    cedar = holders.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW)).id
    administrator = clinic.somebody(Role.ADMINISTRATOR, organization_id=cedar)
    assert machine(clinic, administrator) is None
    assert refused(clinic, CREATE, administrator, name="Early")["extensions"]["code"] == "NOT_FOUND"

    new = live.data(administrator.token, MAKE, {"name": " Cedar backend "})["createMachineClient"]

    assert (new["name"], new["secrets"]) == ("Cedar backend", [])
    assert refused(clinic, MAKE, administrator, name="Second")["extensions"]["code"] == "CONFLICT"
    secret = made(clinic, administrator)
    tenant = Tenant(cedar, new["id"], secret["id"], secret["secret"])
    assert live.exchange(tenant).json()["scope"] == " ".join(MACHINE_DEFAULT)
    assert code(live.graphql(clinic.administrator.token, REVOKE, {"id": secret["id"]})) == "NOT_FOUND"


def test_of_many_who_make_the_client_at_once_one_does(clinic: Clinic) -> None:
    cedar = clinic.holders.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW)).id
    token = clinic.somebody(Role.ADMINISTRATOR, organization_id=cedar).token

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: clinic.live.graphql(token, MAKE, {"name": "One"}).json(), range(4)))

    assert sum("errors" not in one for one in answers) == 1
    assert {one["errors"][0]["extensions"]["code"] for one in answers if "errors" in one} == {"CONFLICT"}


def test_a_secret_says_when_it_was_last_used_and_how_often_lately(clinic: Clinic) -> None:
    live, alder = clinic.live, clinic.live.world.alder
    sequencer = Sequencer(live.server.database, live.clock, live.server.sealing_key, None)
    live.clock.advance(1)
    new = made(clinic)
    tenants = [alder, replace(alder, secret_id=new["id"], secret=new["secret"])]
    for tenant, times in zip(tenants, (2, 3), strict=True):
        for _ in range(times):
            live.clock.advance(60)
            live.token(tenant)
    live.exchange(alder, scope="write:prescription")
    sequencer.work_once()

    used = [(one["lastUsedAt"], one["tokensInLastDay"]) for one in machine(clinic)["secrets"]]
    assert used == [(written(NOW + 301), 3), (written(NOW + 121), 2)]
    live.clock.advance(DAY + 3_600)
    later = machine(clinic, clinic.again(clinic.administrator))["secrets"]
    assert [(one["lastUsedAt"], one["tokensInLastDay"]) for one in later] == [(one, 0) for one, _ in used]


def test_secrets_are_paged_from_the_newest(lone_clinic: Clinic) -> None:
    live = lone_clinic.live
    expected = [live.world.alder.secret_id]
    for number in range(3):
        live.clock.advance(1)
        expected.insert(0, made(lone_clinic, name=str(number), overlapSeconds=0)["id"])
    shown = [one["id"] for one in machine(lone_clinic, first=2)["secrets"]]
    shown += [one["id"] for one in machine(lone_clinic, first=9, after=shown[-1])["secrets"]]

    assert shown == expected


def test_a_disabled_client_is_shown_so(lone_clinic: Clinic) -> None:
    alder = lone_clinic.live.world.alder
    lone_clinic.holders.write(lambda tx: clients.disable(tx, alder.client_id, NOW))

    assert machine(lone_clinic)["isDisabled"]
