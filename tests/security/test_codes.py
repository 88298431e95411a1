"""Attacks on authorization codes at the token endpoint (threats C-01 to C-14)."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rxauth.domain import authorization_codes, clients, memberships, organizations, sessions, users
from rxauth.domain.errors import InvalidError
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from tests.conftest import make_world
from tests.live import Live, decode
from tests.security.forging import READ, accepted
from tests.token_holders import CALLBACK, Holders, Waiting, refused
from tests.world import NOW, StandingClock, Template


@pytest.fixture
def holders(live: Live) -> Holders:
    """Clients and people on each engine."""
    return Holders(live)


@pytest.fixture(scope="module")
def shared(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holders]:
    """Clients and people of a server that no attack may change."""
    live = Live(make_world("sqlite", templates, tmp_path_factory), StandingClock())
    yield Holders(live)
    live.stop()


def _code(holders: Holders, **changes: Any) -> Waiting:
    session, _ = holders.session(holders.person())
    return holders.code(session, **changes)


def test_a_replayed_code_is_refused_and_ends_the_tokens_of_its_first_use(holders: Holders) -> None:
    """C-01."""
    code = _code(holders)
    first = holders.redeemed(code)
    assert accepted(holders.live.graphql(first["access_token"], READ))

    refused(holders.post(code.request()))

    assert holders.live.graphql(first["access_token"], READ).status_code == 401
    refused(holders.refresh(first["refresh_token"]))


def test_of_many_redemptions_at_once_exactly_one_succeeds(holders: Holders) -> None:
    """C-02: its tokens are then revoked, because one of the others may have been the client."""
    code = _code(holders)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: holders.post(code.request()), range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert holders.live.graphql(won["access_token"], READ).status_code == 401


def test_a_redemption_that_waits_for_another_to_commit_does_not_succeed_too(holders: Holders) -> None:
    """C-02: the race is held open, the second looks at the code while the first has used it and not committed."""
    code, second = _code(holders), holders.live.world.open()
    outcome: list[authorization_codes.Code | None] = []
    thread = threading.Thread(
        target=lambda: outcome.append(second.write(lambda tx: authorization_codes.spend(tx, code.text, NOW)))
    )

    def hold(transaction: Any) -> authorization_codes.Code | None:
        found = authorization_codes.spend(transaction, code.text, NOW)
        if not thread.is_alive():
            thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        return found

    first = holders.live.server.database.write(hold)
    thread.join()
    second.close()

    assert first is not None
    assert first.is_first_use
    assert outcome[0] is not None
    assert not outcome[0].is_first_use


@pytest.mark.parametrize(("after_s", "status"), [(59, 200), (60, 400), (61, 400)])
def test_a_code_older_than_a_minute_is_refused(holders: Holders, after_s: int, status: int) -> None:
    """C-03."""
    code = _code(holders)
    holders.live.clock.advance(after_s)

    assert holders.post(code.request()).status_code == status


WRONG: dict[str, dict[str, str | None]] = {
    "a redirect_uri with one byte more": {"redirect_uri": CALLBACK + "/"},
    "a redirect_uri in another case": {"redirect_uri": CALLBACK.replace("callback", "Callback")},
    "a redirect_uri with a query": {"redirect_uri": CALLBACK + "?a=b"},
    "no redirect_uri": {"redirect_uri": None},
    "another verifier": {"code_verifier": "a" * 43},
    "no verifier": {"code_verifier": None},
    "a verifier that is too short": {"code_verifier": "a" * 42},
    "a verifier that is too long": {"code_verifier": "a" * 129},
    "a verifier with a space": {"code_verifier": "a" * 42 + " b"},
    "a verifier with a plus": {"code_verifier": "a" * 42 + "+b"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_the_authorization_is_refused_and_burns_the_code(shared: Holders, wrong: str) -> None:
    """C-05, C-06, C-07."""
    code = _code(shared)

    refused(shared.post(code.request(**WRONG[wrong])))
    refused(shared.post(code.request()))


def test_a_code_of_one_client_is_refused_to_another_and_burned(shared: Holders) -> None:
    """C-04."""
    code, thief = _code(shared), shared.app("Another App")

    refused(shared.post(code.request(**thief.credentials)))
    refused(shared.post(code.request()))


def test_a_code_without_a_challenge_cannot_be_redeemed_at_all(shared: Holders) -> None:
    """C-08: it cannot come about at /authorize; if it did, no verifier fits it."""
    code = _code(shared, code_challenge="")

    refused(shared.post(code.request(code_verifier="")))
    refused(shared.post(_code(shared, code_challenge="  ").request()))


ENDED: dict[str, Callable[[Any, Holders, str, str], Any]] = {
    "the person is disabled": lambda tx, _holders, user_id, _session_id: users.disable(tx, user_id, NOW),
    "everything of the person is revoked": lambda tx, _h, user_id, _s: users.revoke_everything(tx, user_id, NOW + 1),
    "the session is ended": lambda tx, _h, user_id, session_id: sessions.end(tx, session_id, user_id, NOW),
    "every session is ended": lambda tx, _h, user_id, _s: sessions.end_all(tx, user_id, NOW),
    "the membership ends": lambda tx, holders, user_id, _s: memberships.remove(
        tx, holders.organization_id, user_id, NOW
    ),
    "the client's tokens are revoked": lambda tx, holders, _u, _s: clients.revoke_tokens(
        tx, holders.spa.client_id, NOW
    ),
}


@pytest.mark.parametrize("ended", ENDED)
def test_what_ends_between_authorization_and_token_gives_no_token(holders: Holders, ended: str) -> None:
    """C-09."""
    session, _ = holders.session(holders.person())
    code = holders.code(session)
    holders.write(lambda tx: ENDED[ended](tx, holders, session.user_id, session.id))

    refused(holders.post(code.request()))


@pytest.mark.parametrize(
    ("end", "error", "status"),
    [
        (lambda tx, holders: clients.disable(tx, holders.spa.client_id, NOW), "invalid_client", 401),
        (lambda tx, holders: organizations.disable(tx, holders.organization_id, NOW), "invalid_client", 401),
    ],
    ids=["client", "organization"],
)
def test_a_disabled_client_or_organization_is_refused_in_every_grant(
    holders: Holders, end: Callable[[Any, Holders], None], error: str, status: int
) -> None:
    """M-23: the matrix of statuses and grants; the machine's grant is tested beside its own."""
    session, _ = holders.session(holders.person())
    refresh_token = holders.redeemed(holders.code(session))["refresh_token"]
    code = holders.code(session)
    holders.write(lambda tx: end(tx, holders))

    refused(holders.post(code.request()), error, status)
    refused(holders.refresh(refresh_token), error, status)


def test_a_role_that_ends_between_authorization_and_token_is_not_in_the_token(holders: Holders) -> None:
    """C-10."""
    session, _ = holders.session(holders.provider())
    code = holders.code(session)
    holders.write(lambda tx: memberships.set_roles(tx, holders.organization_id, session.user_id, [Role.SUPPORT], NOW))

    permissions = decode(holders.redeemed(code)["access_token"])[1]["permissions"]
    assert "write:patient" not in permissions
    assert "write:prescription" not in permissions


@pytest.mark.parametrize("field", ["code", "refresh_token"])
def test_no_other_value_stands_in_for_a_code_or_a_refresh_token(shared: Holders, field: str) -> None:
    """C-11, R-11, C-12: every kind of value at both grants, and texts that no code has."""
    session, handle = shared.session(shared.person())
    got = shared.redeemed(shared.code(session))
    others = {
        "code": _code(shared).text,
        "refresh_token": got["refresh_token"],
        "access_token": got["access_token"],
        "id_token": got["id_token"],
        "cookie": handle,
        "session": session.id,
        "secret": shared.live.world.alder.secret,
        "urn": "urn:ietf:params:oauth:request_uri:" + "a" * 43,
        "family": new_id(Kind.FAMILY, NOW * 1000),
        "injection": "' OR 1=1 --",
        "nul": "a\x00b",
        "unicode": "é" * 43,
        "half a pair": "\ud800",
        "refresh token of nobody": "rxr_" + "0" * 26 + ".0." + "A" * 43,
        "refresh token of no number": "rxr_" + "0" * 26 + ".x." + "A" * 43,
    }
    grant = "authorization_code" if field == "code" else field
    body = _code(shared).request() | {"grant_type": grant}
    for name, value in others.items():
        if name != field:
            content = json.dumps(body | {field: value})
            headers = {"content-type": "application/json"}
            refused(shared.live.http.post("/oauth/token", content=content, headers=headers))


def test_the_database_holds_no_code_that_could_be_used(shared: Holders) -> None:
    """C-12: 256 random bits, and their digest alone is kept."""
    code = _code(shared)
    rows = shared.live.server.database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT * FROM authorization_codes").all()
    )

    assert len(code.text) == 43
    assert all(code.text not in str(row) and code.text.encode() not in bytes(row.digest) for row in rows)


def test_a_challenge_is_not_taken_twice(shared: Holders) -> None:
    """C-14."""
    code = _code(shared)
    session, _ = shared.session(shared.person())

    with pytest.raises(InvalidError, match="used before"):
        shared.code(session, code_challenge=code.challenge)


def test_a_code_stands_in_no_line_of_the_log_and_in_no_record(
    shared: Holders, capfd: pytest.CaptureFixture[str]
) -> None:
    """C-13."""
    code = _code(shared)
    got = shared.redeemed(code)
    refused(shared.post(code.request()))
    captured = capfd.readouterr()
    rows = shared.live.server.database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT entry FROM audit_outbox").all()
    )

    written = captured.out + captured.err + "".join(bytes(row.entry).decode() for row in rows)
    for secret in (code.text, code.verifier, got["access_token"], got["refresh_token"], got["id_token"]):
        assert secret not in written


@pytest.mark.parametrize("form", ["form", "json"])
def test_unknown_parameters_are_ignored_and_both_bodies_are_read(shared: Holders, form: str) -> None:
    """The published clients send organization and connection along after the iframe's flow."""
    body = _code(shared).request(organization="org_x", connection="y", foo="bar")
    post = shared.live.http.post

    answer = post("/oauth/token", data=body) if form == "form" else post("/oauth/token", json=body)
    assert answer.status_code == 200
