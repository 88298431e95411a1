"""The list of members over the API: found by name, address and role, page by page, and what is known of each."""

from typing import Any

import pytest

from rxauth.domain import memberships, sessions, users
from rxauth.domain.names import Name
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.api.answers import code, every_page, the_error
from tests.api.management.people import Clinic
from tests.api.management.test_organizations import token_for_none
from tests.live import Live
from tests.providers import authorize

FOUND = """query($search: String, $role: String, $after: ID, $first: Int) {
  members(search: $search, role: $role, after: $after, first: $first) { id user { name { full } } } }"""
WHOLE = """{ members { id joinedAt disabled user { id email roles { name } } roles { role { name } pending }
  secondFactors { app passkeys recoveryCodesLeft } sessions lastSeenAt worksElsewhere refusal
  authority { state name } } }"""
ONE = WHOLE.replace("{ members", "query($id: ID!) { member(userId: $id)", 1)


class Crowd(Clinic):
    """A clinic with people to find."""

    def add(self, first: str, last: str, email: str, *roles: Role) -> str:
        """Adds a member."""
        now = self.live.clock.seconds()
        user = User(new_id(Kind.USER, now * 1000), email, None, Name(first, last), None)

        def work(tx: Transaction) -> None:
            users.add(tx, user, now)
            memberships.add(tx, self.holders.organization_id, user.id, roles or [Role.SUPPORT], now)

        self.holders.write(work)
        return user.id

    def found(self, **variables: Any) -> list[str]:
        """Returns the identifiers of those who are found."""
        shown = self.live.data(self.administrator.token, FOUND, variables)["members"]
        return [one["id"] for one in shown]

    def member(self, user_id: str) -> Any:
        """Returns a member as the administrator sees them."""
        return self.live.data(self.administrator.token, ONE, {"id": user_id})["member"]


@pytest.fixture
def clinic(live: Live) -> Crowd:
    """A clinic on each engine."""
    return Crowd(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Crowd:
    """A clinic on one engine, for what does not depend on it."""
    return Crowd(sqlite_live)


def test_a_member_is_found_by_the_beginnings_of_name_and_address(clinic: Crowd) -> None:
    zoe = clinic.add("Zoë", "O'Neil-Huber", "zoneil@cedar.example")
    zora = clinic.add("Zora", "Marsh", "zm@example.com", Role.DEVELOPER)

    for text in ("zo", "ZO", " zo "):
        assert clinic.found(search=text) == sorted([zoe, zora], reverse=True)
    for text in ("zoe", "ZOË", "oneil", "hub zo", "cedar", "zoneil@cedar.example", "zoneil@ced"):
        assert clinic.found(search=text) == [zoe]
    for text in ("nothing", "zo zz", "eil", "'"):
        assert clinic.found(search=text) == []
    assert clinic.found(search="zo", role="Developer") == clinic.found(role="rol_developer") == [zora]
    assert clinic.found(search="zo", role="Staff") == []
    assert len(clinic.found(search=" ")) == 5


def test_whoever_has_another_name_or_address_is_found_by_it(clinic: Crowd) -> None:
    zoe, now = clinic.add("Zoe", "Huber", "zoe@cedar.example"), clinic.live.clock.seconds()

    clinic.holders.write(lambda tx: users.change_profile(tx, zoe, now, name=Name("Zoe", "Quill")))
    assert (clinic.found(search="quill"), clinic.found(search="huber")) == ([zoe], [])
    clinic.holders.write(lambda tx: users.change_email(tx, zoe, "zq@fir.example", now))
    assert (clinic.found(search="fir"), clinic.found(search="cedar")) == ([zoe], [])
    clinic.holders.write(lambda tx: memberships.remove(tx, clinic.holders.organization_id, zoe, now))
    assert clinic.found(search="quill") == []
    clinic.holders.write(lambda tx: memberships.add(tx, clinic.holders.organization_id, zoe, [Role.STAFF], now))
    assert clinic.found(search="quill") == [zoe]


def test_the_pages_go_by_identifier_and_show_everybody_once(clinic: Crowd) -> None:
    added = [clinic.add("Zed", f"Number{number}", f"z{number}@example.com") for number in range(7)]

    def page(shown: list[str]) -> list[str]:
        return clinic.found(search="zed", first=3, after=shown[-1] if shown else None)

    assert every_page(page) == sorted(added, reverse=True)


def test_m_10_nobody_of_another_organization_is_found(lone_clinic: Crowd) -> None:
    elsewhere = lone_clinic.somebody(Role.STAFF, organization_id=lone_clinic.live.world.birch.organization_id)

    assert elsewhere.id not in lone_clinic.found()
    assert lone_clinic.found(search="ada", first=100) == lone_clinic.found(first=100)
    assert lone_clinic.member(elsewhere.id) is None


def test_what_is_known_of_each_member(clinic: Crowd) -> None:
    clinic.approve(clinic.propose())
    waiting = clinic.holders.person(Role.PRESCRIBER, Role.STAFF)
    now, birch = clinic.live.clock.seconds(), clinic.live.world.birch.organization_id
    clinic.holders.write(lambda tx: memberships.add(tx, birch, clinic.staff.id, [Role.STAFF], now))

    shown = {one["id"]: one for one in clinic.live.data(clinic.administrator.token, WHOLE)["members"]}

    assert {user_id: clinic.member(user_id) for user_id in shown} == shown
    doctor, staff, admin = shown[clinic.doctor.id], shown[clinic.staff.id], shown[clinic.administrator.id]
    assert doctor["roles"] == [
        {"role": {"name": "Prescriber"}, "pending": None},
        {"role": {"name": "Support"}, "pending": None},
    ]
    assert doctor["authority"] == {"state": "APPROVED", "name": "Ada Marsh"}
    [prescriber, _] = shown[waiting]["roles"]
    assert "authorized" in prescriber["pending"]
    assert (shown[waiting]["authority"], shown[waiting]["lastSeenAt"]) == (None, None)
    assert (staff["worksElsewhere"], doctor["worksElsewhere"]) == (True, False)
    assert staff["secondFactors"] == {"app": False, "passkeys": 0, "recoveryCodesLeft": 0}
    assert admin["refusal"] is not None
    assert staff["refusal"] is None
    assert staff["user"]["roles"] == [{"name": "Staff"}]
    assert not staff["disabled"]


def test_where_somebody_is_signed_in_for_this_organization_is_counted(clinic: Crowd) -> None:
    def shown() -> tuple[int, str | None]:
        one = clinic.member(clinic.doctor.id)
        return one["sessions"], one["lastSeenAt"]

    assert shown() == (0, None)
    session, _ = clinic.holders.session(clinic.doctor.id)
    alder, birch = clinic.holders.organization_id, clinic.live.world.birch.organization_id
    choose(clinic, session.id, alder)
    assert shown() == (1, "2026-11-23T12:00:00.000Z")
    choose(clinic, session.id, birch)
    assert shown() == (0, None)


def test_a_member_who_was_shut_out_is_shown_so(lone_clinic: Crowd) -> None:
    now = lone_clinic.live.clock.seconds()
    lone_clinic.holders.write(lambda tx: users.disable(tx, lone_clinic.doctor.id, now))

    assert lone_clinic.member(lone_clinic.doctor.id)["disabled"]


def test_each_field_asks_for_its_permission(lone_clinic: Crowd) -> None:
    lone_clinic.holders.write(lambda tx: authorize(tx, lone_clinic.holders.organization_id, lone_clinic.doctor.id))
    nurse = lone_clinic.somebody(Role.MEDICAL_OPERATIONS)

    assert lone_clinic.live.data(nurse.token, "{ members { id joinedAt user { name { full } } } }")["members"]
    for field, permission in (
        ("roles { role { id } }", "read:user_roles"),
        ("secondFactors { app }", "manage:user_roles"),
        ("sessions", "manage:user_roles"),
        ("worksElsewhere", "manage:user_roles"),
        ("refusal", "manage:user_roles"),
        ("authority { state }", "propose:provider_authority"),
    ):
        answer = lone_clinic.live.graphql(nurse.token, f"{{ members(first: 1) {{ {field} }} }}")
        assert the_error(answer)["extensions"]["requiredPermission"] == permission
    for token in (lone_clinic.somebody(Role.SUPPORT).token, token_for_none(lone_clinic.holders, nurse.id)):
        assert code(lone_clinic.live.graphql(token, FOUND)) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("asked", "at"), [({"search": "x" * 201}, "search"), ({"role": "Owner"}, "role"), ({"first": 0}, "first")], ids=str
)
def test_what_nobody_could_be_found_by_is_named(lone_clinic: Crowd, asked: dict[str, Any], at: str) -> None:
    error = the_error(lone_clinic.live.graphql(lone_clinic.administrator.token, FOUND, asked))

    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", at)


def choose(clinic: Crowd, session_id: str, organization_id: str) -> None:
    """Has a session act for an organization."""
    now = clinic.live.clock.seconds()
    clinic.holders.write(lambda tx: sessions.choose_organization(tx, session_id, organization_id, now))
