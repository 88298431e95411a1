"""Counts of requests in the current minute, which processes tell each other by."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
oldest_server = "0028"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "request_counts",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("minute_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_request_counts")),
    )
    op.create_index("ix_request_counts_minute_at", "request_counts", ["minute_at"])
