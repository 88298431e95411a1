"""How often what was done, hour by hour, for each organization; counted from this revision on."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "tallies",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("secret_id", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "event", "hour", "client_id", "secret_id", name=op.f("pk_tallies")),
    )
    op.create_index("ix_tallies_secret_id_hour", "tallies", ["organization_id", "secret_id", "hour"])
