"""SCIM over the management API: tokens that are shown once, and what groups give."""

from typing import Any

import pytest

from rxauth.policy.roles import Role
from tests.api.answers import the_error
from tests.api.management.people import Clinic, Somebody
from tests.live import Live
from tests.world import ISSUER

TOKEN = "id name token state createdAt createdBy createdByName expiresAt revokedAt lastUsedAt"
COUNTS = "users activeUsers joinedUsers invitedUsers waitingUsers groups"
OVERVIEW = f"{{ scim {{ baseUrl lastUsedAt {COUNTS} tokens {{ {TOKEN} }} }} }}"
CREATE = f"""mutation($name: String!, $expiresAt: AWSDateTime, $lifetimeDays: Int) {{
  createScimToken(name: $name, expiresAt: $expiresAt, lifetimeDays: $lifetimeDays) {{ {TOKEN} }}
}}"""
REVOKE = f"mutation($id: ID!) {{ revokeScimToken(id: $id) {{ {TOKEN} }} }}"
MAP = """mutation($group: String!, $roles: [ID!]!) {
  setScimGroupRoles(group: $group, roles: $roles) { group roles { id } }
}"""
MAPPED = "{ scim { groupRoles { group roles { id } } } mappableRoles { role { id } refusal } scimGroups { id } }"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine."""
    return Clinic(sqlite_live)


def asked(clinic: Clinic, document: str, who: Somebody | None = None, **values: Any) -> Any:
    """Sends what must succeed, as an administrator."""
    return clinic.live.data((who or clinic.administrator).token, document, values)


def refused(clinic: Clinic, document: str, who: Somebody | None = None, **values: Any) -> dict[str, Any]:
    """Sends what must be refused; returns the error."""
    return the_error(clinic.live.graphql((who or clinic.administrator).token, document, values))


def test_a_token_is_shown_once_and_two_work_at_most(clinic: Clinic) -> None:
    first = asked(clinic, CREATE, name=" Entra ID ", lifetimeDays=90)["createScimToken"]
    clinic.live.clock.advance(1)
    second = asked(clinic, CREATE, name="Entra ID, new")["createScimToken"]

    assert first["token"].startswith("rxs_")
    assert (first["name"], first["state"], first["createdBy"]) == ("Entra ID", "WORKS", clinic.administrator.id)
    assert refused(clinic, CREATE, name="One more")["extensions"]["code"] == "CONFLICT"

    revoked = asked(clinic, REVOKE, id=first["id"])["revokeScimToken"]
    assert (revoked["state"], revoked["token"]) == ("REVOKED", None)
    assert asked(clinic, REVOKE, id=first["id"])["revokeScimToken"] == revoked

    shown = asked(clinic, OVERVIEW)["scim"]
    assert shown["baseUrl"] == f"{ISSUER}scim/v2"
    assert [(one["id"], one["token"]) for one in shown["tokens"]] == [(second["id"], None), (first["id"], None)]
    assert {shown[name] for name in COUNTS.split()} == {0}
    assert asked(clinic, CREATE, name="One more")["createScimToken"]["state"] == "WORKS"


def test_a_token_that_expired_makes_room(lone_clinic: Clinic) -> None:
    for name in ("one", "two"):
        asked(lone_clinic, CREATE, name=name, lifetimeDays=1)
    lone_clinic.live.clock.advance(86_400)
    again = lone_clinic.again(lone_clinic.administrator)

    assert asked(lone_clinic, CREATE, again, name="three")["createScimToken"]["state"] == "WORKS"
    states = [one["state"] for one in asked(lone_clinic, OVERVIEW, again)["scim"]["tokens"]]
    assert states == ["WORKS", "EXPIRED", "EXPIRED"]


@pytest.mark.parametrize("role", [Role.STAFF, Role.DEVELOPER, Role.SUPPORT])
def test_nobody_but_an_administrator_lets_a_program_add_members_or_has_groups_give_roles(
    lone_clinic: Clinic, role: Role
) -> None:
    somebody = lone_clinic.somebody(role)

    for document, values in ((CREATE, {"name": "mine"}), (MAP, {"group": "Nurses", "roles": ["Support"]})):
        error = refused(lone_clinic, document, somebody, **values)
        assert error["extensions"]["code"] == "FORBIDDEN"


def test_another_organization_s_token_is_not_there(lone_clinic: Clinic) -> None:
    made = asked(lone_clinic, CREATE, name="Okta")["createScimToken"]
    stranger = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=lone_clinic.live.world.birch.organization_id)

    assert refused(lone_clinic, REVOKE, stranger, id=made["id"])["extensions"]["code"] == "NOT_FOUND"
    assert asked(lone_clinic, OVERVIEW, stranger)["scim"]["tokens"] == []


def test_a_group_gives_roles_in_place_of_those_before_and_none_takes_them(clinic: Clinic) -> None:
    asked(clinic, MAP, group="Nurses", roles=["Support"])
    asked(clinic, MAP, group=" Nurses", roles=["rol_medical_operations", "Support"])
    asked(clinic, MAP, group="*", roles=["Support"])

    assert asked(clinic, MAPPED)["scim"]["groupRoles"] == [
        {"group": "*", "roles": [{"id": "rol_support"}]},
        {"group": "Nurses", "roles": [{"id": "rol_medical_operations"}, {"id": "rol_support"}]},
    ]
    asked(clinic, MAP, group="Nurses", roles=[])
    assert [one["group"] for one in asked(clinic, MAPPED)["scim"]["groupRoles"]] == ["*"]


@pytest.mark.parametrize("role", [Role.PRESCRIBER, Role.ADMINISTRATOR])
def test_no_group_gives_what_two_people_decide_about(lone_clinic: Clinic, role: Role) -> None:
    error = refused(lone_clinic, MAP, group="Doctors", roles=["Support", role.id])

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "groups"}
    assert asked(lone_clinic, MAPPED)["scim"]["groupRoles"] == []
    mappable = {one["role"]["id"]: one["refusal"] for one in asked(lone_clinic, MAPPED)["mappableRoles"]}
    assert mappable[role.id] is not None
    assert mappable["rol_staff"] is None
