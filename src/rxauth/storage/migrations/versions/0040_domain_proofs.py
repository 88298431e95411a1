"""A domain's DNS is looked at again; people are named who may sign in past the identity provider that all must use."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
oldest_server = "0036"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns; nobody is named yet, and no connection counts as tried."""
    op.add_column("domains", sa.Column("missing_since", sa.BigInteger()))
    op.create_index(op.f("ix_domains_created_at"), "domains", ["created_at"])
    op.add_column("connections", sa.Column("proven_at", sa.BigInteger()))
    op.add_column("memberships", sa.Column("emergency_since", sa.BigInteger()))
    op.add_column("sessions", sa.Column("emergency_in", TEXT))
