"""The audit log: entries that are numbered and chained, its key, and signed checkpoints."""

import sqlalchemy as sa
from alembic import op

from rxauth.storage.migrations.engine_specific import refuse_changes

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Numbers the outbox and makes the log, whose rows stay as they are from then on."""
    with op.batch_alter_table("audit_outbox") as batch:
        batch.add_column(sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("audit_outbox") as batch:
        batch.alter_column("number", server_default=None)
    op.create_index("ix_audit_outbox_number", "audit_outbox", ["number"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("verifier", TEXT, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_log_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_entries_id")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoints")),
    )
    refuse_changes(op.get_bind(), ("audit_outbox", "audit_log", "audit_entries", "audit_checkpoints"))
