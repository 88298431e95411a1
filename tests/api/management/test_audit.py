"""Query.auditEntries: an organization reads its own part of the numbered log, and nobody else's."""

from typing import Any

import pytest

from rxauth.domain import audit, audit_search
from rxauth.domain.audit import OPERATOR, Act, Event
from rxauth.policy.roles import Role
from tests.api.answers import code, every_page, the_error
from tests.api.management.sign_ins import number, token
from tests.live import Live
from tests.token_holders import Holders

DOCUMENT = """query($event: String, $target: ID, $after: ID, $first: Int) {
  auditEntries(event: $event, target: $target, after: $after, first: $first) {
    entries { id seq at event outcome actorKind actorId target reason network requestId count details { name value } }
    next
  }
}"""


def record(live: Live, times: int, organization_id: str | None, event: Event = Event.CLIENT_CREATED) -> None:
    """Records acts, and numbers them."""

    def work(transaction: Any) -> None:
        for place in range(times):
            live.clock.advance(0.001)
            act = Act(event, OPERATOR, organization_id, f"target-{place}", details={"exp": 5, "client_id": "a"})
            audit.record(transaction, act, live.clock.microseconds())

    live.server.database.write(work)
    number(live)


def auditor(live: Live) -> str:
    """Returns the token of an administrator."""
    holders = Holders(live)
    return token(holders, holders.person(Role.ADMINISTRATOR))


def read(live: Live, reader: str, **variables: Any) -> Any:
    """Returns a page."""
    return live.data(reader, DOCUMENT, variables)["auditEntries"]


def test_an_entry_says_what_the_log_has_of_it(live: Live) -> None:
    reader = auditor(live)
    record(live, 1, live.world.alder.organization_id)

    (entry,) = read(live, reader, event="client.created")["entries"]

    assert int(entry.pop("seq")) > 1
    assert len(entry.pop("id")) == 26
    assert entry == {
        "at": "2026-11-23T12:00:00.001Z",
        "event": "client.created",
        "outcome": "success",
        "actorKind": "operator",
        "actorId": None,
        "target": "target-0",
        "reason": None,
        "network": None,
        "requestId": None,
        "count": 1,
        "details": [{"name": "client_id", "value": "a"}, {"name": "exp", "value": "5"}],
    }


def test_another_organizations_entries_and_the_installations_are_not_shown(live: Live) -> None:
    reader = auditor(live)
    for organization_id in (live.world.birch.organization_id, None):
        record(live, 1, organization_id)

    assert read(live, reader, event="client.created") == {"entries": [], "next": None}
    assert read(live, reader, target="target-0") == {"entries": [], "next": None}


def test_what_is_not_numbered_yet_is_not_shown(sqlite_live: Live) -> None:
    reader = auditor(sqlite_live)
    act = Act(Event.CLIENT_CREATED, OPERATOR, sqlite_live.world.alder.organization_id)
    sqlite_live.server.database.write(lambda tx: audit.record(tx, act, sqlite_live.clock.microseconds()))

    assert read(sqlite_live, reader, event="client.created")["entries"] == []
    number(sqlite_live)
    assert len(read(sqlite_live, reader, event="client.created")["entries"]) == 1


@pytest.mark.parametrize("searched", [2_000, 4], ids=["all at once", "bit by bit"])
@pytest.mark.parametrize("wanted", [{}, {"event": "client.created"}], ids=["any", "one event"])
def test_pages_show_every_entry_once_newest_first(
    sqlite_live: Live, monkeypatch: pytest.MonkeyPatch, searched: int, wanted: dict[str, str]
) -> None:
    monkeypatch.setattr(audit_search, "SEARCHED", searched)
    reader = auditor(sqlite_live)
    for event in (Event.CLIENT_CREATED, Event.SECRET_CREATED):
        record(sqlite_live, 7, sqlite_live.world.alder.organization_id, event)
    after: list[str | None] = [None]

    def fetch(_shown: list[str]) -> list[str]:
        while after[-1] is not None or len(after) == 1:
            page = read(sqlite_live, reader, after=after[-1], first=3, **wanted)
            after.append(page["next"])
            if page["entries"]:
                return [one["seq"] for one in page["entries"]]
        return []

    shown = [int(seq) for seq in every_page(fetch)]
    assert shown == sorted(set(shown), reverse=True)
    assert len(shown) == (7 if wanted else len(read(sqlite_live, reader, first=100)["entries"]))


def test_an_event_that_there_is_not_is_an_error(sqlite_live: Live) -> None:
    answer = sqlite_live.graphql(auditor(sqlite_live), DOCUMENT, {"event": "client.exploded"})
    assert code(answer) == "BAD_USER_INPUT"


def test_who_may_not_read_the_log_reads_nothing_of_it(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    tokens = [token(holders, holders.person(role)) for role in Role if role is not Role.ADMINISTRATOR]
    for one in [*tokens, sqlite_live.token(sqlite_live.world.alder)]:
        error = the_error(sqlite_live.graphql(one, DOCUMENT))
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["extensions"]["requiredPermission"] == "read:audit"
