"""Attacks on refresh tokens (threats R-01 to R-12, and R-07 and R-08 for what ends meanwhile)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rxauth.domain import clients, memberships, sessions, token_families, users
from rxauth.domain.token_families import Refusal
from rxauth.policy.roles import Role
from rxauth.storage.database import Database
from tests.live import Live, decode, process
from tests.security.forging import READ, accepted
from tests.token_holders import Holders, refused
from tests.world import NOW, StandingClock, World

UNKNOWN = "Unknown or invalid refresh token."


@pytest.fixture
def holders(live: Live) -> Holders:
    """Clients and people on each engine."""
    return Holders(live)


@pytest.fixture
def lite(sqlite_live: Live) -> Holders:
    """Clients and people, for what does not depend on the engine."""
    return Holders(sqlite_live)


def _next(holders: Holders, token: str) -> str:
    answer = holders.refresh(token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


def test_a_rotated_token_that_comes_again_ends_the_whole_family(holders: Holders) -> None:
    """R-01."""
    got = holders.tokens()
    first = got["refresh_token"]
    newest = _next(holders, first)
    holders.live.clock.advance(token_families.RETRY_S + 1)

    assert refused(holders.refresh(first)) == UNKNOWN

    assert refused(holders.refresh(newest)) == UNKNOWN
    assert holders.live.graphql(got["access_token"], READ).status_code == 401


def test_refreshes_at_once_all_get_the_one_successor(holders: Holders) -> None:
    """R-02: several tabs of one client."""
    token = holders.tokens()["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: holders.refresh(token), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_a_rotation_that_waits_for_another_to_commit_gets_the_same_successor(holders: Holders) -> None:
    """R-02: the race is held open, the second looks at the family while the first has changed it and not committed."""
    token, other = holders.tokens()["refresh_token"], holders.live.world.open()
    key = holders.live.world.settings.sealing_key
    outcome: list[Any] = []

    def rotate(database: Database, hold: Callable[[], None]) -> Any:
        def work(tx: Any) -> Any:
            rotated = token_families.rotate(tx, token, key, NOW)
            hold()
            return rotated

        return database.write(work)

    thread = threading.Thread(target=lambda: outcome.append(rotate(other, lambda: None)))

    def hold() -> None:
        if not thread.is_alive():
            thread.start()
        thread.join(0.3)
        assert thread.is_alive()

    first = rotate(holders.live.server.database, hold)
    thread.join()
    other.close()

    assert not isinstance(first, Refusal)
    assert outcome[0] == first
    assert holders.refresh(first[1]).status_code == 200


def test_a_family_that_was_ended_on_purpose_stays_ended_within_the_time_for_retries(holders: Holders) -> None:
    """R-03."""
    token = holders.tokens()["refresh_token"]
    newest = _next(holders, token)
    assert holders.post({**holders.spa.credentials, "token": newest}, "/oauth/revoke").status_code == 200
    holders.live.clock.advance(1)

    assert refused(holders.refresh(token)) == UNKNOWN
    assert refused(holders.refresh(newest)) == UNKNOWN


def test_the_token_before_the_last_is_reuse_even_at_once(holders: Holders) -> None:
    """R-03: generations do not pile up."""
    first = holders.tokens()["refresh_token"]
    newest = _next(holders, _next(holders, first))

    assert refused(holders.refresh(first)) == UNKNOWN
    assert refused(holders.refresh(newest)) == UNKNOWN


@pytest.mark.parametrize(("after_s", "status"), [(0, 200), (10, 200), (11, 400)])
def test_a_retry_after_a_lost_answer_gets_the_same_successor_for_ten_seconds(
    lite: Holders, after_s: int, status: int
) -> None:
    """R-12."""
    token = lite.tokens()["refresh_token"]
    lost = _next(lite, token)
    lite.live.clock.advance(after_s)
    again = lite.refresh(token)

    assert again.status_code == status
    assert again.json().get("refresh_token") == (lost if status == 200 else None)


def _scope(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.text
    return set(answer.json()["scope"].split())


def test_a_wider_scope_is_refused_and_a_narrower_one_given(lite: Holders) -> None:
    """R-04; a refusal leaves the token as it was."""
    got = lite.tokens(lite.person(Role.MEDICAL_OPERATIONS), scope="openid offline_access read:patient read:order")
    assert set(got["scope"].split()) == {"openid", "offline_access", "read:patient", "read:order"}
    token = got["refresh_token"]
    for wider in ("write:patient", "openid profile", "openid read:patient write:order", "admin"):
        refused(lite.refresh(token, scope=wider), "invalid_scope")

    narrow = lite.refresh(token, scope="openid read:patient")
    assert _scope(narrow) == {"openid", "read:patient"}
    assert decode(narrow.json()["access_token"])[1]["permissions"] == ["read:patient"]
    without = lite.refresh(narrow.json()["refresh_token"], scope="openid")
    assert decode(without.json()["access_token"])[1]["permissions"] == []
    whole = lite.refresh(without.json()["refresh_token"])
    assert _scope(whole) == set(got["scope"].split())


def test_another_audience_is_refused(lite: Holders) -> None:
    """R-04."""
    token = lite.tokens()["refresh_token"]
    refused(lite.refresh(token, resource="https://other.example.com"), "invalid_target")
    refused(lite.refresh(token, audience="https://other.example.com"), "invalid_target")
    assert lite.refresh(token, audience=lite.live.world.settings.audience).status_code == 200


def test_a_token_of_another_client_is_refused_and_stays_good_for_its_owner(holders: Holders) -> None:
    """R-05."""
    token, thief = holders.tokens()["refresh_token"], holders.app("Another App")

    assert refused(holders.refresh(token, thief)) == UNKNOWN
    assert holders.refresh(token).status_code == 200


def test_a_confidential_client_that_does_not_authenticate_is_refused(lite: Holders) -> None:
    """R-06."""
    web = lite.web()
    token = lite.tokens(app=web)["refresh_token"]
    for proof in ({}, {"client_secret": lite.live.world.alder.secret}, {"client_secret": "x"}):
        asked = {"grant_type": "refresh_token", "refresh_token": token, "client_id": web.client_id}
        refused(lite.post(asked | proof), "invalid_client", 401)

    assert lite.refresh(token, web).status_code == 200


def test_a_public_client_that_sends_a_secret_is_refused(lite: Holders) -> None:
    """It has none, so whatever it sends is not its own."""
    got = lite.tokens()
    refused(lite.refresh(got["refresh_token"], client_secret=lite.live.world.alder.secret), "invalid_client", 401)


ENDED: dict[str, Callable[[Any, Holders, str, str], Any]] = {
    "logout": lambda tx, _holders, user_id, session_id: sessions.end(tx, session_id, user_id, NOW),
    "change of password": lambda tx, _holders, user_id, _session: sessions.end_all(tx, user_id, NOW),
    "everything revoked": lambda tx, _holders, user_id, _session: users.revoke_everything(tx, user_id, NOW + 1),
    "person disabled": lambda tx, _holders, user_id, _session: users.disable(tx, user_id, NOW),
    "membership ended": lambda tx, holders, user_id, _s: memberships.remove(tx, holders.organization_id, user_id, NOW),
    "consent withdrawn": lambda tx, holders, user_id, _session: token_families.revoke_of_client(
        tx, user_id, holders.spa.client_id, NOW
    ),
    "client's tokens revoked": lambda tx, holders, _u, _s: clients.revoke_tokens(tx, holders.spa.client_id, NOW),
}


@pytest.mark.parametrize("ended", ENDED)
def test_what_the_authorization_rests_on_ends_it(holders: Holders, ended: str) -> None:
    """R-07: the refresh token at once, and the access token at its next use."""
    session, _ = holders.session(holders.person())
    got = holders.redeemed(holders.code(session))
    assert accepted(holders.live.graphql(got["access_token"], READ))
    holders.write(lambda tx: ENDED[ended](tx, holders, session.user_id, session.id))

    assert refused(holders.refresh(got["refresh_token"])) == UNKNOWN
    assert holders.live.graphql(got["access_token"], READ).status_code == 401


def test_a_lost_role_is_not_in_the_next_token(holders: Holders) -> None:
    """R-08; of the authority by itself, see the tests of authorities."""
    user_id = holders.provider()
    got = holders.tokens(user_id)
    assert {"write:order", "write:prescription"} <= set(got["scope"].split())
    holders.write(lambda tx: memberships.set_roles(tx, holders.organization_id, user_id, [Role.SUPPORT], NOW))

    renewed = holders.refresh(got["refresh_token"]).json()
    permissions = decode(renewed["access_token"])[1]["permissions"]
    assert "read:order" in permissions
    assert {"write:order", "write:prescription"}.isdisjoint(permissions)


def test_activity_keeps_a_session_alive_and_never_past_its_lifetime(lite: Holders) -> None:
    """R-09: idle 1 h, in all 24 h."""
    got = lite.tokens()
    for _ in range(24):
        lite.live.clock.advance(3_599)
        answer = lite.refresh(got["refresh_token"])
        assert answer.status_code == 200
        got = answer.json()
    assert got["expires_in"] == 24  # 86,400 s less 24 * 3,599 s: no token outlives its session
    lite.live.clock.advance(24)

    assert refused(lite.refresh(got["refresh_token"])) == UNKNOWN
    assert lite.live.graphql(got["access_token"], READ).status_code == 401


def test_a_session_without_activity_ends(lite: Holders) -> None:
    """R-09."""
    token = lite.tokens()["refresh_token"]
    lite.live.clock.advance(3_600)

    assert refused(lite.refresh(token)) == UNKNOWN


def test_an_organization_may_set_stricter_limits(lite: Holders) -> None:
    """R-09."""
    lite.write(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE organizations SET session_idle_s = 600, session_lifetime_s = 900"
        )
    )
    got = lite.tokens()
    assert got["expires_in"] == 600
    lite.live.clock.advance(599)
    renewed = lite.refresh(got["refresh_token"]).json()
    assert renewed["expires_in"] == 301
    lite.live.clock.advance(301)
    refused(lite.refresh(renewed["refresh_token"]))


def test_a_refresh_keeps_who_signed_in_and_says_so_again(lite: Holders) -> None:
    """The published clients demand an ID token each time; it has no nonce (OpenID Connect Core §12.2)."""
    got = lite.tokens()
    renewed = lite.refresh(got["refresh_token"]).json()
    before, after = (decode(one["id_token"])[1] for one in (got, renewed))

    for claim in ("iss", "sub", "aud", "azp", "auth_time", "sid", "org_id", "name", "email"):
        assert before[claim] == after[claim]
    assert "nonce" not in after


def test_a_token_that_was_revoked_right_before_a_crash_stays_revoked(world: World) -> None:
    """R-10: the answer to the revocation leaves after its commit is durable."""
    live = Live(world, StandingClock())
    try:
        got = Holders(live)
        tokens = got.tokens()
    finally:
        live.stop()
    with process(world.settings) as first:
        asked = {**got.spa.credentials, "token": tokens["refresh_token"]}
        assert first.http.post("/oauth/revoke", data=asked).status_code == 200
        first.kill()
    with process(world.settings) as second:
        body = {**got.spa.credentials, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert refused(second.http.post("/oauth/token", data=body)) == UNKNOWN
