"""Organizations over the API: the one of a token, those of a person, and what changes of one."""

from typing import Any

import pytest

from rxauth.domain import memberships
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.live import Live
from tests.token_holders import Holders

FIELDS = """
fragment OrganizationFields on Organization {
  id name type NPI fax phone email address { street1 street2 city state postalCode country }
}"""
ORGANIZATION = f"{FIELDS} query organization {{ organization {{ ...OrganizationFields }} }}"
ORGANIZATIONS = f"{FIELDS} query organizations {{ organizations {{ ...OrganizationFields }} }}"
UPDATE = f"""{FIELDS} mutation($input: OrganizationInput!) {{
  updateOrganization(input: $input) {{ ...OrganizationFields }}
}}"""
ADDRESS = {
    "street1": "1 Main Street",
    "street2": None,
    "city": "Albany",
    "state": "NY",
    "postalCode": "12207",
    "country": "US",
}
CONTACT = {
    "NPI": "1234567893",
    "fax": "+12125550101",
    "phone": "+12125550100",
    "email": "office@example.com",
    "address": ADDRESS,
}


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def shown(clinic: Clinic) -> Any:
    """Returns the organization as its administrator sees it."""
    return clinic.live.data(clinic.administrator.token, ORGANIZATION)["organization"]


def test_what_is_changed_is_shown_and_what_is_not_named_stays(clinic: Clinic) -> None:
    alder = {"id": clinic.holders.organization_id, "name": "Alder Clinic", "type": "PRESCRIBER"}
    assert shown(clinic) == alder | dict.fromkeys(CONTACT)

    changed = clinic.live.data(clinic.staff.token, UPDATE, {"input": CONTACT})["updateOrganization"]
    assert changed == alder | CONTACT
    renamed = clinic.live.data(clinic.administrator.token, UPDATE, {"input": {"name": " Alder ", "fax": None}})
    assert renamed["updateOrganization"] == alder | CONTACT | {"name": "Alder", "fax": None}
    assert shown(clinic) == renamed["updateOrganization"]

    first, second = clinic.recorded("organization.changed")
    assert set(first["details"]) == {"npi", "fax", "phone", "email", "address"}
    assert second["details"] == {"fax": "1", "name": "1"}
    assert [one["actorId"] for one in (first, second)] == [clinic.staff.id, clinic.administrator.id]
    assert {one["target"] for one in (first, second)} == {clinic.holders.organization_id}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "  "}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"NPI": "1234567890"}, "NPI"),
        ({"email": " "}, "email"),
        ({"address": ADDRESS | {"city": " "}}, "address.city"),
    ],
    ids=str,
)
def test_what_no_organization_has_is_refused_by_name(lone_clinic: Clinic, changes: dict[str, Any], named: str) -> None:
    before = shown(lone_clinic)

    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, {"input": changes})

    assert code(answer) == "BAD_USER_INPUT"
    assert named in the_error(answer)["message"] + str(the_error(answer)["extensions"])
    assert shown(lone_clinic) == before


@pytest.mark.parametrize("member", ["id", "organizationId", "disabledAt", "type", "createdAt", "soloAuthority"])
def test_a_member_that_nobody_changes_so_is_refused(lone_clinic: Clinic, member: str) -> None:
    """M-12."""
    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, {"input": {member: "x"}})

    assert member in the_error(answer)["message"]


def test_whoever_may_not_manage_it_changes_nothing(lone_clinic: Clinic) -> None:
    before = shown(lone_clinic)
    for who in (lone_clinic.doctor.token, lone_clinic.somebody(Role.DEVELOPER).token, lone_clinic.machine()):
        answer = lone_clinic.live.graphql(who, UPDATE, {"input": {"name": "Mine"}})
        assert code(answer) == "FORBIDDEN"
    assert shown(lone_clinic) == before


def test_a_person_sees_their_organizations_before_one_is_chosen(clinic: Clinic) -> None:
    holders, world = clinic.holders, clinic.live.world
    somebody = clinic.somebody(Role.STAFF)
    birch, now = world.birch.organization_id, clinic.live.clock.seconds()
    holders.write(lambda tx: memberships.add(tx, birch, somebody.id, [Role.DEVELOPER], now))

    for token in (somebody.token, token_for_none(holders, somebody.id)):
        found = clinic.live.data(token, ORGANIZATIONS)["organizations"]
        assert [one["name"] for one in found] == ["Alder Clinic", "Birch Clinic"]
    answer = clinic.live.graphql(token_for_none(holders, somebody.id), ORGANIZATION)
    assert code(answer) == "FORBIDDEN"


def test_a_machine_has_one_organization_and_asks_for_no_others(lone_clinic: Clinic) -> None:
    answer = lone_clinic.live.graphql(lone_clinic.machine(), ORGANIZATIONS)

    assert code(answer) == "FORBIDDEN"
    assert "person" in the_error(answer)["message"]


def token_for_none(holders: Holders, user_id: str) -> str:
    """Returns a token of somebody who chose no organization."""
    session, _ = holders.session(user_id, ("pwd",))
    return str(holders.redeemed(holders.code(session, organization_id=None))["access_token"])
