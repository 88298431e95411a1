"""When somebody last looked whether the certificates of a connection end soon."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
oldest_server = "0036"

SAML = sa.text("kind = 'saml'")


def upgrade() -> None:
    """Adds the column: nobody looked yet, nor at what older servers add."""
    op.add_column(
        "connections", sa.Column("certificates_looked_at", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_index(
        "ix_connections_certificates_looked_at",
        "connections",
        ["certificates_looked_at", "id"],
        sqlite_where=SAML,
        postgresql_where=SAML,
    )
