"""Members over the API: roles given and taken, profiles changed, sessions ended, and who is removed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from rxauth.domain import memberships, users
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic, Somebody
from tests.api.management.test_users import names
from tests.live import Live
from tests.people import letters
from tests.providers import authorize

ADD = (
    "mutation($user: String!, $role: String!) { addRole(input: {userId: $user, roleId: $role}) { id roles { name } } }"
)
TAKE = ADD.replace("addRole", "removeRole")
SET = "mutation($user: ID!, $roles: [ID!]!) { setRoles(userId: $user, roleIds: $roles) { id roles { name } } }"
REMOVE = "mutation($user: ID!) { removeMember(userId: $user) }"
END = "mutation($user: ID!) { endMemberSessions(userId: $user) }"
UPDATE = "mutation($user: ID!, $input: MemberInput!) { updateMember(userId: $user, input: $input) { id npi phone } }"
OWN = """mutation($input: ProfileInput!) { updateProfile(input: $input) {
  id npi phone fax signature name { full } address { city } } }"""
WHO = "{ me { roles { name } } }"
GIVES = {Role.ADMINISTRATOR: set(Role) - {Role.PRESCRIBER}, Role.STAFF: {Role.STAFF, Role.SUPPORT}}


class Team(Clinic):
    """A clinic whose people change."""

    def send(self, who: Somebody | str, document: str, user: str, **variables: Any) -> httpx.Response:
        """Sends a mutation about a member."""
        bearer = who if isinstance(who, str) else who.token
        return self.live.graphql(bearer, document, {"user": user} | variables)

    def roles(self, user_id: str) -> set[Role]:
        """Returns a member's roles as they are stored; empty: no member."""
        of = self.holders.organization_id
        return set(self.live.server.database.read(lambda tx: memberships.roles_of(tx, of, [user_id])).get(user_id, ()))

    def refusals(self) -> list[str]:
        """Returns why acts on members were refused, as the log has it."""
        return [one["reason"] for one in self.recorded("member.refused")]


@pytest.fixture
def clinic(live: Live) -> Team:
    """A clinic on each engine."""
    return Team(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Team:
    """A clinic on one engine, for what does not depend on it."""
    return Team(sqlite_live)


def test_roles_are_given_and_taken_and_it_bites_at_the_next_request(clinic: Team) -> None:
    doctor, admin = clinic.doctor, clinic.administrator
    given = clinic.send(admin, ADD, doctor.id, role="rol_developer").json()["data"]["addRole"]
    assert names(given["roles"]) == ["Developer", "Support"]
    assert names(clinic.live.data(doctor.token, WHO)["me"]["roles"]) == ["Developer", "Support"]

    taken = clinic.send(admin, TAKE, doctor.id, role="Support").json()["data"]["removeRole"]
    assert names(taken["roles"]) == ["Developer"]
    assert code(clinic.live.graphql(doctor.token, "{ patients { id } }")) == "FORBIDDEN"

    put = clinic.send(admin, SET, doctor.id, roles=["Staff", "rol_support"]).json()["data"]["setRoles"]
    assert names(put["roles"]) == ["Staff", "Support"]
    entries = clinic.recorded("member.roles_set")
    assert [one["details"] for one in entries] == [
        {"given": "rol_developer"},
        {"taken": "rol_support"},
        {"given": "rol_staff rol_support", "taken": "rol_developer"},
    ]
    assert {(one["actorId"], one["target"]) for one in entries} == {(admin.id, doctor.id)}


def test_what_changes_nothing_leaves_no_record(lone_clinic: Team) -> None:
    lone_clinic.send(lone_clinic.administrator, ADD, lone_clinic.doctor.id, role="Support")
    lone_clinic.send(lone_clinic.administrator, TAKE, lone_clinic.doctor.id, role="Staff")
    lone_clinic.send(lone_clinic.administrator, SET, lone_clinic.doctor.id, roles=["Support"])

    assert lone_clinic.recorded("member.roles_set") == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("giver", [Role.ADMINISTRATOR, Role.STAFF])
def test_m_13_a_role_is_given_and_taken_by_who_holds_all_that_it_grants(
    lone_clinic: Team, giver: Role, role: Role
) -> None:
    who = lone_clinic.administrator if giver is Role.ADMINISTRATOR else lone_clinic.staff
    holds, lacks = lone_clinic.holders.person(role, Role.SUPPORT), lone_clinic.holders.person(Role.SUPPORT)
    may = role in GIVES[giver] | ({Role.PRESCRIBER} if giver is Role.ADMINISTRATOR else set())

    takes = lone_clinic.send(who, TAKE, holds, role=role)
    removes = lone_clinic.send(who, REMOVE, lone_clinic.holders.person(role))
    ends = lone_clinic.send(who, END, lone_clinic.holders.person(role))
    gives = lone_clinic.send(who, ADD, lacks, role=role)

    if role is Role.SUPPORT:  # it was their only one
        assert code(takes) == "BAD_USER_INPUT"
    else:
        assert ("errors" not in takes.json()) == may
    assert ("errors" not in removes.json()) == ("errors" not in ends.json()) == may
    if role in GIVES[giver]:
        assert "errors" not in gives.json()
    else:
        reason = "role_exceeds" if giver is Role.STAFF else "prescriber_needs_authority"
        assert the_error(gives)["extensions"]["reason"] == reason
        assert lone_clinic.roles(lacks) == {Role.SUPPORT}
    if not may:
        assert lone_clinic.roles(holds) == {role, Role.SUPPORT}
        assert lone_clinic.refusals() == ["role_exceeds"] * 4


def test_whoever_may_not_give_roles_is_refused(lone_clinic: Team) -> None:
    tokens = [lone_clinic.somebody(one).token for one in (Role.DEVELOPER, Role.SUPPORT, Role.MEDICAL_OPERATIONS)]
    for token in (*tokens, lone_clinic.machine()):
        for document, more in ((ADD, {"role": "Staff"}), (TAKE, {"role": "Staff"}), (SET, {"roles": ["Staff"]})):
            answer = lone_clinic.send(token, document, lone_clinic.staff.id, **more)
            assert the_error(answer)["extensions"]["requiredPermission"] == "manage:user_roles"
        for document in (REMOVE, END):
            assert code(lone_clinic.send(token, document, lone_clinic.staff.id)) == "FORBIDDEN"
    assert lone_clinic.roles(lone_clinic.staff.id) == {Role.STAFF}


def test_nobody_gives_themselves_more(lone_clinic: Team) -> None:
    answer = lone_clinic.send(lone_clinic.staff, ADD, lone_clinic.staff.id, role="Administrator")

    assert the_error(answer)["extensions"]["reason"] == "role_exceeds"


def test_prescriber_is_given_beside_an_authority_only(clinic: Team) -> None:
    answer = clinic.send(clinic.administrator, ADD, clinic.doctor.id, role="Prescriber")
    assert the_error(answer)["extensions"]["reason"] == "prescriber_needs_authority"

    clinic.approve(clinic.propose())
    clinic.send(clinic.administrator, TAKE, clinic.doctor.id, role="Prescriber")
    again = clinic.send(clinic.administrator, ADD, clinic.doctor.id, role="Prescriber").json()["data"]["addRole"]
    assert names(again["roles"]) == ["Prescriber", "Support"]


def test_m_17_the_last_administrator_stays(clinic: Team) -> None:
    admin = clinic.administrator
    for document, more in ((TAKE, {"role": "Administrator"}), (SET, {"roles": ["Staff"]}), (REMOVE, {})):
        if document is TAKE:
            clinic.send(admin, ADD, admin.id, role="Staff")
        answer = clinic.send(admin, document, admin.id, **more)
        assert code(answer) == "CONFLICT"
        assert the_error(answer)["extensions"]["reason"] == "last_administrator"
    assert Role.ADMINISTRATOR in clinic.roles(admin.id)

    other = clinic.somebody(Role.ADMINISTRATOR)
    assert "errors" not in clinic.send(admin, SET, admin.id, roles=["Support"]).json()
    assert code(clinic.send(admin, ADD, admin.id, role="Administrator")) == "FORBIDDEN"
    assert code(clinic.send(other, REMOVE, other.id)) == "CONFLICT"


def test_m_17_an_administrator_who_was_shut_out_does_not_count(lone_clinic: Team) -> None:
    other, now = lone_clinic.somebody(Role.ADMINISTRATOR), lone_clinic.live.clock.seconds()
    lone_clinic.holders.write(lambda tx: users.disable(tx, other.id, now))

    answer = lone_clinic.send(lone_clinic.administrator, REMOVE, lone_clinic.administrator.id)

    assert the_error(answer)["extensions"]["reason"] == "last_administrator"
    assert "errors" not in lone_clinic.send(lone_clinic.administrator, REMOVE, other.id).json()


def test_m_17_of_two_administrators_who_remove_each_other_at_once_one_stays(clinic: Team) -> None:
    one, other = clinic.administrator, clinic.somebody(Role.ADMINISTRATOR)
    with ThreadPoolExecutor(2) as threads:
        sent = [
            threads.submit(clinic.send, one, REMOVE, other.id),
            threads.submit(clinic.send, other, REMOVE, one.id),
        ]
        # Who was removed before it asked is told by its token.
        done = [
            answer.status_code == 200 and "errors" not in answer.json() for answer in (two.result() for two in sent)
        ]

    assert sorted(done) == [False, True]
    assert sorted(bool(clinic.roles(user_id)) for user_id in (one.id, other.id)) == [False, True]


def test_whoever_is_removed_is_told_and_has_nothing_left_but_the_account(clinic: Team) -> None:
    invite = 'mutation { inviteUser(input: {email: "mate@example.com", roles: ["Support"]}) { id } }'
    invited = clinic.live.data(clinic.staff.token, invite)["inviteUser"]["id"]
    staff = clinic.live.server.database.read(lambda tx: users.find(tx, clinic.staff.id))
    assert staff is not None

    assert clinic.send(clinic.administrator, REMOVE, clinic.staff.id).json() == {"data": {"removeMember": True}}

    assert clinic.roles(clinic.staff.id) == set()
    assert clinic.live.graphql(clinic.staff.token, WHO).status_code == 401
    found = letters(clinic.live.server.database, clinic.live.world, staff.email)
    assert [one.subject for one in found] == ["You no longer work for Alder Clinic"]
    assert clinic.live.data(clinic.administrator.token, "{ invites { id } }")["invites"] == []
    [entry] = clinic.recorded("member.removed")
    assert (entry["actorId"], entry["target"]) == (clinic.administrator.id, clinic.staff.id)
    assert entry["details"] == {"taken": "rol_staff"}
    assert [(one["actorKind"], one["target"]) for one in clinic.recorded("invite.revoked")] == [
        ("consequence", invited)
    ]
    assert code(clinic.send(clinic.administrator, REMOVE, clinic.staff.id)) == "NOT_FOUND"


def test_whoever_prescribed_and_is_removed_loses_the_authority(clinic: Team) -> None:
    clinic.approve(clinic.propose())

    clinic.send(clinic.administrator, REMOVE, clinic.doctor.id)

    assert clinic.authority()["state"] == "SUSPENDED"
    assert clinic.authority()["reason"] == "LEFT"


def test_m_10_somebody_of_another_organization_is_as_if_they_were_not(lone_clinic: Team) -> None:
    birch = lone_clinic.live.world.birch.organization_id
    elsewhere = lone_clinic.somebody(Role.STAFF, organization_id=birch)
    admin = lone_clinic.administrator
    for user_id in (elsewhere.id, "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "x" * 500):
        for document, more in (
            (ADD, {"role": "Staff"}),
            (TAKE, {"role": "Staff"}),
            (SET, {"roles": ["Staff"]}),
            (UPDATE, {"input": {"phone": "+12125550100"}}),
            (REMOVE, {}),
            (END, {}),
        ):
            assert code(lone_clinic.send(admin, document, user_id, **more)) == "NOT_FOUND"
    assert lone_clinic.live.data(elsewhere.token, WHO)["me"]["roles"] == [{"name": "Staff"}]


def test_sessions_for_this_organization_end_and_those_for_others_go_on(clinic: Team) -> None:
    birch, now = clinic.live.world.birch.organization_id, clinic.live.clock.seconds()
    clinic.holders.write(lambda tx: memberships.add(tx, birch, clinic.doctor.id, [Role.STAFF], now))
    session, _ = clinic.holders.session(clinic.doctor.id)
    there = str(clinic.holders.redeemed(clinic.holders.code(session, organization_id=birch))["access_token"])

    clinic.send(clinic.administrator, END, clinic.doctor.id)

    assert clinic.live.graphql(clinic.doctor.token, WHO).status_code == 401
    assert clinic.live.data(there, WHO)["me"]["roles"] == [{"name": "Staff"}]
    [entry] = clinic.recorded("member.sessions_ended")
    assert entry["target"] == clinic.doctor.id


def test_one_s_own_profile_is_changed_by_what_is_named(clinic: Team) -> None:
    address = {"street1": "1 Main Street", "city": "Albany", "state": "NY", "postalCode": "12207", "country": "US"}
    said = {
        "name": {"first": "Ada", "last": "Lime", "title": "Dr."},
        "phone": "212 555 0100",
        "fax": "+12125550101",
        "npi": "1234567893",
        "signature": "A. Lime",
        "address": address,
    }
    shown = clinic.live.data(clinic.doctor.token, OWN, {"input": said})["updateProfile"]
    assert shown == {
        "id": clinic.doctor.id,
        "npi": "1234567893",
        "phone": "+12125550100",
        "fax": "+12125550101",
        "signature": "A. Lime",
        "name": {"full": "Dr. Ada Lime"},
        "address": {"city": "Albany"},
    }
    less = clinic.live.data(clinic.doctor.token, OWN, {"input": {"fax": None}})["updateProfile"]
    assert less == shown | {"fax": None}
    entries = clinic.recorded("profile.changed")
    assert entries[-1]["details"] == {"fax": "1"}
    assert set(entries[0]["details"]) == set(said)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"name": None}, "name"),
        ({"name": {"first": " ", "last": "Lime"}}, "name.first"),
        ({"name": {"first": "A" * 201, "last": "Lime"}}, "name.first"),
        ({"npi": "1234567890"}, "npi"),
        ({"signature": "x" * 2_001}, "signature"),
        ({"phone": "12"}, None),
    ],
    ids=str,
)
def test_what_no_profile_has_is_refused_by_name(lone_clinic: Team, changes: dict[str, Any], at: str | None) -> None:
    error = the_error(lone_clinic.live.graphql(lone_clinic.doctor.token, OWN, {"input": changes}))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert at is None or error["extensions"]["field"] == at


def test_the_npi_of_an_authorized_provider_is_the_one_that_two_people_approved(clinic: Team) -> None:
    clinic.holders.write(lambda tx: authorize(tx, clinic.holders.organization_id, clinic.doctor.id))

    for who, document, more in (
        (clinic.doctor, OWN, {}),
        (clinic.administrator, UPDATE, {"user": clinic.doctor.id}),
    ):
        answer = clinic.live.graphql(who.token, document, {"input": {"npi": "1679576722"}} | more)
        assert the_error(answer)["extensions"]["field"] == "npi"


def test_a_member_s_profile_is_changed_by_who_may_unless_others_rely_on_it(clinic: Team) -> None:
    admin, staff, doctor = clinic.administrator, clinic.staff, clinic.doctor
    said = {"input": {"phone": "+12125550100"}}
    assert clinic.send(staff, UPDATE, doctor.id, **said).json()["data"]["updateMember"]["phone"] == "+12125550100"
    assert code(clinic.send(doctor, UPDATE, staff.id, **said)) == "FORBIDDEN"
    [entry] = clinic.recorded("profile.changed")
    assert (entry["actorId"], entry["target"]) == (staff.id, doctor.id)

    birch, now = clinic.live.world.birch.organization_id, clinic.live.clock.seconds()
    clinic.holders.write(lambda tx: memberships.add(tx, birch, doctor.id, [Role.STAFF], now))
    answer = clinic.send(admin, UPDATE, doctor.id, **said)
    assert the_error(answer)["extensions"]["reason"] == "works_elsewhere"
    assert clinic.live.data(doctor.token, OWN, said)["updateProfile"]["phone"] == "+12125550100"


def test_a_signature_is_nobody_else_s_to_write(lone_clinic: Team) -> None:
    answer = lone_clinic.send(lone_clinic.administrator, UPDATE, lone_clinic.doctor.id, input={"signature": "x"})

    assert "signature" in the_error(answer)["message"]
