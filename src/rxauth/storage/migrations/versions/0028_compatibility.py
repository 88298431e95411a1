"""Which servers may serve the tables: from here on a server may be older than they are, if it finds what it needs."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
oldest_server = "0028"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table; each revision notes there what it declares."""
    op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("oldest_server", TEXT, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_compatibility_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compatibility")),
    )
