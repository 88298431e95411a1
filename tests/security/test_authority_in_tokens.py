"""Authority in the tokens of people: who gets write:prescription, who loses it, and how fast it bites everywhere."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from rxauth.api.execute import Api
from rxauth.api.schema import Binding, build
from rxauth.domain import memberships, provider_acts
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from tests import providers
from tests.live import Live, challenge_attributes, decode
from tests.providers import OPERATOR
from tests.token_holders import Holders
from tests.world import NOW

WRITE = "write:prescription"
MODERN = "application/graphql-response+json"
CONTRACT = """
directive @requires(anyOf: [String!]!) on FIELD_DEFINITION
directive @requiresOrganization on FIELD_DEFINITION
directive @guarded on OBJECT
type Query {
  prescribe: String @requires(anyOf: ["write:prescription"])
  read: String @requires(anyOf: ["read:prescription"])
}
"""
LAPSED = Licence("NY", "123456", LicenceStatus.ACTIVE, datetime.date(2026, 11, 1))
Act = Callable[[Any, str, str], Any]


@dataclasses.dataclass(frozen=True)
class End:
    """What takes write:prescription away, what the guard says of it, and whether the role goes on giving the rest."""

    act: Act
    code: str
    says: str
    reads: bool = True


def _suspend(tx: Any, organization_id: str, user_id: str) -> None:
    provider_acts.suspend(tx, organization_id, user_id, "board_action", doer=OPERATOR, now=NOW)


def _revoke(tx: Any, organization_id: str, user_id: str) -> None:
    provider_acts.revoke(tx, organization_id, user_id, "requested", doer=OPERATOR, now=NOW)


def _limit(tx: Any, organization_id: str, user_id: str) -> None:
    licence = ("NY", "123456")
    provider_acts.limit(tx, organization_id, user_id, licence, "surrendered", doer=OPERATOR, now=NOW)


def _take_role(tx: Any, organization_id: str, user_id: str) -> None:
    memberships.set_roles(tx, organization_id, user_id, [Role.STAFF], NOW)


ENDS = {
    "suspended": End(_suspend, "authority_suspended", "this provider's authority is suspended: board_action"),
    "revoked": End(_revoke, "authority_revoked", "this provider's authority is revoked: requested", reads=False),
    "licence surrendered": End(_limit, "licence_lapsed", "licence NY 123456 is surrendered"),
    "role taken": End(_take_role, "role_missing", "none of this person's roles has it"),
}


def _probe(live: Live) -> None:
    """Serves a contract with one field that asks for write:prescription, and one that any clinical role opens."""
    resolvers = {"prescribe": lambda _source, _info: "done", "read": lambda _source, _info: "seen"}
    live.edge.api = Api(build(CONTRACT, Binding({"Query": resolvers}, {}, {}, str)), live.server.database, live.clock)


def _holders(live: Live) -> Holders:
    _probe(live)
    return Holders(live)


@pytest.fixture
def holders(live: Live) -> Holders:
    """The probe on each engine."""
    return _holders(live)


@pytest.fixture
def lite(sqlite_live: Live) -> Holders:
    """The probe, for what does not depend on the engine."""
    return _holders(sqlite_live)


def _permissions(content: dict[str, Any]) -> list[str]:
    return list(decode(content["access_token"])[1]["permissions"])


def _prescribe(live: Live, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = live.graphql(token, "{ prescribe }").json()
    return answer


def _why(live: Live, token: str) -> tuple[str, str]:
    """Checks that a token does not prescribe; returns the code and the message."""
    answer = _prescribe(live, token)
    [error] = answer["errors"]
    assert answer["data"] == {"prescribe": None}
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["requiredPermission"] == WRITE
    return error["extensions"]["reason"], error["message"]


def test_an_authorized_provider_gets_it_and_keeps_it_over_a_refresh(holders: Holders) -> None:
    got = holders.tokens(holders.provider())
    renewed = holders.refresh(got["refresh_token"]).json()

    for content in (got, renewed):
        assert WRITE in _permissions(content)
        assert _prescribe(holders.live, content["access_token"])["data"] == {"prescribe": "done"}


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_between_the_authorization_and_the_token_is_not_in_the_token(holders: Holders, end: str) -> None:
    """C-10."""
    session, _ = holders.session(holders.provider())
    code = holders.code(session)
    holders.write(lambda tx: ENDS[end].act(tx, holders.organization_id, session.user_id))

    assert WRITE not in _permissions(holders.redeemed(code))


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_while_a_token_lives_bites_at_the_next_request_and_is_not_in_the_next_token(
    holders: Holders, end: str
) -> None:
    """J-19 and R-08: refused at once, with the reason; what the other permissions open stays open."""
    user_id = holders.provider()
    got = holders.tokens(user_id)
    token = got["access_token"]
    assert _prescribe(holders.live, token)["data"] == {"prescribe": "done"}

    holders.write(lambda tx: ENDS[end].act(tx, holders.organization_id, user_id))

    assert _why(holders.live, token) == (ENDS[end].code, f"Needs {WRITE}: {ENDS[end].says}.")
    assert (holders.live.graphql(token, "{ read }").json()["data"] == {"read": "seen"}) == ENDS[end].reads
    renewed = holders.refresh(got["refresh_token"]).json()
    assert WRITE not in _permissions(renewed)
    assert WRITE not in renewed["scope"].split()


def test_whoever_leaves_is_refused_with_everything(holders: Holders) -> None:
    """J-19."""
    user_id = holders.provider()
    got = holders.tokens(user_id)
    holders.write(lambda tx: memberships.remove(tx, holders.organization_id, user_id, NOW))

    assert holders.live.graphql(got["access_token"], "{ prescribe }").status_code == 401
    assert holders.refresh(got["refresh_token"]).json()["error"] == "invalid_grant"


def test_authority_that_is_given_back_works_at_once_in_tokens_that_named_it(lite: Holders) -> None:
    user_id = lite.provider()
    got = lite.tokens(user_id)
    lite.write(lambda tx: _suspend(tx, lite.organization_id, user_id))
    without = lite.refresh(got["refresh_token"]).json()
    lite.write(lambda tx: providers.authorize(tx, lite.organization_id, user_id))

    assert _prescribe(lite.live, got["access_token"])["data"] == {"prescribe": "done"}
    assert _why(lite.live, without["access_token"])[0] == "not_in_token"
    assert WRITE in _permissions(lite.refresh(without["refresh_token"]).json())


def test_a_licence_ends_at_midnight_without_anybodys_doing(lite: Holders) -> None:
    """The day of 2026-11-23 is over in New York at 05:00 UTC; nothing is written, nothing runs."""
    today = Licence("NY", "123456", LicenceStatus.ACTIVE, datetime.date(2026, 11, 23))
    user_id = lite.provider(today)
    lite.live.clock.advance(today.ends_at - NOW - 1_800)
    got = lite.tokens(user_id)
    lite.live.clock.advance(1_799)
    assert _prescribe(lite.live, got["access_token"])["data"] == {"prescribe": "done"}
    lite.live.clock.advance(1)

    assert _why(lite.live, got["access_token"]) == (
        "licence_lapsed",
        f"Needs {WRITE}: licence NY 123456 expired on 2026-11-23.",
    )
    assert WRITE not in _permissions(lite.refresh(got["refresh_token"]).json())


NEVER: dict[str, Callable[[Holders], str]] = {
    "the role alone": lambda h: h.person(Role.PRESCRIBER),
    "every role": lambda h: h.person(*Role),
    "authority without the role": lambda h: h.provider(roles=tuple(set(Role) - {Role.PRESCRIBER})),
    "a lapsed licence": lambda h: h.provider(LAPSED),
}


@pytest.mark.parametrize("who", NEVER)
def test_nobody_else_gets_it_and_a_signed_token_that_names_it_opens_nothing(lite: Holders, who: str) -> None:
    """The token is signed with the server's own key."""
    session, _ = lite.session(NEVER[who](lite))
    content = lite.redeemed(lite.code(session))
    assert WRITE not in _permissions(content)
    assert WRITE not in _permissions(lite.redeemed(lite.code(session, scope=f"openid {WRITE}")))

    claims = decode(content["access_token"])[1]
    forged = lite.live.sign(claims | {"permissions": [WRITE], "scope": WRITE})
    _why(lite.live, forged)
    modern = lite.live.graphql(forged, "{ prescribe }", accept=MODERN)
    assert modern.status_code == 403
    assert challenge_attributes(modern)["error"] == "insufficient_scope"
    assert challenge_attributes(modern)["scope"] == WRITE


def test_another_api_that_asks_is_told_at_once_what_no_longer_holds(lite: Holders) -> None:
    """RFC 7662: introspection by the organization's own machine."""
    user_id, alder = lite.provider(), lite.live.world.alder
    token = lite.tokens(user_id)["access_token"]

    def told() -> dict[str, Any]:
        proof = {"client_id": alder.client_id, "client_secret": alder.secret}
        content: dict[str, Any] = lite.post({"token": token, **proof}, "/oauth/introspect").json()
        return content

    before = told()
    lite.write(lambda tx: _suspend(tx, lite.organization_id, user_id))
    after = told()

    assert before["active"]
    assert after["active"]
    assert [name for name in before["permissions"] if name not in after["permissions"]] == [WRITE]
    assert WRITE not in after["scope"].split()


def test_authority_holds_in_its_own_organization_alone(lite: Holders) -> None:
    birch = lite.live.world.birch.organization_id
    user_id = lite.provider()
    lite.write(lambda tx: memberships.add(tx, birch, user_id, [Role.PRESCRIBER], NOW))
    here, there = (_permissions(lite.tokens(user_id, organization_id=one)) for one in (lite.organization_id, birch))

    assert WRITE in here
    assert there == []


def test_a_machine_of_a_provider_s_organization_gets_nothing_of_it(lite: Holders) -> None:
    """J-18."""
    lite.provider()
    alder = lite.live.world.alder
    forged = lite.live.sign(lite.live.claims(alder, permissions=[WRITE], scope=WRITE))

    assert _why(lite.live, forged)[0] == "machine"
    assert lite.live.exchange(alder, scope=WRITE).json()["error"] == "invalid_scope"


def _asks(live: Live, statement: Callable[[], httpx.Response]) -> int:
    """Counts the statements that a request runs."""
    from sqlalchemy import event

    seen: list[str] = []
    engines = {live.server.database.engines.reader, live.server.database.engines.writer}
    note = lambda _c, _cursor, text, *_rest: seen.append(text)  # noqa: E731
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    statement()
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_a_request_of_somebody_who_is_remembered_reads_nothing_to_judge_the_authority(lite: Holders) -> None:
    token = lite.tokens(lite.provider())["access_token"]
    lite.live.server.feed.stop()
    _prescribe(lite.live, token)

    with_authority = _asks(lite.live, lambda: lite.live.graphql(token, "{ prescribe }"))
    machine = lite.live.token(lite.live.world.alder)
    lite.live.graphql(machine, "{ read }")
    assert with_authority == _asks(lite.live, lambda: lite.live.graphql(machine, "{ read }"))
