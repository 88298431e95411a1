"""An act that wants to be surer of who is there than the token can make it (RFC 9470)."""

from dataclasses import replace
from typing import Any

import pytest

from rxauth.api.clinical import BINDING
from rxauth.api.execute import Api
from rxauth.api.schema import build, read_contract
from rxauth.policy.assurance import AAL1, AAL2, Authentication, Wanted
from rxauth.policy.roles import Role
from tests.live import Live
from tests.token_holders import Holders
from tests.world import NOW

WANTED = Wanted(AAL2, 300)
QUERY = "{ patients { id } }"


def _demanding(live: Live) -> Api:
    """Returns the API, with one field that asks for a fresh second factor."""
    plain = BINDING.resolvers["Query"]["patients"]

    def patients(source: Any, info: Any, **arguments: Any) -> Any:
        info.context.require_authentication(WANTED)
        return plain(source, info, **arguments)

    query = {**BINDING.resolvers["Query"], "patients": patients}
    binding = replace(BINDING, resolvers={**BINDING.resolvers, "Query": query})
    return Api(build(read_contract("clinical.graphql"), binding), live.server.database, live.server.clock)


def test_an_old_or_a_weak_sign_in_is_told_how_to_sign_in_again(sqlite_live: Live) -> None:
    """B-05, in the words of each media type."""
    sqlite_live.edge.api = _demanding(sqlite_live)
    holders = Holders(sqlite_live)
    token = holders.tokens(holders.person(Role.STAFF))["access_token"]

    answer = sqlite_live.graphql(token, QUERY)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"] == {
        "code": "INSUFFICIENT_USER_AUTHENTICATION",
        "acr_values": "aal2",
        "max_age": 300,
    }
    modern = sqlite_live.graphql(token, QUERY, accept="application/graphql-response+json")
    assert modern.status_code == 401
    challenge = modern.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert challenge.endswith(', acr_values="aal2", max_age=300')


def test_a_fresh_second_factor_opens_the_field_until_it_is_too_old(sqlite_live: Live) -> None:
    sqlite_live.edge.api = _demanding(sqlite_live)
    holders = Holders(sqlite_live)
    session, _ = holders.session(holders.person(Role.STAFF), ("pwd", "otp"))
    token = holders.redeemed(holders.code(session))["access_token"]
    assert sqlite_live.data(token, QUERY)["patients"]
    sqlite_live.clock.advance(301)
    assert "errors" in sqlite_live.graphql(token, QUERY).json()


def test_a_machine_cannot_step_up(sqlite_live: Live) -> None:
    sqlite_live.edge.api = _demanding(sqlite_live)
    answer = sqlite_live.graphql(sqlite_live.token(sqlite_live.world.alder), QUERY)
    assert answer.json()["errors"][0]["extensions"]["code"] == "INSUFFICIENT_USER_AUTHENTICATION"


@pytest.mark.parametrize(
    ("proven", "is_met"),
    [
        (Authentication(AAL2, NOW), True),
        (Authentication(AAL2, NOW - 300), True),
        (Authentication(AAL2, NOW - 301), False),
        (Authentication(AAL1, NOW), False),
        (None, False),
    ],
    ids=["fresh", "at the limit", "too old", "too weak", "a machine"],
)
def test_a_proof_must_be_sure_enough_and_fresh_enough(proven: Authentication | None, is_met: bool) -> None:
    assert WANTED.is_met(proven, NOW) is is_met
