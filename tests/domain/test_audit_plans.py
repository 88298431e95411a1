"""No search of the audit log, no count and no access log reads a whole table, on either engine."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rxauth.domain import (
    access_records,
    audit,
    audit_keys,
    audit_names,
    audit_search,
    audit_state,
    delivery_series,
    tallies,
)
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.audit_search import Wanted
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.paging import page
from rxauth.domain.tallies import Step
from rxauth.storage.database import Transaction
from tests.domain.test_reference_plans import plans
from tests.world import NOW, StandingClock, World

HOUR = NOW // 3_600
SEARCHES = {
    "everything": Wanted(),
    "everything but tokens": Wanted(with_tokens=False),
    "an event": Wanted(event="secret.created"),
    "tokens": Wanted(event="token.issued"),
    "a person": Wanted(actor_id="usr_1"),
    "an event of a person": Wanted(event="secret.created", actor_id="usr_1"),
    "a thing": Wanted(target="sec_1"),
    "all of them": Wanted("secret.created", "usr_1", "sec_1", NOW * 1_000, NOW * 1_000 + 60_000),
    "a time": Wanted(since_ms=NOW * 1_000, until_ms=NOW * 1_000 + 60_000),
}
Look = Callable[[Transaction, str], Any]


def _search(wanted: Wanted) -> Look:
    return lambda tx, of: audit_search.search(tx, of, wanted, page(None, None))


LOOKS: dict[str, Look] = {name: _search(wanted) for name, wanted in SEARCHES.items()} | {
    "one entry": lambda tx, of: audit_search.find(
        tx, of, audit_search.search(tx, of, Wanted(), page(None, 1)).entries[0].id
    ),
    "names": lambda tx, of: audit_names.of(tx, of, ["usr_1", "a" * 32, "sec_1", "inv_1", "whk_1"]),
    "the state of the log": lambda tx, _of: audit_state.read(tx),
    "a series": lambda tx, of: tallies.series(
        tx, of, [Event.TOKEN_ISSUED], client_id=None, since_hour=HOUR - 24, until_hour=HOUR + 1
    ),
    "series of clients": lambda tx, of: tallies.of_clients(
        tx, of, [Event.TOKEN_ISSUED], ["a" * 32], since_hour=HOUR - 24, until_hour=HOUR + 1, step=Step.HOUR
    ),
    "the last use of a secret": lambda tx, of: tallies.last_used(tx, of, ["sec_1"], NOW),
    "deliveries": lambda tx, of: delivery_series.series(tx, of, None, since_hour=HOUR - 24, until_hour=HOUR + 1),
    "what somebody saw": lambda tx, of: access_records.search(tx, of, page(None, None), actor_id="usr_1"),
    "who saw a patient": lambda tx, of: access_records.of_patient(tx, of, b"digest", page(None, None)),
}


def test_every_look_at_the_log_goes_by_an_index(world: World) -> None:
    database, clock, of = world.open(), StandingClock(), world.alder.organization_id
    for event in (Event.TOKEN_ISSUED, Event.SECRET_CREATED):
        act = Act(event, Actor("person", "usr_1"), of, "sec_1")
        database.write(lambda tx, one=act: audit.record(tx, one, clock.microseconds()))  # type: ignore[misc]
    Sequencer(database, clock, world.settings.sealing_key, None).work_once(is_last=True)
    is_sqlite = database.engines.reader.dialect.name == "sqlite"

    def look(transaction: Transaction, found: Look) -> None:
        if not is_sqlite:  # the tables of a test are so small that reading them whole would be right
            transaction.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        found(transaction, of)

    for name, found in LOOKS.items():
        with plans(database) as seen:
            database.read(partial(look, found=found))
        assert seen, name
        for plan in seen:
            assert "Seq Scan" not in plan, f"{name}: {plan}"
            scans = [line for line in plan.splitlines() if line.startswith("SCAN") and "CONSTANT ROW" not in line]
            assert all("USING" in line for line in scans), f"{name}: {plan}"
    database.close()


def test_the_key_of_a_checkpoint_is_looked_for_among_keys_and_not_among_entries(world: World) -> None:
    database = world.open()
    Sequencer(database, StandingClock(), world.settings.sealing_key, None).work_once(is_last=True)
    with plans(database) as seen:
        database.read(audit_keys.load)
    entries = [line for plan in seen for line in plan.splitlines() if "audit_entries" in line]
    assert entries
    assert not [line for line in entries if "SCAN" in line or "Backward" in line]
    database.close()
