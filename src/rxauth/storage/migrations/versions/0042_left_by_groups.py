"""Whose groups left them no role: they come back when their groups do."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
oldest_server = "0036"


def upgrade() -> None:
    """Adds when they left."""
    op.add_column("upstream_identities", sa.Column("left_at", sa.BigInteger()))
