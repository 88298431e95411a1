"""Old and new servers side by side, on tables that are migrated while both are asked (rolling upgrade, and back)."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rxauth.storage.database import Transaction
from rxauth.storage.engines import parse_url
from tests.faults.upgrade import NEXT_REVISION, Load, migrate, next_version
from tests.live import Process
from tests.world import World, postgres_socket, see_everything

EACH = 12  # answers
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_an_upgrade_and_the_way_back_lose_no_request(world: World, tmp_path: Path) -> None:
    """F14: N, then N+1 with its migration under load, then N again, which serves the newer tables."""
    newer = next_version(tmp_path)
    load = Load(world, [Process(world.settings)])
    try:
        with load.under_way():
            load.wait_for_answers(EACH)
            with _somebody_uses_patients(world):
                assert migrate(world.settings, **newer) == f"Applied: {NEXT_REVISION}.\n"
            load.add(**newer)
            load.wait_for_answers(EACH)
            load.add()  # the old version starts on the new tables
            load.take_out_first()
            load.wait_for_answers(EACH)
            load.take_out_first()
            load.wait_for_answers(EACH)
    finally:
        for one in load.serving:
            one.stop()
    assert load.failures == []
    database = world.open()
    rows = database.read(_patient_ids)
    database.close()
    assert set(load.made) <= set(rows)


def _patient_ids(transaction: Transaction) -> list[str]:
    see_everything(transaction)
    return list(transaction.connection.exec_driver_sql("SELECT id FROM patients").scalars())


@contextlib.contextmanager
def _somebody_uses_patients(world: World) -> Iterator[None]:
    """Keeps the patients' table from whoever wants it alone, until a migration has asked for it in vain."""
    name = parse_url(world.settings.database_url).database
    with psycopg.connect(host=postgres_socket(), user="postgres", dbname=name) as connection:
        connection.execute("SELECT FROM patients LIMIT 1")
        thread = threading.Thread(target=_until_asked_in_vain, args=(connection,))
        thread.start()
        yield
        thread.join()


def _until_asked_in_vain(connection: "psycopg.Connection[tuple[int]]") -> None:
    for wanted in (True, False):
        while bool(connection.execute(WAITING).fetchone() != (0,)) != wanted:
            time.sleep(0.01)
    connection.rollback()
