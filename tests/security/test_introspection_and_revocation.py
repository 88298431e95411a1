"""Attacks on introspection (I-01 to I-05) and revocation (V-01 to V-06)."""

import threading
from typing import Any

import pytest
from sqlalchemy import event

from rxauth.domain import audiences, clients, memberships, organizations, token_families, users
from rxauth.domain.audiences import Audience
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.engines import open_engines
from tests.live import Live, basic, decode
from tests.security.forging import READ, accepted
from tests.token_holders import Holders, refused
from tests.world import NOW, Tenant

INACTIVE = b'{"active":false}'
API = "https://api.example.com/"


@pytest.fixture
def holders(live: Live) -> Holders:
    """Clients and people on each engine."""
    return Holders(live)


@pytest.fixture
def lite(sqlite_live: Live) -> Holders:
    """Clients and people, for what does not depend on the engine."""
    return Holders(sqlite_live)


def _ask(holders: Holders, token: str, tenant: Tenant | None = None, **parameters: str) -> Any:
    asking = tenant or holders.live.world.alder
    body = {"client_id": asking.client_id, "client_secret": asking.secret, "token": token}
    return holders.post(body | parameters, "/oauth/introspect")


def test_who_introspects_without_proof_is_refused(lite: Holders) -> None:
    """I-01; people's clients may not ask either."""
    token, alder, web = lite.tokens()["access_token"], lite.live.world.alder, lite.web()
    for body in (
        {},
        {"client_id": alder.client_id},
        {"client_id": alder.client_id, "client_secret": lite.live.world.birch.secret},
        {"client_id": lite.spa.client_id},
    ):
        refused(lite.post(body | {"token": token}, "/oauth/introspect"), "invalid_client", 401)
    refused(lite.post({**web.credentials, "token": token}, "/oauth/introspect"), "unauthorized_client")
    bearer = lite.post({"token": token}, "/oauth/introspect", authorization=f"Bearer {token}")
    refused(bearer, "invalid_client", 401)


def test_a_good_token_is_described_by_what_it_may_do_now(lite: Holders) -> None:
    """RFC 7662 §2.2; by either way to authenticate."""
    user_id = lite.person(Role.DEVELOPER)
    got = lite.tokens(user_id)
    claims, alder = decode(got["access_token"])[1], lite.live.world.alder
    answer = _ask(lite, got["access_token"])

    told = answer.json()
    assert told["active"] is True
    for name in ("scope", "permissions", "client_id", "exp", "iat", "sub", "aud", "iss", "jti", "org_id", "acr", "amr"):
        assert told[name] == claims[name]
    assert answer.headers["cache-control"] == "no-store"
    header = {"authorization": basic(alder.client_id, alder.secret)}
    assert lite.post({"token": got["access_token"]}, "/oauth/introspect", **header).json() == told


def test_a_machines_token_is_described_too(lite: Holders) -> None:
    token = lite.live.token(lite.live.world.alder, scope="read:patient")

    assert _ask(lite, token).json()["scope"] == "read:patient"


def test_what_is_no_active_token_is_told_so_and_nothing_else(lite: Holders) -> None:
    """I-02: unknown, malformed, of another type, expired, revoked."""
    got, revoked = lite.tokens(), lite.tokens()
    lite.write(lambda tx: token_families.revoke(tx, decode(revoked["access_token"])[1]["family_id"], NOW))
    claims = decode(got["access_token"])[1]
    for token in (
        "x",
        "a.b.c",
        "\x00",
        got["refresh_token"],
        got["id_token"],
        got["access_token"][:-6] + "AAAAAA",
        revoked["access_token"],
        lite.live.sign(claims | {"exp": NOW}),
        lite.live.sign(claims | {"iss": "https://other.example.com/"}),
    ):
        answer = _ask(lite, token)
        assert (answer.status_code, answer.content) == (200, INACTIVE)


def test_a_token_of_another_organization_or_for_another_api_is_inactive(lite: Holders) -> None:
    """I-03."""
    birch = lite.live.world.birch
    theirs = lite.tokens(lite.person(organization_id=birch.organization_id), organization_id=birch.organization_id)
    nobodys = lite.tokens(organization_id=None)
    for token in (lite.live.token(birch), theirs["access_token"], nobodys["access_token"]):
        assert _ask(lite, token).content == INACTIVE
    assert _ask(lite, theirs["access_token"], birch).json()["active"] is True

    for tenant in (lite.live.world.alder, birch):
        new = Audience(tenant.organization_id, API, 600, "ES256", NOW)
        lite.write(lambda tx, new=new: audiences.add(tx, new, reserved=frozenset()))
    for_api = lite.tokens(audience=API)["access_token"]
    assert _ask(lite, for_api).json()["aud"] == API
    assert _ask(lite, for_api, birch).content == INACTIVE
    for_userinfo = lite.tokens(audience=None)["access_token"]
    assert _ask(lite, for_userinfo).content == INACTIVE


def _of_client(tx: Transaction, holders: Holders, _user_id: str) -> None:
    clients.revoke_tokens(tx, holders.spa.client_id, NOW)


def _of_person(tx: Transaction, _holders: Holders, user_id: str) -> None:
    users.revoke_everything(tx, user_id, NOW + 1)


ENDED = {
    "client": (_of_client,),
    "person": (_of_person,),
    "both": (_of_client, _of_person),
    "the other way round": (_of_person, _of_client),
}


@pytest.mark.parametrize("ended", ENDED)
def test_a_revocation_at_either_level_is_enough(holders: Holders, ended: str) -> None:
    """I-04."""
    user_id = holders.person()
    token = holders.tokens(user_id)["access_token"]
    assert _ask(holders, token).json()["active"] is True
    for end in ENDED[ended]:
        holders.write(lambda tx, end=end: end(tx, holders, user_id))

    assert _ask(holders, token).content == INACTIVE


def test_the_answer_is_judged_each_time(holders: Holders) -> None:
    """I-05."""
    user_id = holders.person(Role.STAFF)
    token = holders.tokens(user_id)["access_token"]
    assert "read:patient" in _ask(holders, token).json()["permissions"]
    holders.write(lambda tx: memberships.set_roles(tx, holders.organization_id, user_id, [Role.DEVELOPER], NOW))

    told = _ask(holders, token).json()
    assert "read:patient" not in told["permissions"]
    assert "read:patient" not in told["scope"].split()


@pytest.mark.parametrize("of_person", [True, False])
def test_what_was_asked_before_is_judged_from_memory(lite: Holders, *, of_person: bool) -> None:
    token = lite.tokens()["access_token"] if of_person else lite.live.token(lite.live.world.alder)
    first, statements = _ask(lite, token), []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if threading.current_thread().name.startswith("worker"):
            statements.append(statement)

    event.listen(lite.live.edge.server.database.engines.reader, "before_cursor_execute", note)
    assert _ask(lite, token).json() == first.json()
    assert statements == []


def test_a_disabled_organization_cannot_ask(lite: Holders) -> None:
    token = lite.tokens()["access_token"]
    lite.write(lambda tx: organizations.disable(tx, lite.organization_id, NOW))

    refused(_ask(lite, token), "invalid_client", 401)


def _revoke(holders: Holders, token: str, **changes: str) -> Any:
    return holders.post({**holders.spa.credentials, "token": token} | changes, "/oauth/revoke")


def test_what_is_no_token_is_revoked_with_the_same_empty_answer(lite: Holders) -> None:
    """V-01."""
    for token in ("x", "rxr_" + "0" * 26 + ".0." + "A" * 43, "a.b.c", "é"):
        answer = _revoke(lite, token)
        assert (answer.status_code, answer.content) == (200, b"")
    refused(lite.post(lite.spa.credentials, "/oauth/revoke"), "invalid_request")


def test_the_token_of_another_client_stays_valid(lite: Holders) -> None:
    """V-02: the answer does not tell whose it is."""
    got, other = lite.tokens(), lite.app("Another App")
    for token in (got["refresh_token"], got["access_token"]):
        answer = _revoke(lite, token, **other.credentials)
        assert (answer.status_code, answer.content) == (200, b"")

    assert accepted(lite.live.graphql(got["access_token"], READ))
    assert lite.refresh(got["refresh_token"]).status_code == 200


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "id_token", None])
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_either_token_ends_the_authorization_whatever_the_hint(holders: Holders, kind: str, hint: str | None) -> None:
    """V-03, V-04."""
    got = holders.tokens()
    answer = _revoke(holders, got[kind], **({} if hint is None else {"token_type_hint": hint}))

    assert (answer.status_code, answer.content) == (200, b"")
    refused(holders.refresh(got["refresh_token"]))
    assert holders.live.graphql(got["access_token"], READ).status_code == 401


def test_a_spent_refresh_token_and_an_expired_access_token_end_it_too(lite: Holders) -> None:
    for kind in ("refresh_token", "access_token"):
        got = lite.tokens()
        newest = lite.refresh(got["refresh_token"]).json()
        lite.live.clock.advance(3_000)
        newest = lite.refresh(newest["refresh_token"]).json()
        lite.live.clock.advance(1_000)
        assert _revoke(lite, got[kind]).status_code == 200
        refused(lite.refresh(newest["refresh_token"]))


def test_a_revocation_that_cannot_be_kept_is_not_answered_as_done(lite: Holders) -> None:
    """V-05: 503 and when to try again, never 200."""
    got = lite.tokens()
    lite.live.server.database.engines.dispose()
    lite.live.server.database.engines = open_engines("sqlite:////nowhere/at/all.sqlite")
    answer = _revoke(lite, got["refresh_token"])

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_who_revokes_without_authentication_is_refused(lite: Holders) -> None:
    """V-06."""
    web = lite.web()
    token = lite.tokens(app=web)["refresh_token"]
    for body in ({}, {"client_id": web.client_id}, {"client_id": "0" * 32}):
        refused(lite.post(body | {"token": token}, "/oauth/revoke"), "invalid_client", 401)
    assert lite.refresh(token, web).status_code == 200


def test_a_machines_token_is_not_said_to_be_revoked_when_it_is_not(lite: Holders) -> None:
    """RFC 7009 §2.2.1."""
    alder = lite.live.world.alder
    proof = {"client_id": alder.client_id, "client_secret": alder.secret}

    refused(lite.post({**proof, "token": lite.live.token(alder)}, "/oauth/revoke"), "unsupported_token_type")
