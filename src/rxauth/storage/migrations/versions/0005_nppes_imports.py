"""The imports of the national register; and each organization's own audit records, found without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table, and the index."""
    op.create_table(
        "nppes_imports",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nppes_imports")),
    )
    op.create_index("ix_audit_outbox_organization_id_id", "audit_outbox", ["organization_id", "id"], unique=False)
