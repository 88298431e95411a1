"""Audit records: what an entry says, byte for byte, and that it is kept with its act or not at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, select

from rxauth.domain import audit
from rxauth.domain.audit import ANONYMOUS, OPERATOR, Act, Actor, Event
from rxauth.ids import new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.world import NOW, World

NOW_US = NOW * 1_000_000 + 123_456
RECORDS = sql(
    select(audit_outbox.c.id, audit_outbox.c.recorded_at_us, audit_outbox.c.organization_id, audit_outbox.c.entry)
    .where(audit_outbox.c.recorded_at_us >= bindparam("since_us"))
    .order_by(audit_outbox.c.recorded_at_us, audit_outbox.c.id)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


class ChangedMindError(Exception):
    """What work of these tests raises of its own."""


def entries(world: World, *events: Event) -> list[dict[str, Any]]:
    """Returns the entries of the outbox, those of some events or all, after a look at the form of every row."""
    database = world.open()
    rows = database.read(lambda tx: tx.all(RECORDS, since_us=0))
    database.close()
    found = []
    for row in rows:
        entry = json.loads(row.entry)
        assert row.entry == canonical(entry)
        assert row.recorded_at_us == entry["at_us"]
        assert row.organization_id == entry["organization_id"]
        assert row.id[:10] == new_ulid(entry["at_us"] // 1_000)[:10]
        assert all(type(value) in {int, str, type(None), dict} for value in entry.values())
        found.append(entry)
    return [entry for entry in found if not events or entry["event"] in events]


def canonical(entry: dict[str, Any]) -> bytes:
    """Returns the one way to write an entry, in which proofs will hash it."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_an_entry_says_when_who_what_how_it_ended_why_and_from_where() -> None:
    act = Act(
        Event.TOKEN_REFUSED,
        Actor("client", "a-client"),
        organization_id="org_1",
        target="a-target",
        reason="invalid_scope",
        network="192.0.2.1",
        request_id="a-request",
        count=3,
        details={"secret_id": "sec_1", "exp": 5},
    )
    assert json.loads(audit.row(act, NOW_US)["entry"]) == {
        "v": 1,
        "at_us": NOW_US,
        "event": "token.refused",
        "outcome": "failure",
        "actor": {"kind": "client", "id": "a-client"},
        "organization_id": "org_1",
        "target": "a-target",
        "reason": "invalid_scope",
        "network": "192.0.2.1",
        "request_id": "a-request",
        "count": 3,
        "secret_id": "sec_1",
        "exp": 5,
    }


def test_an_act_without_a_reason_succeeded() -> None:
    entry = json.loads(audit.row(Act(Event.KEYS_ROTATED, OPERATOR), NOW_US)["entry"])
    assert (entry["outcome"], entry["reason"], entry["count"]) == ("success", None, 1)
    assert entry["actor"] == {"kind": "operator", "id": None}


@given(
    texts=st.lists(st.none() | TEXT, min_size=6, max_size=6),
    details=st.dictionaries(st.text("abcxyz_", min_size=1).map("a_{}".format), TEXT | st.integers(-(2**53), 2**53)),
    at_us=st.integers(0, 2**53),
    count=st.integers(0, 2**31),
)
def test_an_entry_is_written_in_one_way_whatever_it_holds(
    texts: list[str | None], details: dict[str, str | int], at_us: int, count: int
) -> None:
    actor_id, organization_id, target, reason, network, request_id = texts
    act = Act(
        Event.TOKEN_ISSUED,
        Actor("client", actor_id),
        organization_id,
        target,
        reason,
        network,
        request_id,
        count,
        details,
    )
    row = audit.row(act, at_us)
    assert row["entry"] == canonical(json.loads(row["entry"]))
    assert (row["recorded_at_us"], row["organization_id"]) == (at_us, organization_id)
    assert b"\n" not in row["entry"]


def test_equal_acts_of_one_moment_are_different_rows() -> None:
    act = Act(Event.TOKEN_ISSUED, ANONYMOUS)
    assert len({audit.row(act, NOW_US)["id"] for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("fails", [False, True])
def test_a_record_is_kept_with_its_act_or_not_at_all(world: World, fails: bool) -> None:
    def work(transaction: Transaction) -> None:
        audit.record(transaction, Act(Event.SANDBOX_MADE, OPERATOR, "org_1"), NOW_US)
        if fails:
            raise ChangedMindError

    database = world.open()
    if fails:
        with pytest.raises(ChangedMindError):
            database.write(work)
    else:
        database.write(work)
    database.close()
    assert [entry["event"] for entry in entries(world)] == ([] if fails else ["sandbox.made"])


def test_a_group_of_records_is_kept_whole(world: World) -> None:
    rows = [audit.row(Act(Event.TOKEN_ISSUED, ANONYMOUS, target=f"token {number}"), NOW_US) for number in range(50)]
    database = world.open()
    database.write(lambda tx: audit.record_all(tx, rows))
    database.write(lambda tx: audit.record_all(tx, []))
    database.close()
    assert sorted(entry["target"] for entry in entries(world)) == sorted(f"token {number}" for number in range(50))
