"""Logouts at SAML providers have a table of their own: they were sign-ins by the name of "logout".

Servers of two versions keep a logout in two places; one that begins at one of them and ends at the other leads nowhere
on, and shows the page that says that it is done.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
oldest_server = "0036"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table; what the older one has of logouts goes by its age, within a day."""
    op.create_table(
        "upstream_logouts",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("sealed_return_to", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_upstream_logouts_connection_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_upstream_logouts_organization_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_upstream_logouts")),
    )
    op.create_index(op.f("ix_upstream_logouts_created_at"), "upstream_logouts", ["created_at"])
