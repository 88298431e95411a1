"""Lists of providers: what was done about each authority, and what expires soon."""

from collections import Counter
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OUTBOX = sa.table(
    "audit_outbox",
    sa.column("id", TEXT),
    sa.column("recorded_at_us", sa.BigInteger),
    sa.column("entry", sa.LargeBinary),
)
MARK = sa.literal(b'"event":"provider.', sa.LargeBinary)


def upgrade() -> None:
    """Makes the history, with what the audit log has by now, and the indexes."""
    history = op.create_table(
        "provider_history",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("licence_state", TEXT, nullable=True),
        sa.Column("licence_status", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_provider_history_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["provider_authorities.organization_id", "provider_authorities.user_id"],
            name=op.f("fk_provider_history_organization_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "user_id", "number", name=op.f("pk_provider_history")),
        info={"tenant": True},
    )
    rows = recorded(op.get_bind())
    if rows:
        op.bulk_insert(history, rows)
    for table, column in (
        ("provider_authorities", "asked_at"),
        ("provider_authorities", "effective_until"),
        ("provider_licences", "expires_on"),
        ("provider_registrations", "expires_on"),
    ):
        op.create_index(f"ix_{table}_{column}", table, ["organization_id", column, "user_id"])


def recorded(connection: sa.Connection) -> list[dict[str, Any]]:
    """Returns what the audit log has of acts on authorities, as the history has it."""
    is_sqlite = connection.dialect.name == "sqlite"
    place = sa.func.instr(OUTBOX.c.entry, MARK) if is_sqlite else sa.func.pg_catalog.position(OUTBOX.c.entry, MARK)
    ordered = sa.select(OUTBOX.c.entry).where(place > 0).order_by(OUTBOX.c.recorded_at_us, OUTBOX.c.id)
    entries = (msgspec.json.decode(row.entry) for row in connection.execute(ordered))
    numbers: Counter[tuple[str, str]] = Counter()
    rows = []
    for one in entries:
        if one["outcome"] == "success":
            of = one["organization_id"], one["target"]
            numbers[of] += 1
            rows.append(
                {
                    "organization_id": of[0],
                    "user_id": of[1],
                    "number": numbers[of],
                    "at": one["at_us"] // 1_000_000,
                    "event": one["event"],
                    "actor_kind": one["actor"]["kind"],
                    "actor_id": one["actor"]["id"],
                    "reason": one.get("why"),
                    "licence_state": one.get("licence_state"),
                    "licence_status": one.get("licence_status"),
                }
            )
    return rows
