"""Tallies on both engines: what they count is what the log has, whoever numbers it and whenever that one is killed."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rxauth.domain import audit, audit_log, audit_numbering, memberships, tallies
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.tallies import Step, Use
from rxauth.policy.roles import Role
from rxauth.storage.database import Database
from rxauth.storage.tables.tallies import tallies as table
from rxauth.storage.tenancy import sql
from tests.audited import Audited
from tests.live import Live, environment
from tests.people import add_person
from tests.world import NOW, World

HOUR = NOW // 3_600
ROLE = Role.ADMINISTRATOR
EVERYTHING = sql(select(*table.c), across_tenants="a test compares them with the whole log")
NUMBERER = """
import sys
from rxauth.app import make_server
from rxauth.clock import Clock
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.settings import read
server = make_server(read(), Clock())
sequencer = Sequencer(server.database, server.clock, server.sealing_key, None)
print("ready", flush=True)
while True:
    sequencer.work_once()
"""
Key = tuple[str, str, int, str, str]


@pytest.fixture
def audited(world: World, tmp_path: Path) -> Iterator[Audited]:
    """A log that is numbered when a test says so."""
    made = Audited(world, tmp_path)
    yield made
    made.database.close()
    made.owner.dispose()


def kept(database: Database) -> Mapping[Key, tuple[int, int]]:
    """Returns the tallies, of every organization."""
    rows = database.read(lambda tx: tx.all(EVERYTHING))
    return {
        (row.organization_id, row.event, row.hour, row.client_id, row.secret_id): (row.count, row.last_at)
        for row in rows
    }


def counted(records: list[dict[str, Any]]) -> Mapping[Key, tuple[int, int]]:
    """Counts the records of the log anew, those that name an organization."""
    counts, last = Counter[Key](), Counter[Key]()
    for one in records:
        if one["organization_id"] is None:
            continue
        client_id = one["actor"]["id"] if one["actor"]["kind"] == "client" else ""
        hour = one["at_us"] // 3_600_000_000
        key = (one["organization_id"], one["event"], hour, client_id, one.get("secret_id", ""))
        counts[key] += one["count"]
        last[key] = max(last[key], one["at_us"] // 1_000_000)
    return {key: (count, last[key]) for key, count in counts.items()}


def log_of(audited: Audited) -> list[dict[str, Any]]:
    """Returns the records that the log has."""
    return [json.loads(one.entry)["record"] for one in audited.database.read(_entries)]


def _entries(transaction: Any) -> list[Any]:
    return list(audit_log.entries(transaction, 0, 2**62))


def issued(world: World, place: int, **changes: Any) -> Act:
    """Returns the record of a token, or of something like it."""
    tenant = world.alder if place % 3 else world.birch
    given = {
        "event": Event.TOKEN_ISSUED,
        "actor": Actor("client", tenant.client_id),
        "organization_id": tenant.organization_id,
        "target": f"token-{place}",
        "count": 1 + place % 2,
        "details": {"secret_id": tenant.secret_id, "exp": 1},
        **changes,
    }
    return Act(**given)


def write(audited: Audited, *acts: Act) -> None:
    """Records acts, each in a transaction of its own."""
    for act in acts:
        audited.clock.advance(0.001)
        audited.database.write(lambda tx, one=act: audit.record(tx, one, audited.clock.microseconds()))  # type: ignore[misc]


def test_exchanges_are_counted_by_hour_client_and_secret_and_refused_ones_by_their_number(live: Live) -> None:
    tenant = live.world.alder
    for _ in range(3):
        live.token(tenant)
    live.clock.advance(3_600)
    live.token(tenant)
    live.token(live.world.birch)
    for _ in range(4):
        live.exchange(tenant, scope="write:prescription")
    live.exchange(tenant, client_secret=live.world.birch.secret)
    live.stop()
    database = live.world.open()
    number_all(live.world, database, live)

    def read(organization_id: str, client_id: str | None, step: Step = Step.HOUR) -> Mapping[Event, Any]:
        events = (Event.TOKEN_ISSUED, Event.TOKEN_REFUSED)
        return database.read(
            lambda tx: tallies.series(
                tx, organization_id, events, client_id=client_id, since_hour=HOUR - 1, until_hour=HOUR + 2, step=step
            )
        )

    assert read(tenant.organization_id, tenant.client_id) == {
        Event.TOKEN_ISSUED: [0, 3, 1],
        Event.TOKEN_REFUSED: [0, 0, 5],
    }
    assert read(tenant.organization_id, None) == read(tenant.organization_id, tenant.client_id)
    assert read(tenant.organization_id, None, Step.DAY) == {Event.TOKEN_ISSUED: [4], Event.TOKEN_REFUSED: [5]}
    assert read(tenant.organization_id, live.world.birch.client_id)[Event.TOKEN_ISSUED] == [0, 0, 0]
    assert read(live.world.birch.organization_id, None)[Event.TOKEN_ISSUED] == [0, 0, 1]
    used = database.read(
        lambda tx: tallies.last_used(tx, tenant.organization_id, [tenant.secret_id, "sec_none"], NOW + 3_600)
    )
    assert used == {tenant.secret_id: Use(NOW + 3_600, 4)}
    database.close()


def number_all(world: World, database: Database, live: Live) -> None:
    """Numbers what a server left, once it has ended."""
    database.write(
        lambda tx: audit_numbering.number(tx, 0, world.settings.sealing_key, live.clock.microseconds()).numbered
    )


def test_the_last_use_of_a_secret_is_known_long_after_and_its_uses_of_a_day_are_not(audited: Audited) -> None:
    tenant = audited.world.alder
    write(audited, *(issued(audited.world, 1) for _ in range(3)))
    audited.sequencer().work_once()

    def used(organization_id: str, now: int) -> Mapping[str, Use]:
        return audited.database.read(lambda tx: tallies.last_used(tx, organization_id, [tenant.secret_id], now))

    assert used(tenant.organization_id, NOW + 24 * 3_600) == {tenant.secret_id: Use(NOW, 6)}
    assert used(tenant.organization_id, NOW + 25 * 3_600) == {tenant.secret_id: Use(NOW, 0)}
    assert used(audited.world.birch.organization_id, NOW) == {}


def test_days_begin_at_midnight_of_utc_and_have_their_numbers_when_nothing_was_done(audited: Audited) -> None:
    for _ in range(4):
        write(audited, issued(audited.world, 2))
        audited.clock.advance(18 * 3_600)
    audited.sequencer().work_once()
    found = audited.database.read(
        lambda tx: tallies.series(
            tx,
            audited.world.alder.organization_id,
            [Event.TOKEN_ISSUED],
            client_id=None,
            since_hour=HOUR - 12,
            until_hour=HOUR + 84,
            step=Step.DAY,
        )
    )
    assert found == {Event.TOKEN_ISSUED: [1, 1, 2, 0]}
    empty = audited.database.read(
        lambda tx: tallies.series(
            tx, audited.world.alder.organization_id, [Event.SIGNED_IN], client_id=None, since_hour=HOUR, until_hour=HOUR
        )
    )
    assert empty == {Event.SIGNED_IN: []}


def test_what_people_do_before_they_choose_an_organization_counts_in_each_of_theirs(audited: Audited) -> None:
    world = audited.world
    person = audited.database.write(lambda tx: add_person(tx, "ruth@alder.example").id)
    for one in (world.alder, world.birch):
        audited.database.write(lambda tx, to=one: memberships.add(tx, to.organization_id, person, [ROLE], NOW))  # type: ignore[misc]
    nobody = Act(Event.SIGNED_IN, Actor("person", "usr_nobody"))
    write(audited, Act(Event.SIGNED_IN, Actor("person", person), target="ses_1"), nobody)
    write(audited, Act(Event.SIGN_IN_REFUSED, Actor("person", person), reason="pwd", count=7))
    write(audited, Act(Event.CONSENT_TAKEN_BACK, Actor("person", person), target="another organization's client"))
    audited.sequencer().work_once()
    found = {(key[0], key[1]): count for key, (count, _) in kept(audited.database).items()}
    assert found == {
        (tenant.organization_id, event): count
        for tenant in (world.alder, world.birch)
        for event, count in ((Event.SIGNED_IN, 1), (Event.SIGN_IN_REFUSED, 7))
    }


def test_what_is_no_record_is_numbered_and_not_counted(audited: Audited) -> None:
    organization_id = audited.world.alder.organization_id
    write(
        audited,
        issued(audited.world, 1, target="a\0b"),
        issued(audited.world, 1, target="x" * 3_000),
        issued(audited.world, 1, details={"secret_id": 7}),
        issued(audited.world, 1, organization_id="org_that_is_not"),
    )
    audited.tamper(
        "INSERT INTO audit_outbox (id, recorded_at_us, organization_id, entry, number)"
        " VALUES ('01A', 1, :organization_id, :entry, (SELECT max(number) FROM audit_outbox))",
        organization_id=organization_id,
        entry=b'{"event":"\xff',
    )
    write(audited, issued(audited.world, 1))
    audited.sequencer().work_once()
    assert len(audited.entries()) == 7
    assert sorted(key[0] for key in kept(audited.database)) == [organization_id, "org_that_is_not"]


def test_a_numbering_that_is_undone_counted_nothing(audited: Audited) -> None:
    write(audited, *(issued(audited.world, place) for place in range(5)))

    def work(transaction: Any) -> None:
        audit_numbering.number(transaction, 0, audited.world.settings.sealing_key, audited.clock.microseconds())
        raise KeyError

    with pytest.raises(KeyError):
        audited.database.write(work)
    assert kept(audited.database) == {}
    audited.sequencer().work_once()
    assert kept(audited.database) == counted(log_of(audited))


def test_two_sequencers_at_once_count_everything_once(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_numbering, "BATCH", 7)
    stopping = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        database = audited.world.open()
        try:
            sequencer = Sequencer(database, audited.clock, audited.world.settings.sealing_key, None)
            while not stopping.is_set():
                sequencer.work_once()
        except BaseException as error:
            failed.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    write(audited, *(issued(audited.world, place) for place in range(150)))
    stopping.set()
    for one in threads:
        one.join()
    audited.sequencer().work_once()
    assert failed == []
    assert kept(audited.database) == counted(log_of(audited))
    assert sum(count for count, _ in kept(audited.database).values()) == sum(1 + one % 2 for one in range(150))


@pytest.mark.proof
def test_a_sequencer_that_is_killed_at_any_moment_counts_nothing_twice_and_leaves_nothing_out(
    audited: Audited, *, is_whole: bool
) -> None:
    rounds, place = (12 if is_whole else 1), 0
    for _ in range(rounds):
        process = subprocess.Popen(
            [sys.executable, "-c", NUMBERER], env=environment(audited.world.settings), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        killing = threading.Timer(random.uniform(0.01, 0.2), process.kill)
        killing.start()
        while process.poll() is None:
            acts = [audit.row(issued(audited.world, one), time.time_ns() // 1_000) for one in range(place, place + 200)]
            audited.database.write(lambda tx, rows=acts: audit.record_all(tx, rows))  # type: ignore[misc]
            place += 200
        process.communicate()
    audited.sequencer().work_once()
    assert kept(audited.database) == counted(log_of(audited))
    assert sum(count for count, _ in kept(audited.database).values()) == place * 3 // 2
