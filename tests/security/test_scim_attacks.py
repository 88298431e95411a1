"""What an identity provider, or somebody who pretends to be one, must not be able to do by SCIM."""

from collections.abc import Iterator
from typing import Any

import pytest

from rxauth.domain import memberships, organizations, passwords, scim_tokens, scim_users, users
from rxauth.domain.audit import Actor
from rxauth.domain.scim_accounts import Telling
from rxauth.policy.roles import Role
from rxauth.scim import users as scim_endpoints
from rxauth.scim.errors import VersionError
from rxauth.scim.requests import Asked, Desk
from rxauth.storage.database import ConflictError, Transaction
from tests.live import Live
from tests.people import add_person, letters, one_after_the_other, outbox
from tests.provisioning import DOMAIN, ENTERPRISE, PATCH, SEARCH, USER, Provider
from tests.world import NOW, World

VICTIM = f"victim@{DOMAIN}"


@pytest.fixture
def provider(live: Live) -> Iterator[Provider]:
    """An identity provider of Alder Clinic, whose every user is to have a role."""
    made = Provider(live)
    made.give(everybody=[Role.SUPPORT])
    yield made
    made.http.close()


@pytest.fixture
def stranger(provider: Provider) -> Iterator[Provider]:
    """An identity provider of another organization."""
    made = Provider(provider.live, provider.live.world.birch.organization_id, "stranger")
    yield made
    made.http.close()


def is_member(provider: Provider, user_id: str) -> bool:
    """Tells whether somebody works for the provider's organization."""
    read = provider.live.server.database.read
    return bool(read(lambda tx: memberships.roles_of(tx, provider.organization_id, [user_id])))


def test_another_organizations_users_and_groups_are_not_there(provider: Provider, stranger: Provider) -> None:
    mona, nurses = provider.create(f"mona@{DOMAIN}"), provider.group("Nurses")
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    for kind, body in ((f"Users/{mona['id']}", {"userName": "x"}), (f"Groups/{nurses['id']}", {"displayName": "x"})):
        answers = [
            stranger.http.get(kind),
            stranger.http.put(kind, json=body),
            stranger.http.patch(kind, json=change),
            stranger.http.delete(kind),
        ]
        assert {one.status_code for one in answers} == {404}
        assert provider.http.get(kind).status_code == 200
    assert stranger.find()["totalResults"] == stranger.find("Groups")["totalResults"] == 0
    assert stranger.find(filter=f'id eq "{mona["id"]}"')["totalResults"] == 0
    taken_in = {"displayName": "Theirs", "members": [{"value": mona["id"]}]}
    assert stranger.http.post("Groups", json=taken_in).status_code == 400
    assert stranger.http.get("Users", params={"cursor": mona["id"]}).json()["Resources"] == []


def test_a_token_that_ended_and_one_of_another_kind_open_nothing(provider: Provider) -> None:
    live, here, now = provider.live, provider.organization_id, provider.live.clock.seconds()
    alder = live.world.alder
    texts = ["", "Bearer", "Bearer x", f"Basic {provider.text}", f"Bearer {alder.secret}"]
    texts += [f"Bearer {live.token(alder)}", f"Bearer {provider.text.swapcase()}", f"Bearer {provider.text} x"]
    answers = [live.http.get("/scim/v2/Users", headers={"authorization": text} if text else {}) for text in texts]
    assert {one.status_code for one in answers} <= {400, 401}
    assert {one.json()["schemas"][0].rpartition(":")[2] for one in answers} == {"Error"}
    assert answers[0].headers["www-authenticate"].startswith("Bearer ")
    assert live.graphql(provider.text, "{ organization { id } }").status_code == 401

    assert provider.http.get("Users").status_code == 200
    provider.write(lambda tx: organizations.disable(tx, here, now))
    assert provider.http.get("Users").status_code == 401
    provider.write(lambda tx: organizations.enable(tx, here, now))
    provider.write(lambda tx: scim_tokens.revoke(tx, here, provider.token.id, now))
    assert provider.http.get("Users").status_code == 401
    wanted = scim_tokens.Wanted("short", provider.token.created_by, now + 60)
    _, text = provider.write(lambda tx: scim_tokens.make(tx, here, wanted, now))
    provider.http.headers["authorization"] = f"Bearer {text}"
    assert provider.http.get("Users").status_code == 200
    live.clock.advance(60)
    assert provider.http.get("Users").status_code == 401


INJECTED = (
    "' OR '1'='1",
    "x') OR 1=1 --",
    "%",
    "_",
    "\\",
    "*",
    '\\" or userName pr or userName eq \\"',
    "'; DROP TABLE users",
)


def test_filter_injection_finds_nothing(provider: Provider) -> None:
    provider.create(f"mona@{DOMAIN}", externalId="1")
    for value in INJECTED:
        for attribute in ("userName", "externalId", "id", "emails.value", "title"):
            for op in ("eq",) if attribute == "id" else ("eq", "co"):
                answer = provider.http.get("Users", params={"filter": f'{attribute} {op} "{value}"'})
                assert answer.json().get("totalResults", 0) == 0
    assert provider.find()["totalResults"] == 1


def test_mass_assignment_gives_no_role_and_no_permission(provider: Provider) -> None:
    provider.own()
    more: dict[str, Any] = {
        "roles": [{"value": "Administrator"}],
        "permissions": ["write:prescription"],
        "groups": [{"value": "Administrators"}],
        "entitlements": [{"value": "x"}],
        "organization_id": provider.live.world.birch.organization_id,
        "user_id": "usr_1",
        "made_account": True,
        "given_roles": "Administrator",
        "password": "x",
    }
    made = provider.create(VICTIM, **more)
    operation = {"op": "replace", "value": more}
    assert provider.patch(f"Users/{made['id']}", operation).json() == made
    assert set(made) == {"schemas", "id", "userName", "name", "emails", "active", "meta"}
    user = provider.person(VICTIM)
    given = provider.live.server.database.read(lambda tx: memberships.roles_of(tx, provider.organization_id, [user.id]))
    assert given == {user.id: [Role.SUPPORT]}


@pytest.mark.parametrize("own", [True, False])
def test_taking_over_an_existing_account_by_its_address_gets_an_invite_and_nothing_else(
    provider: Provider, stranger: Provider, own: bool
) -> None:
    """Whether the account is in the organization's domain or not: its person set it up, and it is theirs."""
    if own:
        provider.own()
    victim = provider.write(lambda tx: add_person(tx, VICTIM))
    there, now = stranger.organization_id, provider.live.clock.seconds()
    provider.write(lambda tx: memberships.add(tx, there, victim.id, [Role.STAFF], now))

    made = provider.create(VICTIM, name={"givenName": "Mallory", "familyName": "Moss"})
    taken: dict[str, Any] = {"emails": [{"value": f"mallory@{DOMAIN}"}], "name": {"givenName": "M"}, "password": "x"}
    assert provider.patch(f"Users/{made['id']}", {"op": "replace", "value": taken}).status_code == 200
    provider.patch(f"Users/{made['id']}", {"op": "replace", "value": {"active": False}})
    provider.http.delete(f"Users/{made['id']}")

    database = provider.live.server.database
    assert database.read(lambda tx: users.find(tx, victim.id)) == victim
    assert not is_member(provider, victim.id)
    assert is_member(stranger, victim.id)
    [letter] = letters(database, provider.live.world, VICTIM)
    assert "invited to join" in letter.text


def test_an_account_that_one_organization_made_is_not_another_ones_to_rename(
    provider: Provider, stranger: Provider
) -> None:
    provider.own()
    made = provider.create(VICTIM)
    database = provider.live.server.database
    victim = provider.person(VICTIM)
    there, now = stranger.organization_id, provider.live.clock.seconds()
    provider.write(lambda tx: memberships.add(tx, there, victim.id, [Role.STAFF], now))

    renamed = {"name.familyName": "Moss", "emails": [{"value": f"m@{DOMAIN}"}]}
    assert provider.patch(f"Users/{made['id']}", {"op": "replace", "value": renamed}).status_code == 200
    assert database.read(lambda tx: users.find_by_email(tx, VICTIM)) == victim
    stranger.give(everybody=[Role.SUPPORT])
    stranger.create(VICTIM, name={"givenName": "X", "familyName": "Y"})
    assert database.read(lambda tx: users.find_by_email(tx, VICTIM)) == victim


def test_a_domain_of_another_organization_makes_no_account(provider: Provider, stranger: Provider) -> None:
    stranger.own()
    provider.create(VICTIM)
    provider.create(f"x@sub.{DOMAIN}")
    provider.create(f"x@{DOMAIN}@evil.example")
    database = provider.live.server.database
    assert database.read(lambda tx: users.find_by_email(tx, VICTIM)) is None
    assert database.read(lambda tx: users.find_by_email(tx, f"x@sub.{DOMAIN}")) is None


def test_two_users_of_one_name_at_once_are_one_and_a_conflict(world: World) -> None:
    here = world.alder.organization_id

    def add(tx: Transaction) -> None:
        scim_users.add(tx, scim_users.new(here, {"userName": "Mona"}, NOW * 1000))

    _, second = one_after_the_other(world, add)
    assert isinstance(second.exception(), ConflictError)


def test_of_two_changes_at_once_that_know_the_same_version_one_is_made(world: World) -> None:
    made = scim_users.new(world.alder.organization_id, {"userName": "Mona"}, NOW * 1000)
    database = world.open()
    database.write(lambda tx: scim_users.add(tx, made))
    database.close()
    desk = Desk(made.organization_id, "", Telling(outbox(world), Actor("scim", "sct_1"), NOW), NOW * 1000)
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Nurse"}]}
    asked = Asked(made.id, body=body, if_match='W/"1"')
    first, second = one_after_the_other(world, lambda tx: scim_endpoints.patch(tx, desk, asked))
    assert (first.status, first.version) == (200, 'W/"2"')
    assert isinstance(second.exception(), VersionError)
    assert VersionError.status == 412


def test_a_user_name_that_is_taken_is_a_conflict_under_every_spelling(provider: Provider) -> None:
    mona, nora = provider.create("Mona"), provider.create("nora")
    for answer in (
        provider.post_user("mONA"),
        provider.post_user("\uff2dona"),
        provider.http.put(f"Users/{nora['id']}", json={"userName": "MONA"}),
        provider.patch(f"Users/{nora['id']}", {"op": "replace", "path": "userName", "value": "mona "}),
    ):
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert provider.http.get(f"Users/{nora['id']}").json() == nora
    assert provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": "userName", "value": "MONA"}).json()


def test_a_second_user_with_the_same_address_gets_nobody(provider: Provider) -> None:
    provider.own()
    first = provider.create("first", emails=[{"value": VICTIM}])
    second = provider.create("second", emails=[{"value": VICTIM.upper()}])
    victim = provider.person(VICTIM)
    provider.patch(f"Users/{second['id']}", {"op": "replace", "value": {"active": False}})
    assert is_member(provider, victim.id)
    provider.http.delete(f"Users/{second['id']}")
    assert is_member(provider, victim.id)
    provider.http.delete(f"Users/{first['id']}")
    assert not is_member(provider, victim.id)


def test_deeply_nested_and_wide_bodies_are_refused_and_the_server_goes_on(provider: Provider) -> None:
    deep = '{"userName": "x", "name": ' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}"
    wide = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "title", "value": "x"}] * 1_001}
    many = {"userName": "x", "emails": [{"value": f"{n}@x.example"} for n in range(101)]}
    assert provider.http.post("Users", content=deep).status_code == 400
    assert provider.http.patch("Users/scu_1", json=wide).status_code in {400, 404}
    assert provider.http.post("Users", json=many).status_code == 400
    bombs = [
        "active pr " * 1_000,
        "(" * 3_000,
        "not (" * 300 + "active pr" + ")" * 300,
        " or ".join(["active pr"] * 250),
    ]
    for bomb in bombs:
        answer = provider.http.post("Users/.search", json={"schemas": [SEARCH], "filter": bomb})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")
    assert provider.http.get("Users").status_code == 200


def test_nothing_that_was_sent_is_repeated_in_an_error_or_kept_in_a_record(provider: Provider) -> None:
    secret = "Zebedee-Quux"
    provider.create(f"{secret}@{DOMAIN}", displayName=secret, **{ENTERPRISE: {"department": secret}})
    answers = [
        provider.http.post("Users", json={"userName": [secret]}),
        provider.http.post("Users", json={"schemas": [USER], "userName": f"{secret}@{DOMAIN}"}),
        provider.http.get("Users", params={"filter": f'userName is "{secret}"'}),
        provider.http.get("Users", params={"filter": f'{secret} eq "x"'}),
        provider.http.get(f"Users/{secret}"),
        provider.patch("Users/scu_1", {"op": "add", "path": secret, "value": 1}),
    ]
    assert all(secret not in one.text and one.status_code >= 400 for one in answers)
    assert secret.lower() not in str(provider.recorded()).lower()
    user = provider.live.server.database.read(
        lambda tx: scim_users.find(tx, provider.organization_id, provider.find()["Resources"][0]["id"])
    )
    assert secret not in repr(user)
    assert provider.text not in repr(provider.token)


def test_a_path_reaches_nothing_but_what_the_schema_lets_a_client_change(provider: Provider) -> None:
    mona = provider.create("mona")
    paths = (
        "id",
        "meta.version",
        "groups",
        "given_roles",
        "user_id",
        "__class__",
        "name.__dict__",
        "emails[0].value",
        "a.b.c",
    )
    for path in paths:
        answer = provider.patch(f"Users/{mona['id']}", {"op": "replace", "path": path, "value": "x"})
        assert answer.status_code == 400, path
    assert provider.http.get(f"Users/{mona['id']}").json() == mona


def test_a_password_that_is_sent_is_nobodys(provider: Provider) -> None:
    provider.own()
    provider.create(VICTIM, password="mauve tin lorry wharf")
    database = provider.live.server.database
    victim = provider.person(VICTIM)
    assert database.read(lambda tx: passwords.stored_hash(tx, victim.id)) is None
