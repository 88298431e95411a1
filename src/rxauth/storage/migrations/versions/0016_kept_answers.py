"""Answers to mutations that carried an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "kept_answers",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("scope", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_kept_answers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "scope", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_made_at"), "kept_answers", ["made_at"], unique=False)
