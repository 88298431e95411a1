"""Guessing through aliases: one request asks for few things, and each of them counts."""

import json

from sqlalchemy import text

from rxauth.api.limits import ALIASES_LIMIT
from tests.live import Live
from tests.world import StandingClock, World


def guesses(count: int, field: str = "patient") -> str:
    """Returns a document that asks for many identifiers at once."""
    return "{ " + " ".join(f'a{number}: {field}(id: "guess-{number}") {{ id }}' for number in range(count)) + " }"


def test_a_request_guesses_no_more_identifiers_than_it_may_have_aliases(sqlite_live: Live) -> None:
    token = sqlite_live.token(sqlite_live.world.alder)

    allowed = sqlite_live.data(token, guesses(ALIASES_LIMIT))
    refused = sqlite_live.graphql(token, guesses(ALIASES_LIMIT + 1)).json()

    assert set(allowed.values()) == {None}
    assert "data" not in refused
    assert refused["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_each_alias_that_is_refused_is_counted_as_an_attempt(world: World) -> None:
    live = Live(world, StandingClock())
    token = live.token(world.alder, scope="read:patient")
    live.graphql(token, guesses(10, "order"))
    live.graphql(token, guesses(3, "order"))
    live.stop()

    database = world.open()
    rows = database.read(lambda tx: tx.connection.execute(text("SELECT entry FROM audit_outbox")).scalars().all())
    database.close()

    entries = [json.loads(bytes(row)) for row in rows]
    refused = [entry for entry in entries if entry["event"] == "request.refused"]
    assert {entry["reason"] for entry in refused} == {"needs read:order"}
    assert {entry["actor"]["id"] for entry in refused} == {world.alder.client_id}
    assert sum(entry["count"] for entry in refused) == 13
    assert len(refused) == 2
