"""Query.auditEntries and auditEntry: an organization reads its own part of the numbered log, and nobody else's."""

import itertools
from typing import Any

import pytest
from sqlalchemy import text

from rxauth.api.scalars import format_datetime
from rxauth.domain import audit, audit_search, audit_verifications, memberships
from rxauth.domain.audit import OPERATOR, Act, Actor, Event
from rxauth.domain.audit_search import Wanted
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.paging import page
from rxauth.policy.roles import Role
from tests.api.answers import code, every_page, the_error
from tests.api.management.people import Clinic
from tests.api.management.sign_ins import number, token
from tests.api.measures import SCHEMA
from tests.live import Live
from tests.token_holders import Holders
from tests.world import NOW

FIELDS = """id seq at event outcome actorKind actorId actorName target targetName reason network requestId count
  details { name value }"""
DOCUMENT = f"""query(
  $event: String, $target: ID, $actorId: ID, $since: AWSDateTime, $until: AWSDateTime, $withoutTokens: Boolean,
  $after: ID, $first: Int
) {{
  auditEntries(
    event: $event, target: $target, actorId: $actorId, since: $since, until: $until, withoutTokens: $withoutTokens,
    after: $after, first: $first
  ) {{ entries {{ {FIELDS} }} next }}
}}"""
ONE = f"query($id: ID!) {{ auditEntry(id: $id) {{ {FIELDS} }} }}"
VERIFICATION = """{ auditVerification {
  entries verifiedAt verifiedEntries problems isWhole checkpoint { size at note } verifiedCheckpoint { size at }
} }"""


def record(live: Live, times: int, organization_id: str | None, event: Event = Event.CLIENT_CREATED) -> None:
    """Records acts, and numbers them."""

    def work(transaction: Any) -> None:
        for place in range(times):
            live.clock.advance(0.001)
            act = Act(event, OPERATOR, organization_id, f"target-{place}", details={"exp": 5, "client_id": "a"})
            audit.record(transaction, act, live.clock.microseconds())

    live.server.database.write(work)
    number(live)


def auditor(live: Live, organization_id: str | None = None) -> str:
    """Returns the token of an administrator, of Alder Clinic or another organization."""
    holders = Holders(live, organization_id)
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
        "actorName": None,
        "target": "target-0",
        "targetName": None,
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

    for wanted in (
        {"event": "client.created"},
        {"target": "target-0"},
        {"event": "client.created", "target": "target-0"},
    ):
        assert read(live, reader, **wanted) == {"entries": [], "next": None}
    record(live, 1, live.world.alder.organization_id)
    found = read(live, reader, event="client.created")["entries"]
    other = auditor(live, live.world.birch.organization_id)
    answers = [live.graphql(other, ONE, {"id": one}) for one in (found[0]["id"], "nothing", "", found[0]["id"][:-1])]
    assert [code(answer) for answer in answers] == ["NOT_FOUND"] * 4
    assert len({answer.text for answer in answers}) == 1
    assert code(live.graphql(reader, ONE, {"id": "a\0b"})) in {"BAD_USER_INPUT", "NOT_FOUND"}
    assert live.data(reader, ONE, {"id": found[0]["id"]})["auditEntry"] == found[0]


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


def mixture(live: Live) -> list[dict[str, Any]]:
    """Records acts of each kind by each actor to each target, tokens and others; returns them as they are shown."""
    events = (Event.TOKEN_ISSUED, Event.SECRET_CREATED, Event.TOKEN_REFUSED)
    actors = (Actor("client", "a" * 32), Actor("person", "usr_1"), OPERATOR)
    of = live.world.alder.organization_id
    acts = [
        Act(event, actor, of, target, count=1 + place % 2)
        for place, (event, actor, target) in enumerate(itertools.product(events, actors, ("one", "two", None)))
    ]

    def work(transaction: Any) -> None:
        for act in acts * 2:
            live.clock.advance(0.001)
            audit.record(transaction, act, live.clock.microseconds())

    live.server.database.write(work)
    number(live)
    return [
        {"event": str(act.event), "actorId": act.actor.id, "target": act.target, "at": NOW * 1_000 + place}
        for place, act in enumerate(acts * 2, 1)
    ][::-1]


@pytest.mark.parametrize("searched", [2_000, 3], ids=["all at once", "bit by bit"])
def test_every_combination_of_filters_finds_what_fits_and_nothing_else(
    live: Live, monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    monkeypatch.setattr(audit_search, "SEARCHED", searched)
    monkeypatch.setattr(audit_search, "READ_AT_ONCE", 2)
    acts, of = mixture(live), live.world.alder.organization_id
    choices = (
        (None, "token.issued", "secret.created"),
        (None, "a" * 32, "usr_1", "usr_2"),
        (None, "one", "three"),
        (None, NOW * 1_000 + 11),
        (None, NOW * 1_000 + 40),
        (True, False),
    )
    for event, actor_id, target, since, until, with_tokens in itertools.product(*choices):
        wanted = Wanted(event, actor_id, target, since, until, with_tokens=bool(with_tokens))
        found: list[Any] = []
        after: str | None = None
        while True:
            shown = live.server.database.read(
                lambda tx, one=wanted, at=after: audit_search.search(tx, of, one, page(at, 7))  # type: ignore[misc]
            )
            found += [one.at_us // 1_000 for one in shown.entries]
            after = shown.next
            if after is None:
                break
        assert found == [
            one["at"]
            for one in acts
            if event in {None, one["event"]}
            and actor_id in {None, one["actorId"]}
            and target in {None, one["target"]}
            and (since or 0) <= one["at"] < (until or 1 << 60)
            and (with_tokens or one["event"] != "token.issued")
        ], wanted


def test_an_entry_names_who_acted_on_what_also_when_they_are_gone(live: Live) -> None:
    holders, of = Holders(live), live.world.alder.organization_id
    reader, ruth = token(holders, holders.person(Role.ADMINISTRATOR)), holders.person(Role.STAFF)
    for actor, target in (
        (Actor("person", ruth), live.world.alder.secret_id),
        (Actor("client", live.world.alder.client_id), ruth),
        (Actor("person", "usr_nobody"), live.world.birch.client_id),
    ):
        act = Act(Event.SECRET_CREATED, actor, of, target)
        live.server.database.write(lambda tx, one=act: audit.record(tx, one, live.clock.microseconds()))  # type: ignore[misc]
        live.clock.advance(1)
    live.server.database.write(lambda tx: memberships.remove(tx, of, ruth, live.clock.seconds()))
    number(live)
    shown = read(live, reader, event="secret.created")["entries"]
    assert [(one["actorName"], one["targetName"]) for one in shown] == [
        (None, None),
        ("Alder Clinic backend", "Ada Marsh"),
        ("Ada Marsh", None),
    ]


def test_what_a_person_does_before_choosing_an_organization_is_in_the_log_of_each_of_theirs(live: Live) -> None:
    alder, birch = Holders(live), Holders(live, live.world.birch.organization_id)
    ruth, other = alder.person(Role.ADMINISTRATOR), birch.person(Role.ADMINISTRATOR)
    readers = [token(alder, ruth), token(birch, other)]
    for event in (Event.SIGNED_IN, Event.CONSENT_TAKEN_BACK, Event.FACTOR_ADDED):
        act = Act(event, Actor("person", ruth), target=ruth)
        live.server.database.write(lambda tx, one=act: audit.record(tx, one, live.clock.microseconds()))  # type: ignore[misc]
        live.clock.advance(1)
    number(live)
    found = [read(live, reader, actorId=ruth, withoutTokens=True)["entries"] for reader in readers]
    assert [[one["event"] for one in shown] for shown in found] == [["factor.added", "person.signed_in"], []]
    assert {one["id"] for one in found[0]} <= {one["id"] for one in read(live, readers[0], first=100)["entries"]}
    assert code(live.graphql(readers[1], ONE, {"id": found[0][0]["id"]})) == "NOT_FOUND"


def test_the_log_says_how_far_it_is_and_when_it_was_last_verified(live: Live) -> None:
    reader = auditor(live)
    record(live, 3, live.world.alder.organization_id)
    Sequencer(live.server.database, live.clock, live.server.sealing_key, None).work_once(is_last=True)
    shown = live.data(reader, VERIFICATION)["auditVerification"]
    size = shown["entries"]
    assert shown.pop("checkpoint") == {"size": size, "at": shown_at(live), "note": note(live)}
    assert shown == {
        **dict.fromkeys(("verifiedAt", "verifiedEntries", "problems", "isWhole", "verifiedCheckpoint")),
        "entries": size,
    }
    act = Act(Event.AUDIT_VERIFIED, OPERATOR, details={"entries": int(size), "covered": int(size), "problems": 0})
    live.clock.advance(60)
    live.server.database.write(lambda tx: audit_verifications.record(tx, act, live.clock.microseconds()))
    record(live, 1, live.world.alder.organization_id)
    shown = live.data(reader, VERIFICATION)["auditVerification"]
    assert shown.pop("checkpoint")["size"] > size
    assert shown == {
        "entries": str(int(size) + 2),
        "verifiedAt": shown_at(live, 1),
        "verifiedEntries": size,
        "problems": 0,
        "isWhole": True,
        "verifiedCheckpoint": {"size": size, "at": shown_at(live, 60_001)},
    }


def shown_at(live: Live, ago_ms: int = 0) -> str:
    """Returns a moment as the API writes it."""
    return format_datetime(live.clock.microseconds() // 1_000 - ago_ms)


def note(live: Live) -> str:
    """Returns the last signed note."""
    asked = text("SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1")
    return str(live.server.database.read(lambda tx: tx.connection.execute(asked).scalar_one()))


def test_nothing_of_the_log_can_be_changed_or_removed_by_any_field() -> None:
    """M-25."""
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    others = {"setEmergencyAccess"}  # which is a way in, and no record of one
    about = [name for name in mutation.fields if "audit" in name.lower() or "access" in name.lower()]
    assert set(about) == others


def test_an_act_says_from_where_and_in_which_request_it_came(sqlite_live: Live) -> None:
    clinic = Clinic(sqlite_live)
    for name in ("Elm", "Oak"):
        key = {"idempotency-key": "one"} if name == "Oak" else {}
        document = "mutation($name: String) { updateOrganization(input: { name: $name }) { id } }"
        answer = sqlite_live.graphql(clinic.administrator.token, document, {"name": name}, **key)
        assert "errors" not in answer.json()
    number(sqlite_live)
    asked = '{ auditEntries(event: "organization.changed") { entries { network requestId } } }'
    shown = sqlite_live.data(clinic.administrator.token, asked)["auditEntries"]["entries"]
    assert [one["network"] for one in shown] == ["127.0.0.1", "127.0.0.1"]
    assert len({one["requestId"] for one in shown}) == 2
