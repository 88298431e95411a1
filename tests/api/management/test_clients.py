"""API clients over the API: listed without secrets, and a secret that is rotated is shown once."""

import pytest

from rxauth.domain.clients import NATIVE, REGULAR_WEB
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.live import Live
from tests.world import Tenant

FIELDS = "fragment ClientFields on Client { id name secret appType }"
CLIENTS = f"{FIELDS} query clients {{ clients {{ ...ClientFields }} }}"
ROTATE = f"{FIELDS} mutation rotateSecret($id: ID!) {{ rotateSecret(id: $id) {{ ...ClientFields }} }}"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def exchange(live: Live, tenant: Tenant, secret: str) -> int:
    """Returns the status of an exchange with a secret."""
    body = {"grant_type": "client_credentials", "client_id": tenant.client_id, "client_secret": secret}
    return live.http.post("/oauth/token", json=body).status_code


def test_a_new_secret_is_shown_once_and_the_one_before_works_for_a_day(clinic: Clinic) -> None:
    live, alder = clinic.live, clinic.live.world.alder
    developer = clinic.somebody(Role.DEVELOPER)
    machine = {"id": alder.client_id, "name": "Alder Clinic backend", "secret": None, "appType": "non_interactive"}
    listed = live.data(developer.token, CLIENTS)["clients"]
    assert {one["id"] for one in listed} == {alder.client_id, clinic.holders.spa.client_id}
    assert machine in listed

    rotated = live.data(developer.token, ROTATE, {"id": alder.client_id})["rotateSecret"]

    assert rotated == machine | {"secret": rotated["secret"]}
    assert live.data(developer.token, CLIENTS)["clients"] == listed
    assert [exchange(live, alder, one) for one in (alder.secret, rotated["secret"])] == [200, 200]
    [record] = clinic.recorded("secret.created")
    assert record["actorId"] == developer.id
    assert rotated["secret"] not in str(record)
    live.clock.advance(86_400)
    assert [exchange(live, alder, one) for one in (alder.secret, rotated["secret"])] == [401, 200]


def test_a_second_rotation_waits_until_the_first_is_over(lone_clinic: Clinic) -> None:
    variables = {"id": lone_clinic.live.world.alder.client_id}
    lone_clinic.live.data(lone_clinic.administrator.token, ROTATE, variables)

    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, ROTATE, variables)

    assert code(answer) == "CONFLICT"
    assert "revoke one" in the_error(answer)["message"]


def test_a_client_of_a_web_server_has_a_secret_to_rotate_and_a_public_one_has_none(lone_clinic: Clinic) -> None:
    live, token = lone_clinic.live, lone_clinic.administrator.token
    web = lone_clinic.holders.app("Alder Web", REGULAR_WEB)
    assert live.data(token, ROTATE, {"id": web.client_id})["rotateSecret"]["secret"] != web.secret

    for app in (lone_clinic.holders.spa, lone_clinic.holders.app("Alder Phone", NATIVE)):
        answer = live.graphql(token, ROTATE, {"id": app.client_id})
        assert code(answer) == "BAD_USER_INPUT"
        assert "secret" in the_error(answer)["message"]


def test_another_organizations_client_is_not_there(lone_clinic: Clinic) -> None:
    """M-10."""
    live, birch = lone_clinic.live, lone_clinic.live.world.birch
    absent = live.graphql(lone_clinic.administrator.token, ROTATE, {"id": "nothing"})

    answer = live.graphql(lone_clinic.administrator.token, ROTATE, {"id": birch.client_id})

    assert code(answer) == "NOT_FOUND"
    assert answer.json() == absent.json()
    assert exchange(live, birch, birch.secret) == 200


def test_nobody_else_and_no_machine_changes_a_secret(lone_clinic: Clinic) -> None:
    """Decision 23: a machine never changes its own secrets."""
    live, alder = lone_clinic.live, lone_clinic.live.world.alder
    for token in (lone_clinic.staff.token, lone_clinic.doctor.token, lone_clinic.machine()):
        assert code(live.graphql(token, ROTATE, {"id": alder.client_id})) == "FORBIDDEN"
        assert code(live.graphql(token, CLIENTS)) == "FORBIDDEN"
    assert exchange(live, alder, alder.secret) == 200
