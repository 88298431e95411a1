"""The keys of SAML connections: each connection signs with its own."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
oldest_server = "0036"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "saml_keys",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('current', 'next', 'previous')", name=op.f("ck_saml_keys_state")),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_saml_keys_connection_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_saml_keys_organization_id")),
        sa.PrimaryKeyConstraint("connection_id", "state", name=op.f("pk_saml_keys")),
    )
