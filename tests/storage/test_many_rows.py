"""Many new rows in one statement: each comes out as it went in."""

from sqlalchemy import bindparam, select

from rxauth.storage.many_rows import insert_rows, packed
from rxauth.storage.tables.audit import audit_entries
from rxauth.storage.tenancy import sql
from tests.world import World

FIRST = 4_000_000
ADDED = sql(select(audit_entries).where(audit_entries.c.seq >= bindparam("first")).order_by(audit_entries.c.seq))


def test_texts_numbers_and_octets_come_out_as_they_went_in(world: World) -> None:
    database = world.open()
    add = insert_rows(audit_entries)
    rows = [
        {"seq": FIRST, "id": 'a "quoted" \\ text', "entry": "ä ⚕".encode(), "hash": bytes(range(256))},
        {"seq": FIRST + 1, "id": "", "entry": b"", "hash": b"\xff\x00\xfe"},
    ]
    database.write(lambda tx: tx.run(add, **packed(audit_entries, rows)))
    found = database.read(lambda tx: tx.all(ADDED, first=FIRST))
    assert [row._asdict() for row in found] == rows
    database.close()
