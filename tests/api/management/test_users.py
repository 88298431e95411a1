"""Users over the API: who asks, in an organization or in none, and the people of one."""

from typing import Any

import pytest

from rxauth.domain import memberships, users
from rxauth.domain.names import Address
from rxauth.policy.giving import GRANTS
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.api.management.test_organizations import token_for_none
from tests.live import Live

USER = """
fragment UserFields on User {
  id externalId name { full title first middle last } email phone fax npi signature verificationStatus
  address { street1 city state postalCode country } roles { id name description }
}"""
ME = f"{USER} {{ me {{ ...UserFields }} }}"
USERS = f"{USER} {{ users {{ ...UserFields }} }}"
BARE = "{ users { id name { full } verificationStatus } }"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def names(roles: Any) -> list[str]:
    """Returns the names of roles."""
    return [one["name"] for one in roles]


def test_who_asks_sees_all_that_is_known_of_them(clinic: Clinic) -> None:
    address, staff = Address(None, "1 Main Street", "Albany", "NY", "12207", "US"), clinic.staff
    now = clinic.live.clock.seconds()
    said: dict[str, Any] = {"phone": "+12125550100", "fax": "+12125550101", "npi": "1234567893", "signature": "A. M."}
    clinic.holders.write(lambda tx: users.change_profile(tx, staff.id, now, **said, address=address))

    shown = clinic.live.data(staff.token, ME)["me"]

    assert shown.pop("email").endswith("@example.com")
    assert names(shown.pop("roles")) == ["Staff"]
    assert shown.pop("address")["postalCode"] == "12207"
    assert shown == said | {
        "id": staff.id,
        "externalId": None,
        "name": {"full": "Ada Marsh", "title": None, "first": "Ada", "middle": None, "last": "Marsh"},
        "verificationStatus": "UNVERIFIED",
    }


def test_who_chose_no_organization_is_shown_without_roles(lone_clinic: Clinic) -> None:
    nowhere = token_for_none(lone_clinic.holders, lone_clinic.staff.id)

    shown = lone_clinic.live.data(nowhere, ME)["me"]

    assert (shown["id"], shown["roles"]) == (lone_clinic.staff.id, [])
    assert names(lone_clinic.live.data(nowhere, "{ roles { name } }")["roles"]) == list(Role)
    assert code(lone_clinic.live.graphql(nowhere, BARE)) == "FORBIDDEN"


def test_a_machine_is_nobody(lone_clinic: Clinic) -> None:
    machine = lone_clinic.machine()

    for document in (ME, "{ roles { name } }", BARE):
        assert code(lone_clinic.live.graphql(machine, document)) == "FORBIDDEN"


def test_the_people_of_the_organization_and_nobody_else_s_are_listed(clinic: Clinic) -> None:
    clinic.somebody(Role.STAFF, organization_id=clinic.live.world.birch.organization_id)
    both, now = clinic.holders.person(Role.SUPPORT, Role.DEVELOPER), clinic.live.clock.seconds()
    birch = clinic.live.world.birch.organization_id
    clinic.holders.write(lambda tx: memberships.add(tx, birch, both, [Role.ADMINISTRATOR], now))

    shown = clinic.live.data(clinic.administrator.token, USERS)["users"]

    roles = {one["id"]: names(one["roles"]) for one in shown}
    assert roles == {
        clinic.staff.id: ["Staff"],
        clinic.administrator.id: ["Administrator"],
        clinic.doctor.id: ["Support"],
        both: ["Developer", "Support"],
    }
    assert list(roles) == sorted(roles)


def test_others_roles_are_seen_by_who_may_see_them_and_own_ones_by_all(lone_clinic: Clinic) -> None:
    nurse = lone_clinic.somebody(Role.MEDICAL_OPERATIONS)

    answer = lone_clinic.live.graphql(nurse.token, "{ users { id roles { name } } }").json()

    shown = {one["id"]: one["roles"] for one in answer["data"]["users"]}
    assert [one for one, roles in shown.items() if roles is not None] == [nurse.id]
    assert {one["extensions"]["requiredPermission"] for one in answer["errors"]} == {"read:user_roles"}


def test_whether_somebody_was_verified_is_what_two_people_said(clinic: Clinic) -> None:
    def status() -> str:
        shown = clinic.live.data(clinic.administrator.token, BARE)["users"]
        return str(next(one["verificationStatus"] for one in shown if one["id"] == clinic.doctor.id))

    assert status() == "UNVERIFIED"
    proposal_id = clinic.propose()
    assert status() == "PENDING"
    clinic.approve(proposal_id)
    assert status() == "VERIFIED"
    clinic.act(clinic.administrator, "suspendProviderAuthority", reason="OTHER")
    assert status() == "UNVERIFIED"


def test_a_role_says_what_it_grants_and_whether_the_caller_may_give_it(lone_clinic: Clinic) -> None:
    document = "{ roles { id name description permissions refusal } }"

    of_administrator = lone_clinic.live.data(lone_clinic.administrator.token, document)["roles"]
    of_staff = {one["name"]: one for one in lone_clinic.live.data(lone_clinic.staff.token, document)["roles"]}

    assert [one["refusal"] for one in of_administrator] == [None] * len(Role)
    assert {name for name, one in of_staff.items() if one["refusal"] is None} == {"Staff", "Support"}
    assert of_staff["Developer"]["refusal"] == "Developer may see API clients, and you may not"
    for role in Role:
        assert set(GRANTS[role]) <= set(of_staff[role]["permissions"])
        assert of_staff[role]["description"]


def test_nobody_else_may_list_people(lone_clinic: Clinic) -> None:
    for role in (Role.DEVELOPER, Role.SUPPORT):
        answer = lone_clinic.live.graphql(lone_clinic.somebody(role).token, BARE)
        assert the_error(answer)["extensions"]["requiredPermission"] == "read:profile"
