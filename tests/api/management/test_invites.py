"""Invites over the API: to which roles who may invite, and what becomes of a link."""

from typing import Any

import httpx
import pytest

from rxauth.domain import invites, memberships
from rxauth.domain.errors import AbsentError
from rxauth.domain.invites import LETTERS_LIMIT, LIFETIME_S, SHOWN_S
from rxauth.domain.names import Name
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic, Somebody
from tests.live import Live
from tests.people import letters, subjects, token_of
from tests.world import ISSUER, add_tenant

FIELDS = "id email roles { id name } url expired createdAt expiresAt inviterId"
INVITE = f"mutation($input: InviteInput!) {{ inviteUser(input: $input) {{ {FIELDS} }} }}"
RESEND = f"mutation($id: ID!) {{ resendInvite(inviteId: $id) {{ {FIELDS} }} }}"
WITHDRAW = "mutation($id: ID!) { withdrawInvite(inviteId: $id) }"
INVITES = f"{{ invites {{ {FIELDS} }} }}"
BOB = "bob@example.com"
ALLOWED = {
    Role.ADMINISTRATOR: set(Role),
    Role.STAFF: {Role.STAFF, Role.SUPPORT},
    None: {Role.PRESCRIBER, Role.MEDICAL_OPERATIONS, Role.SUPPORT},
}


class Inviting(Clinic):
    """A clinic whose people invite."""

    def send(self, token: str, *roles: str, email: str = BOB) -> httpx.Response:
        """Invites somebody."""
        return self.live.graphql(token, INVITE, {"input": {"email": email, "roles": list(roles)}})

    def invited(self, token: str, *roles: str, email: str = BOB) -> dict[str, Any]:
        """Invites somebody, which must succeed."""
        answer = self.send(token, *roles, email=email).json()
        assert "errors" not in answer, answer
        return dict(answer["data"]["inviteUser"])

    def shown(self, who: Somebody | None = None) -> list[dict[str, Any]]:
        """Returns the invites as somebody sees them."""
        found: list[dict[str, Any]] = self.live.data((who or self.administrator).token, INVITES)["invites"]
        return found

    def links(self, email: str = BOB) -> list[str]:
        """Returns what the links hold in the letters to an address."""
        database = self.live.server.database
        return [token_of(one) for one in letters(database, self.live.world, email) if "?token=" in one.text]

    def accept(self, link: str) -> str:
        """Accepts as somebody new; returns their identifier."""
        now = self.live.clock.seconds()
        made = self.holders.write(lambda tx: invites.accept_as_new(tx, link, Name("Bob", "Birch"), "$argon2id$x", now))
        return str(made[1].id)

    def roles(self, user_id: str) -> set[Role]:
        """Returns a member's roles."""
        of = self.holders.organization_id
        found = self.live.server.database.read(lambda tx: memberships.roles_of(tx, of, [user_id]))
        return set(found.get(user_id, []))

    def inviting_machine(self) -> str:
        """Returns a token of a machine that may invite, of an organization of its own."""
        more = ("read:invite", "write:invite")
        return self.live.token(self.holders.write(lambda tx: add_tenant(tx, "Cedar Clinic", *more)))


@pytest.fixture
def clinic(live: Live) -> Inviting:
    """A clinic on each engine."""
    return Inviting(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Inviting:
    """A clinic on one engine, for what does not depend on it."""
    return Inviting(sqlite_live)


def test_an_invite_is_a_letter_with_a_link_that_only_the_letter_has(clinic: Inviting) -> None:
    made = clinic.invited(clinic.administrator.token, "Prescriber", "rol_staff")

    [link] = clinic.links()
    assert link not in str(made)
    assert (made["email"], made["url"], made["expired"]) == (BOB, f"{ISSUER}invite", False)
    assert [one["name"] for one in made["roles"]] == ["Prescriber", "Staff"]
    assert made["inviterId"] == clinic.administrator.id
    assert clinic.shown() == [made]
    [entry] = clinic.recorded("person.invited")
    assert (entry["target"], entry["actorId"]) == (made["id"], clinic.administrator.id)
    assert entry["details"] == {"roles": "rol_prescriber rol_staff"}
    assert clinic.roles(clinic.accept(link)) == {Role.PRESCRIBER, Role.STAFF}
    assert clinic.shown() == []


@pytest.mark.parametrize("role", Role)
def test_m_13_nobody_invites_to_a_role_that_grants_more_than_they_hold(lone_clinic: Inviting, role: Role) -> None:
    machine = lone_clinic.inviting_machine()
    for giver, token in (
        (Role.ADMINISTRATOR, lone_clinic.administrator.token),
        (Role.STAFF, lone_clinic.staff.token),
        (None, machine),
    ):
        email = f"{(giver or 'machine').lower()}@example.com"
        answer = lone_clinic.send(token, role, email=email)
        if role in ALLOWED[giver]:
            assert "errors" not in answer.json()
            continue
        assert code(answer) == "FORBIDDEN"
        assert the_error(answer)["extensions"]["reason"] == "role_exceeds"
        assert lone_clinic.links(email) == []
        # With another role beside it, too.
        assert code(lone_clinic.send(token, "Support", role, email=email)) == "FORBIDDEN"
    refused = lone_clinic.recorded("member.refused")
    assert {one["reason"] for one in refused} <= {"role_exceeds"}
    assert len(refused) == (0 if role in ALLOWED[Role.STAFF] else 2)


def test_whoever_may_not_invite_is_refused(lone_clinic: Inviting) -> None:
    for role in (Role.DEVELOPER, Role.PRESCRIBER, Role.MEDICAL_OPERATIONS, Role.SUPPORT):
        answer = lone_clinic.send(lone_clinic.somebody(role).token, "Support")
        assert the_error(answer)["extensions"]["requiredPermission"] == "write:invite"
    assert lone_clinic.links() == []


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"email": "nobody", "roles": ["Staff"]}, "email"),
        ({"email": "a@example.com\r\nBcc: b@example.com", "roles": ["Staff"]}, "email"),
        ({"email": BOB, "roles": []}, "roles"),
        ({"email": BOB}, "roles"),
        ({"email": BOB, "roles": ["Owner"]}, "roles"),
        ({"email": BOB, "roles": [None]}, "roles"),
    ],
    ids=str,
)
def test_what_is_no_address_and_no_role_is_named(lone_clinic: Inviting, given: dict[str, Any], at: str) -> None:
    error = the_error(lone_clinic.live.graphql(lone_clinic.administrator.token, INVITE, {"input": given}))

    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", at)


def test_whoever_is_a_member_is_not_invited(lone_clinic: Inviting) -> None:
    email = "person1@example.com"

    assert code(lone_clinic.send(lone_clinic.administrator.token, "Support", email=email)) == "CONFLICT"


def test_a_resent_invite_kills_the_link_before_and_counts_anew(clinic: Inviting) -> None:
    made = clinic.invited(clinic.administrator.token, "Staff")
    [old] = clinic.links()
    clinic.live.clock.advance(LIFETIME_S + 1)
    admin = clinic.again(clinic.administrator)
    assert clinic.shown(admin)[0]["expired"]

    again = clinic.live.data(admin.token, RESEND, {"id": made["id"]})["resendInvite"]

    assert clinic.shown(admin) == [again]
    assert (again["email"], again["roles"], again["expired"]) == (BOB, made["roles"], False)
    assert again["id"] != made["id"]
    assert again["expiresAt"] > made["expiresAt"]
    [new] = [one for one in clinic.links() if one != old]
    with pytest.raises(AbsentError):
        clinic.accept(old)
    assert clinic.roles(clinic.accept(new)) == {Role.STAFF}
    assert code(clinic.live.graphql(admin.token, RESEND, {"id": again["id"]})) == "NOT_FOUND"


def test_a_link_that_still_worked_is_dead_once_it_was_sent_again(clinic: Inviting) -> None:
    made = clinic.invited(clinic.administrator.token, "Staff")
    [old] = clinic.links()

    clinic.live.data(clinic.staff.token, RESEND, {"id": made["id"]})

    with pytest.raises(AbsentError):
        clinic.accept(old)


def test_what_was_withdrawn_is_gone(clinic: Inviting) -> None:
    made = clinic.invited(clinic.administrator.token, "Staff")

    assert clinic.live.data(clinic.staff.token, WITHDRAW, {"id": made["id"]}) == {"withdrawInvite": True}

    with pytest.raises(AbsentError):
        clinic.accept(clinic.links()[0])
    assert clinic.shown() == []
    assert [one["target"] for one in clinic.recorded("invite.revoked")] == [made["id"]]
    for document in (WITHDRAW, RESEND):
        assert code(clinic.live.graphql(clinic.administrator.token, document, {"id": made["id"]})) == "NOT_FOUND"


def test_m_13_nobody_touches_an_invite_to_more_than_they_hold(lone_clinic: Inviting) -> None:
    made = lone_clinic.invited(lone_clinic.administrator.token, "Administrator")

    for document in (WITHDRAW, RESEND):
        assert code(lone_clinic.live.graphql(lone_clinic.staff.token, document, {"id": made["id"]})) == "FORBIDDEN"
    # An invitation in its place would take it back as well.
    assert code(lone_clinic.send(lone_clinic.staff.token, "Support")) == "FORBIDDEN"
    assert [one["id"] for one in lone_clinic.shown()] == [made["id"]]
    assert len(lone_clinic.links()) == 1


def test_m_10_another_organization_s_invites_are_as_if_they_were_not(lone_clinic: Inviting) -> None:
    birch = lone_clinic.live.world.birch.organization_id
    elsewhere = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=birch)
    made = lone_clinic.invited(elsewhere.token, "Staff")

    assert lone_clinic.shown() == []
    for document in (WITHDRAW, RESEND):
        answer = lone_clinic.live.graphql(lone_clinic.administrator.token, document, {"id": made["id"]})
        assert code(answer) == "NOT_FOUND"
    assert [one["id"] for one in lone_clinic.shown(elsewhere)] == [made["id"]]


def test_what_ended_long_ago_is_not_listed(lone_clinic: Inviting) -> None:
    lone_clinic.invited(lone_clinic.administrator.token, "Staff")
    lone_clinic.live.clock.advance(LIFETIME_S + SHOWN_S + 1)

    assert lone_clinic.shown(lone_clinic.again(lone_clinic.administrator)) == []


def test_an_address_gets_so_many_letters_an_hour(lone_clinic: Inviting) -> None:
    for _ in range(LETTERS_LIMIT):
        lone_clinic.invited(lone_clinic.administrator.token, "Staff")
    [waiting] = lone_clinic.shown()

    assert code(lone_clinic.send(lone_clinic.administrator.token, "Staff")) == "BAD_USER_INPUT"
    again = lone_clinic.live.graphql(lone_clinic.administrator.token, RESEND, {"id": waiting["id"]})
    assert code(again) == "BAD_USER_INPUT"
    assert lone_clinic.shown() == [waiting]
    database = lone_clinic.live.server.database
    assert len(subjects(database, lone_clinic.live.world, BOB)) == LETTERS_LIMIT
    lone_clinic.invited(lone_clinic.administrator.token, "Staff", email="else@example.com")
