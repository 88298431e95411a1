"""What becomes of the people of whom SCIM speaks: accounts, invites, roles, and who is out at once."""

from typing import Any

import pytest

from rxauth.domain import invites, memberships, passwords, providers, scim_links, sessions, users
from rxauth.domain.audit import Event
from rxauth.domain.users import User
from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.people import add_person, letters, subjects
from tests.provisioning import DOMAIN, Provider
from tests.token_holders import Holders

MONA = f"mona@{DOMAIN}"


def person(provider: Provider, email: str = MONA) -> User | None:
    """Returns who has an address."""
    found: User | None = provider.live.server.database.read(lambda tx: users.find_by_email(tx, email))
    return found


def roles(provider: Provider, user_id: str) -> set[Role]:
    """Returns the roles of a member; none: it is no member."""
    read = provider.live.server.database.read
    return set(read(lambda tx: memberships.roles_of(tx, provider.organization_id, [user_id])).get(user_id, []))


def address(provider: Provider, user_id: str) -> str:
    """Returns the address of somebody."""
    found = provider.live.server.database.read(lambda tx: users.find(tx, user_id))
    assert found is not None
    return found.email


def state(provider: Provider, user_id: str) -> State:
    """Returns where somebody's authority stands."""
    found = provider.live.server.database.read(lambda tx: providers.find(tx, provider.organization_id, user_id))
    assert found is not None
    return found.state


def waiting(provider: Provider, email: str = MONA) -> int:
    """Counts the invites to an address that wait."""
    found = provider.live.server.database.read(lambda tx: invites.to_address(tx, provider.organization_id, email))
    return sum(one.accepted_at is None and one.revoked_at is None for one in found)


def test_who_has_no_account_and_an_address_of_the_organization_becomes_a_member(provider: Provider) -> None:
    provider.own()
    provider.give(everybody=[Role.SUPPORT], Nurses=[Role.MEDICAL_OPERATIONS])
    mona = provider.create(MONA)
    provider.group("Nurses", mona["id"])

    found = person(provider)
    assert found is not None
    assert (found.name.full, found.email_verified_at) == ("Mona Reyes", None)
    assert roles(provider, found.id) == {Role.SUPPORT, Role.MEDICAL_OPERATIONS}
    assert subjects(provider.live.server.database, provider.live.world, MONA) == []
    acts = [one["event"] for one in provider.recorded() if one.get("scim_user_id") == mona["id"]]
    assert sorted(acts) == [Event.MEMBER_ADDED, Event.MEMBER_ROLES_SET]


def test_who_reads_another_address_is_invited_and_joins_by_accepting(provider: Provider) -> None:
    provider.give(Nurses=[Role.SUPPORT])
    mona = provider.create(MONA)
    assert waiting(provider) == 0

    group = provider.group("Nurses", mona["id"])
    assert (person(provider), waiting(provider)) == (None, 1)
    [letter] = letters(provider.live.server.database, provider.live.world, MONA)
    token = letter.text.partition("?token=")[2].split()[0]
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "title", "value": "Nurse"})
    assert waiting(provider) == 1

    def accept(tx: Transaction) -> str:
        ada = add_person(tx, MONA)
        invites.accept(tx, token, ada.id, provider.live.clock.seconds())
        return ada.id

    ada = str(provider.write(accept))
    provider.settle()
    assert roles(provider, ada) == {Role.SUPPORT}
    provider.patch(f"Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{mona["id"]}"]'})
    assert roles(provider, ada) == set()
    provider.patch(f"Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": mona["id"]}]})
    assert roles(provider, ada) == {Role.SUPPORT}
    found = person(provider)
    assert found is not None
    assert found.name.full == "Ada Marsh"  # her account is hers


def test_who_is_deactivated_is_out_at_once_and_comes_back_without_authority(provider: Provider) -> None:
    provider.own()
    provider.give(everybody=[Role.SUPPORT])
    holders = Holders(provider.live)
    doctor = holders.provider(roles=(Role.PRESCRIBER, Role.STAFF))
    email = address(provider, doctor)
    session, _ = holders.session(doctor, ("pwd", "otp"))
    token = holders.redeemed(holders.code(session))["access_token"]
    assert provider.live.graphql(token, "{ organization { id } }").status_code == 200
    made = provider.create(email)
    assert roles(provider, doctor) == {Role.PRESCRIBER, Role.STAFF, Role.SUPPORT}

    off = provider.patch(f"Users/{made['id']}", {"op": "Replace", "path": "active", "value": "False"})

    assert (off.status_code, off.json()["active"]) == (200, False)
    assert roles(provider, doctor) == set()
    refused = provider.live.graphql(token, "{ organization { id } }")
    assert refused.json()["errors"][0]["extensions"]["code"] in {"INVALID_TOKEN", "FORBIDDEN"}
    database = provider.live.server.database
    assert state(provider, doctor) is State.SUSPENDED
    assert database.read(lambda tx: scim_links.shuts_out(tx, provider.organization_id, doctor, None))
    assert database.read(lambda tx: scim_links.shuts_out(tx, provider.organization_id, None, email.upper()))

    on = provider.patch(f"Users/{made['id']}", {"op": "Replace", "value": {"active": True}})
    assert on.json()["active"]
    assert roles(provider, doctor) == {Role.SUPPORT}
    assert state(provider, doctor) is State.SUSPENDED
    assert provider.live.graphql(token, "{ organization { id } }").json().get("errors")
    assert not database.read(lambda tx: scim_links.shuts_out(tx, provider.organization_id, doctor, email))


def test_a_group_that_goes_has_everybody_out_at_once_whom_it_leaves_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxauth.scim.groups.SETTLED_AT_ONCE", 0)  # all of them are the rest
    provider.own()
    provider.give(Nurses=[Role.SUPPORT], Night=[Role.STAFF])
    holders, here, now = Holders(provider.live), provider.organization_id, provider.live.clock.seconds()
    doctor = holders.provider(roles=(Role.PRESCRIBER,))
    addresses = [address(provider, doctor), *(f"{name}@{DOMAIN}" for name in ("mona", "nora", "olga"))]
    sent = [provider.create(one)["id"] for one in addresses]
    nurses = provider.group("Nurses", *sent)
    provider.group("Night", sent[3])
    provider.settle()
    mona, nora, olga = (provider.person(one).id for one in addresses[1:])
    provider.write(lambda tx: memberships.set_roles(tx, here, doctor, [Role.SUPPORT], now))
    provider.write(lambda tx: memberships.add_roles(tx, here, nora, [Role.DEVELOPER], now))
    session, _ = holders.session(doctor, ("pwd", "otp"))
    provider.write(lambda tx: sessions.choose_organization(tx, session.id, here, now))
    token = holders.redeemed(holders.code(session))["access_token"]
    assert provider.live.graphql(token, "{ organization { id } }").status_code == 200

    assert provider.http.delete(f"Groups/{nurses['id']}").status_code == 204

    assert [roles(provider, one) for one in (doctor, mona)] == [set(), set()]
    assert state(provider, doctor) is State.SUSPENDED
    refused = provider.live.graphql(token, "{ organization { id } }")
    assert refused.json()["errors"][0]["extensions"]["code"] in {"INVALID_TOKEN", "FORBIDDEN"}
    gone = [one for one in provider.recorded() if one["event"] == Event.MEMBER_REMOVED]
    assert {one["target"]: one["sessions"] for one in gone} == {doctor: 1, mona: 0}
    [letter] = letters(provider.live.server.database, provider.live.world, addresses[1])
    assert "no longer work" in letter.subject
    assert [roles(provider, one) for one in (nora, olga)] == [
        {Role.SUPPORT, Role.DEVELOPER},
        {Role.SUPPORT, Role.STAFF},
    ]
    provider.settle()
    assert [roles(provider, one) for one in (doctor, nora, olga)] == [set(), {Role.DEVELOPER}, {Role.STAFF}]


def test_who_is_deleted_is_no_member_and_nothing_that_was_said_is_left(provider: Provider) -> None:
    provider.own()
    provider.give(everybody=[Role.SUPPORT])
    mona = provider.create(MONA)
    provider.group("Nurses", mona["id"])
    found = person(provider)
    assert found is not None

    assert provider.http.delete(f"Users/{mona['id']}").status_code == 204
    assert roles(provider, found.id) == set()
    assert provider.find("Groups")["Resources"][0].get("members", []) == []
    provider.create(MONA)
    assert roles(provider, found.id) == {Role.SUPPORT}


def test_the_only_administrator_stays(provider: Provider) -> None:
    ada = Holders(provider.live).person(Role.ADMINISTRATOR)
    email = address(provider, ada)
    provider.give(everybody=[Role.SUPPORT])
    made = provider.create(email)

    for answer in (
        provider.patch(f"Users/{made['id']}", {"op": "replace", "value": {"active": False}}),
        provider.http.delete(f"Users/{made['id']}"),
    ):
        assert answer.status_code == 409
        assert "administrator" in answer.json()["detail"]
    assert roles(provider, ada) == {Role.ADMINISTRATOR, Role.SUPPORT}
    assert provider.find(filter="active eq true")["totalResults"] == 1


def test_roles_that_people_gave_stay_and_who_was_removed_by_hand_stays_away(lone_provider: Provider) -> None:
    provider = lone_provider
    provider.own()
    provider.give(everybody=[Role.SUPPORT])
    mona = provider.create(MONA)
    found = person(provider)
    assert found is not None
    here, now = provider.organization_id, provider.live.clock.seconds()
    provider.write(lambda tx: memberships.set_roles(tx, here, found.id, [Role.SUPPORT, Role.STAFF], now))
    provider.give()
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "title", "value": "Nurse"})
    assert roles(provider, found.id) == {Role.STAFF}

    provider.give(everybody=[Role.SUPPORT])
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "title", "value": "Doctor"})
    provider.write(lambda tx: memberships.remove(tx, here, found.id, now))
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "title", "value": "Chief"})
    assert roles(provider, found.id) == set()
    for active in (False, True):
        provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "active", "value": active})
    assert roles(provider, found.id) == {Role.SUPPORT}


def test_people_may_take_in_again_whom_the_provider_deactivated(lone_provider: Provider) -> None:
    provider = lone_provider
    provider.own()
    provider.give(everybody=[Role.SUPPORT])
    mona = provider.create(MONA)
    found = person(provider)
    assert found is not None
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "active", "value": False})
    here, now = provider.organization_id, provider.live.clock.seconds()
    provider.write(lambda tx: memberships.add(tx, here, found.id, [Role.STAFF], now))

    provider.group("Nurses", mona["id"])
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "title", "value": "Nurse"})
    assert roles(provider, found.id) == {Role.STAFF}
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "active", "value": True})
    assert roles(provider, found.id) == {Role.STAFF, Role.SUPPORT}
    provider.http.delete(f"Users/{mona['id']}")
    assert roles(provider, found.id) == set()


def test_an_account_that_scim_made_has_the_name_that_it_says_until_the_person_sets_it_up(
    lone_provider: Provider,
) -> None:
    provider = lone_provider
    provider.own()
    provider.give(everybody=[Role.SUPPORT])
    mona = provider.create(MONA)
    first = person(provider)
    assert first is not None
    named: dict[str, Any] = {"op": "replace", "value": {"name.familyName": "Ray", "emails": [{"value": f"m@{DOMAIN}"}]}}
    provider.patch(f"Users/{mona['id']}", named)
    second = person(provider, f"m@{DOMAIN}")
    assert second is not None
    assert (second.id, second.name.full) == (first.id, "Mona Ray")

    provider.write(lambda tx: passwords.store(tx, first.id, "a hash", provider.live.clock.seconds()))
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "value": {"name.familyName": "Row", "emails": []}})
    third = person(provider, f"m@{DOMAIN}")
    assert third is not None
    assert third.name.full == "Mona Ray"
    assert provider.http.get(f"Users/{mona['id']}").json()["name"]["familyName"] == "Row"


def test_what_groups_give_follows_when_somebody_changes_it(lone_provider: Provider) -> None:
    provider = lone_provider
    provider.own()
    mona = provider.create(MONA)
    assert person(provider) is None
    provider.group("Nurses", mona["id"], externalId="0a1b")
    provider.write(lambda tx: scim_status_mark(tx, provider, "0a1b", Role.SUPPORT))
    provider.settle()
    found = person(provider)
    assert found is not None
    assert roles(provider, found.id) == {Role.SUPPORT}


def scim_status_mark(tx: Transaction, provider: Provider, group: str, role: Role) -> None:
    """Has a group give a role, as the API does."""
    from rxauth.domain import group_roles, scim_status

    group_roles.replace(tx, provider.organization_id, group_roles.SCIM, {group: [role]})
    scim_status.mark(tx, provider.organization_id, group, provider.live.clock.seconds())


def test_an_invite_is_taken_back_when_the_provider_changes_its_mind(lone_provider: Provider) -> None:
    provider = lone_provider
    provider.give(everybody=[Role.SUPPORT])
    mona = provider.create(MONA)
    assert waiting(provider) == 1
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "emails", "value": [{"value": "n@else.example"}]})
    assert (waiting(provider), waiting(provider, "n@else.example")) == (0, 1)
    provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "active", "value": False})
    assert waiting(provider, "n@else.example") == 0
    for _ in range(10):
        for active in (True, False):
            provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "active", "value": active})
    sent = letters(provider.live.server.database, provider.live.world, "n@else.example")
    assert len(sent) == invites.LETTERS_LIMIT


def test_a_user_without_an_address_or_a_role_waits(lone_provider: Provider) -> None:
    provider = lone_provider
    provider.own()
    provider.give(everybody=[Role.SUPPORT])
    provider.create("mona")
    provider.give()
    provider.create(MONA)
    assert person(provider) is None


@pytest.mark.parametrize(("said", "name"), [({"name": {}, "displayName": "Mona de la Reyes"}, "Mona de la Reyes")])
def test_a_name_is_made_of_what_was_said(lone_provider: Provider, said: dict[str, Any], name: str) -> None:
    lone_provider.own()
    lone_provider.give(everybody=[Role.SUPPORT])
    lone_provider.create(MONA, **said)
    found = person(lone_provider)
    assert found is not None
    assert found.name.full == name
