"""The audit log in ranges, with keys that may be replaced, and a report of each day."""

import sqlalchemy as sa
from alembic import op

from rxauth.storage.migrations.engine_specific import divide_audit_entries, refuse_changes

revision = "0008"
down_revision = "0007"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
RANGE_ENTRIES = 5_000_000


def upgrade() -> None:
    """Makes the tables; what the log has stays as it is."""
    op.create_table(
        "audit_keys",
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("verifier", TEXT, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_audit_keys")),
    )
    op.create_table(
        "audit_reports",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_reports")),
    )
    # One number may not be unique in a table that is divided by another; the verifier looks for doubles.
    with op.batch_alter_table("audit_entries") as batch:
        batch.drop_constraint("uq_audit_entries_id", type_="unique")
        batch.create_index("ix_audit_entries_id", ["id"], unique=False)
    divide_audit_entries(op.get_bind(), RANGE_ENTRIES)
    refuse_changes(op.get_bind(), ("audit_keys", "audit_reports", "audit_entries"))
