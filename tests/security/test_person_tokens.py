"""Access tokens of people at the API: what they carry, what they are worth, and what ends them."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from rxauth.domain import audiences, clients, memberships, organizations, sessions, token_families, users
from rxauth.domain.audiences import Audience
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import Role
from tests.live import Live, Process, decode, process, seconds_until
from tests.security.forging import READ, accepted, refusal
from tests.token_holders import Holders
from tests.world import AUDIENCE, ISSUER, NOW, StandingClock, World

NAMES = [permission.name for permission in PERMISSIONS]


@pytest.fixture
def holders(live: Live) -> Holders:
    """Clients and people on each engine."""
    return Holders(live)


@pytest.fixture
def lite(sqlite_live: Live) -> Holders:
    """Clients and people, for what does not depend on the engine."""
    return Holders(sqlite_live)


def _permissions(content: dict[str, Any]) -> list[str]:
    claims = decode(content["access_token"])[1]
    identity = {"openid", "profile", "email", "offline_access"}
    assert [name for name in claims["scope"].split() if name not in identity] == claims["permissions"]
    assert content["scope"] == claims["scope"]
    return list(claims["permissions"])


@pytest.mark.parametrize("role", list(Role), ids=[role.name.lower() for role in Role])
def test_a_role_gets_exactly_its_permissions_and_only_prescribers_write_prescription(lite: Holders, role: Role) -> None:
    """The table of six roles and every permission, through real tokens of authorized providers."""
    person = lite.provider(roles=(role,))
    whole = _permissions(lite.tokens(person))
    expected = [one.name for one in PERMISSIONS if role in one.roles]
    assert whole == expected
    session, _ = lite.session(person)
    for name in NAMES:
        got = _permissions(lite.redeemed(lite.code(session, scope=f"openid {name}")))
        assert got == ([name] if name in expected else [])
    everything = _permissions(lite.redeemed(lite.code(session, scope=" ".join(NAMES))))
    assert everything == whole
    assert ("write:prescription" in whole) == (role is Role.PRESCRIBER)


def test_roles_add_up_and_the_prescribers_counts_only_with_authority(lite: Holders) -> None:
    others = frozenset(Role) - {Role.PRESCRIBER}
    of_others = [one.name for one in PERMISSIONS if not one.roles.isdisjoint(others)]

    assert _permissions(lite.tokens(lite.person(*Role))) == of_others
    assert _permissions(lite.tokens(lite.person(Role.PRESCRIBER))) == []
    assert _permissions(lite.tokens(lite.provider(roles=tuple(Role)))) == NAMES


@pytest.mark.parametrize(
    ("scope", "permissions"),
    [
        ("openid", []),
        ("openid read:patient", ["read:patient"]),
        ("openid write:prescription", ["write:prescription"]),
        ("", []),
    ],
)
def test_a_foreign_client_gets_only_what_it_names(lite: Holders, scope: str, permissions: list[str]) -> None:
    """Decision: no permission named means all for our own clients, and none for others."""
    foreign = lite.app("Foreign", any_organization=True, third_party=True)

    assert _permissions(lite.tokens(lite.provider(), foreign, scope=scope)) == permissions


def test_a_token_says_who_signed_in_when_and_how(lite: Holders) -> None:
    """RFC 9068 §2.2."""
    user_id = lite.person()
    session, _ = lite.session(user_id, ("pwd", "otp"))
    lite.live.clock.advance(10)
    got = lite.redeemed(lite.code(session))
    header, claims = decode(got["access_token"])

    assert header["typ"] == "at+jwt"
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, AUDIENCE, user_id)
    assert (claims["client_id"], claims["azp"]) == (lite.spa.client_id, lite.spa.client_id)
    assert (claims["org_id"], claims["sid"]) == (lite.organization_id, session.id)
    assert (claims["auth_time"], claims["acr"], claims["amr"]) == (NOW, "aal2", ["pwd", "otp"])
    assert claims["exp"] - claims["iat"] == got["expires_in"] == 3_600
    assert {"gty", "secret_id", "nbf"}.isdisjoint(claims)


def test_a_token_without_an_audience_is_good_for_userinfo_only(lite: Holders) -> None:
    got = lite.tokens(audience=None)
    claims = decode(got["access_token"])[1]

    assert (claims["aud"], claims["permissions"]) == (f"{ISSUER}userinfo", [])
    assert "is for audience" in refusal(lite.live, got["access_token"])


def test_a_token_without_an_organization_opens_nothing_of_one(lite: Holders) -> None:
    got = lite.tokens(organization_id=None)
    claims = decode(got["access_token"])[1]
    assert "org_id" not in claims
    assert claims["permissions"] == []
    for field in ("patients { id }", "dispenseUnits { name }", "allergens { id }"):
        answer = lite.live.graphql(got["access_token"], f"{{ {field} }}")
        assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN", field
    modern = lite.live.graphql(
        got["access_token"], "{ dispenseUnits { name } }", accept="application/graphql-response+json"
    )
    assert modern.status_code == 403


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_an_audience_of_the_organization_sets_lifetime_and_algorithm(lite: Holders, algorithm: str) -> None:
    api = "https://api.alder.example/"
    new = Audience(lite.organization_id, api, 120, algorithm, NOW)
    lite.write(lambda tx: audiences.add(tx, new, reserved=frozenset()))
    got = lite.tokens(audience=api)
    header, claims = decode(got["access_token"])

    assert (header["alg"], claims["aud"], got["expires_in"]) == (algorithm, api, 120)
    keys = {key["kid"]: key["alg"] for key in lite.live.http.get("/.well-known/jwks.json").json()["keys"]}
    assert keys[header["kid"]] == algorithm
    assert decode(got["id_token"])[0]["alg"] == "RS256"
    assert "is for audience" in refusal(lite.live, got["access_token"])


def test_an_audience_that_the_organization_did_not_register_gives_nothing(lite: Holders) -> None:
    api = "https://api.birch.example/"
    new = Audience(lite.live.world.birch.organization_id, api, 120, "RS256", NOW)
    lite.write(lambda tx: audiences.add(tx, new, reserved=frozenset()))
    session, _ = lite.session(lite.person())
    for changes in ({"audience": api}, {"audience": api, "organization_id": None}):
        code = lite.code(session, **changes)
        answer = lite.post(code.request())
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
        assert lite.post(code.request()).json()["error"] == "invalid_grant"


def _renamed(claims: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (claims | changes).items() if value is not None}


FORGED: dict[str, dict[str, Any]] = {
    "a machine's grant": {"gty": "client-credentials"},
    "a machine's secret": {"secret_id": "sec_01JD9X8V4M0000000000000000"},
    "a machine's subject": {"sub": "a" * 32 + "@clients"},
    "no session": {"sid": None},
    "no family": {"family_id": None},
    "no time of sign-in": {"auth_time": None},
    "somebody else": {"sub": "usr_01JD9X8V4M0000000000000000"},
    "a session of nobody": {"sid": "ses_01JD9X8V4M0000000000000000"},
    "a family of nobody": {"family_id": "fam_01JD9X8V4M0000000000000000"},
    "a client of nobody": {"client_id": "b" * 32},
    "the organization of others": {"org_id": "org_01JD9X8V4M0000000000000000"},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token_whose_marks_do_not_belong_together_is_refused(lite: Holders, forged: str) -> None:
    claims = decode(lite.tokens()["access_token"])[1]
    assert accepted(lite.live.graphql(lite.live.sign(claims), READ))

    refusal(lite.live, lite.live.sign(_renamed(claims, **FORGED[forged])))


def test_a_token_does_not_work_with_the_session_or_family_of_somebody_else(lite: Holders) -> None:
    mine, other = (decode(lite.tokens()["access_token"])[1] for _ in range(2))

    for name in ("sub", "sid", "family_id"):
        refusal(lite.live, lite.live.sign(mine | {name: other[name]}))


def test_a_token_claims_no_permission_that_the_roles_do_not_have(lite: Holders) -> None:
    claims = decode(lite.tokens(lite.person(Role.DEVELOPER))["access_token"])[1]
    forged = lite.live.sign(claims | {"permissions": NAMES, "scope": " ".join(NAMES)})

    answer = lite.live.graphql(forged, READ)
    assert answer.json()["errors"][0]["extensions"]["requiredPermission"] == "read:patient"


def test_an_id_token_is_no_access_token(lite: Holders) -> None:
    refusal(lite.live, lite.tokens()["id_token"])


def test_a_person_of_two_organizations_sees_the_chosen_one_alone(lite: Holders) -> None:
    birch = lite.live.world.birch
    user_id = lite.person(Role.ADMINISTRATOR)
    lite.write(lambda tx: memberships.add(tx, birch.organization_id, user_id, [Role.SUPPORT], NOW))
    for organization_id in (lite.organization_id, birch.organization_id):
        token = lite.tokens(user_id, organization_id=organization_id)["access_token"]
        tenant = birch if organization_id == birch.organization_id else lite.live.world.alder
        seen = lite.live.data(token, READ)
        assert seen == lite.live.data(lite.live.token(tenant), READ)
        assert ("write:patient" in decode(token)[1]["permissions"]) == (organization_id == lite.organization_id)


def _now(holders: Holders) -> int:
    return holders.live.clock.seconds()


ENDED: dict[str, Callable[[Any, Holders, dict[str, Any]], Any]] = {
    "person": lambda tx, h, claims: users.disable(tx, claims["sub"], _now(h)),
    "everything of the person": lambda tx, h, claims: users.revoke_everything(tx, claims["sub"], _now(h) + 1),
    "membership": lambda tx, h, claims: memberships.remove(tx, h.organization_id, claims["sub"], _now(h)),
    "session": lambda tx, h, claims: sessions.end(tx, claims["sid"], claims["sub"], _now(h)),
    "authorization": lambda tx, h, claims: token_families.revoke(tx, claims["family_id"], _now(h)),
    "client": lambda tx, h, _c: clients.disable(tx, h.spa.client_id, _now(h)),
    "tokens of the client": lambda tx, h, _c: clients.revoke_tokens(tx, h.spa.client_id, _now(h)),
    "organization": lambda tx, h, _c: organizations.disable(tx, h.organization_id, _now(h)),
}


@pytest.mark.parametrize("ended", ENDED)
def test_what_ends_in_a_server_is_refused_by_that_server_at_once(holders: Holders, ended: str) -> None:
    """S-12."""
    token = holders.tokens()["access_token"]
    bystander = holders.live.token(holders.live.world.birch)
    assert accepted(holders.live.graphql(token, READ))

    holders.write(lambda tx: ENDED[ended](tx, holders, decode(token)[1]))

    refusal(holders.live, token)
    assert accepted(holders.live.graphql(bystander, READ))


def test_a_role_that_is_taken_bites_at_the_next_request(holders: Holders) -> None:
    user_id = holders.person(Role.STAFF)
    token = holders.tokens(user_id)["access_token"]
    assert accepted(holders.live.graphql(token, READ))
    holders.write(lambda tx: memberships.set_roles(tx, holders.organization_id, user_id, [Role.DEVELOPER], NOW))

    answer = holders.live.graphql(token, READ).json()
    assert answer["errors"][0]["extensions"]["requiredPermission"] == "read:patient"
    assert "none of this person's roles has it" in answer["errors"][0]["message"]


def test_a_token_ends_with_the_longest_life_of_its_session(lite: Holders) -> None:
    """S-13; a token that claims more than its session has is refused when the session is too old."""
    claims = decode(lite.tokens()["access_token"])[1]
    token = lite.live.sign(claims | {"exp": NOW + 10**6})
    lite.live.clock.advance(86_399)
    assert accepted(lite.live.graphql(token, READ))
    lite.live.clock.advance(1)

    assert "too old" in refusal(lite.live, token)


def test_what_ends_is_refused_by_every_other_server_soon(world: World) -> None:
    """S-12: two processes; the one that is asked did not hear of it by itself."""
    with ExitStack() as stack:
        live = Live(world, StandingClock(int(time.time())))
        stack.callback(live.stop)
        other = stack.enter_context(process(world.settings))
        holders = Holders(live)
        # The last three would end the means of the test itself, and are shown with the tokens of machines.
        for end in list(ENDED.values())[:-3]:
            claims = decode((got := holders.tokens())["access_token"])[1]
            assert accepted(_asked(other, got["access_token"]))
            holders.write(lambda tx, end=end, claims=claims: end(tx, holders, claims))
            seconds_until(time.monotonic(), _refuses, other, got["access_token"])


def _asked(server: Process, token: str) -> httpx.Response:
    return server.http.post("/graphql", json={"query": READ}, headers={"authorization": f"Bearer {token}"})


def _refuses(server: Process, token: str) -> bool:
    return _asked(server, token).status_code == 401


def test_a_server_that_has_not_heard_from_its_database_accepts_no_token_of_a_person(lite: Holders) -> None:
    """Decision: 503 to whatever could have been revoked."""
    got = lite.tokens()
    lite.live.server.feed.stop()
    object.__setattr__(lite.live.server.feed, "_bound_s", -1.0)

    for answer in (
        lite.live.graphql(got["access_token"], READ),
        lite.refresh(got["refresh_token"]),
        lite.live.http.get("/userinfo", headers={"authorization": f"Bearer {got['access_token']}"}),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


def test_a_client_of_one_organization_serves_nobody_of_another(lite: Holders) -> None:
    birch = lite.live.world.birch.organization_id
    session, _ = lite.session(lite.person(organization_id=birch))
    own = lite.app("Alder only")

    answer = lite.post(lite.code(session, own, organization_id=birch).request())
    assert answer.json()["error"] == "invalid_grant"
