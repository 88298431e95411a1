"""What entries are found by: the same rows, whether a sequencer adds them or the migration that made the index did."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from rxauth.domain import audit, audit_index, audit_owners
from rxauth.domain.audit import OPERATOR, Act, Actor, Event
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_index as table
from rxauth.storage.tenancy import sql
from tests.world import NOW, World

MIGRATION = import_module("rxauth.storage.migrations.versions.0027_audit_index")
EVERY_ROW = sql(select(table.c.organization_id, table.c.key, table.c.id), across_tenants="a test compares them all")
ACTORS = (OPERATOR, Actor("client", "a" * 32), Actor("person", "usr_1"))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_migration_fills_the_index_as_a_sequencer_does(world: World) -> None:
    acts = [
        Act(event, actor, organization_id, target)
        for event in Event
        for actor in ACTORS
        for organization_id in (world.alder.organization_id, None)
        for target in ("sec_1", None, "x" * 300)
    ]
    rows = [audit.row(act, (NOW + place) * 1_000_000) for place, act in enumerate(acts)]
    outbox = [SimpleNamespace(**row) for row in rows]
    database = world.open()

    def work(transaction: Transaction) -> set[tuple[str, str, str]]:
        audit_index.add(transaction, audit_owners.owned(transaction, outbox))
        return {(row.organization_id, row.key, row.id) for row in transaction.all(EVERY_ROW)}

    added = database.write(work)
    filled = {
        (made["organization_id"], made["key"], made["id"])
        for row in rows
        for made in MIGRATION._rows(row["id"], row["entry"])
    }
    assert added == filled
    assert len(added) > len(Event) * 4
    assert list(MIGRATION._rows("01A", b'{"event": 1')) == []
    database.close()
