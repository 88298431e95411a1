"""By what entries of the audit log are found again; those that there are get their rows here.

What people did before they acted for an organization gets none: for whom they worked then is not known.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from rxauth.storage.migrations.engine_specific import refuse_changes

revision = "0027"
down_revision = "0026"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PAGE = 2_000
LONGEST = 255
ROW = sa.text("INSERT INTO audit_index (organization_id, key, id) VALUES (:organization_id, :key, :id)")
RECORDS = sa.text(
    "SELECT id, entry FROM audit_outbox WHERE id > :after AND id IN (SELECT id FROM audit_entries)"
    " ORDER BY id LIMIT :most"
)


def upgrade() -> None:
    """Makes the table and fills it, and an index of deliveries by when they were settled."""
    op.create_table(
        "audit_index",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "key", "id", name=op.f("pk_audit_index")),
        sqlite_with_rowid=False,
    )
    connection, after = op.get_bind(), ""
    while page := connection.execute(RECORDS, {"after": after, "most": PAGE}).all():
        rows = [row for one in page for row in _rows(one.id, one.entry)]
        if rows:
            connection.execute(ROW, rows)
        after = page[-1].id
    refuse_changes(connection, ("audit_index",))
    op.create_index(
        "ix_webhook_deliveries_settled",
        "webhook_deliveries",
        ["organization_id", "settled_at", "state", "webhook_id"],
    )


def _rows(record_id: str, entry: bytes) -> Iterator[dict[str, Any]]:
    try:
        record = json.loads(entry)
        event, actor_id, target = record["event"], record["actor"]["id"], record["target"]
        organization_id = record["organization_id"]
    except (ValueError, KeyError, TypeError):
        return
    if organization_id is None:
        return
    if any("\0" in one or len(one) > LONGEST for one in (event, actor_id, target, organization_id) if one):
        return
    keys = [] if actor_id is None else [f"actor {actor_id} {event}"]
    keys += [] if target is None else [f"target {target}"]
    if event != "token.issued":
        keys += ["acts", f"event {event}"] + ([] if actor_id is None else [f"actor {actor_id}"])
    yield from ({"organization_id": organization_id, "key": key, "id": record_id} for key in keys)
